// Package node is the render node: it leases assignments, does them with the
// stages (decode, engine, mix, encode), stores the results in the buckets and
// reports. A node holds rights on buckets and queues only; it never sees the
// database, and everything it needs to know is in the assignment.
package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// Config is what a node needs. Name, Buckets, Assignments and Reports must be
// set; other zero values mean the stated defaults.
type Config struct {
	// Name identifies the node in reports and logs.
	Name string
	// Buckets are the buckets by role; see definition.Bucket….
	Buckets bucket.Buckets
	// Assignments is where work comes from, Reports where news of it goes.
	Assignments, Reports queue.Queue
	// Scratch is a folder for temporary files; "" is the system's.
	Scratch string
	// Slots is how many assignments are worked on at once; 0 is one per core.
	Slots int
	// Visibility is the lease time of an assignment, extended while work runs;
	// 0 is one minute.
	Visibility time.Duration
	// Engine says how the GL contexts are made.
	Engine engine.Options
	// StockEncoder keeps to the unpatched encoder options even where the
	// patched one is linked: every segment is then stacked and encoded once more.
	StockEncoder bool
	// Verify checks every stripe for motion that leaves it, not only a sample.
	Verify bool
	Log    *slog.Logger
}

// Node does assignments. Make one with New.
type Node struct {
	cfg      Config
	stripeMV bool // what the encoder says
	trust    trust

	mu       sync.Mutex
	renderer string           // of the engines, once there is one
	engines  []*engine.Engine // idle ones; a slot takes one for a picture and gives it back

	parking parking
	cpu     cpuShare
}

// ErrStop is the cause of the contexts of work that is interrupted because the
// node stops. Such work is handed back at once and is not a failure.
var ErrStop = errors.New("node: stopping")

const (
	slotsPerCore      = 1
	visibilityDefault = time.Minute
	// progressEvery bounds how often one assignment reports its percentage.
	progressEvery = 500 * time.Millisecond
	// transferPause is how long an assignment waits that an object store's trouble
	// has interrupted.
	transferPause = 10 * time.Second
	// fullPause is how long a slot takes no work after the scratch folder ran full.
	fullPause = 10 * time.Second
	// sendTimeout bounds the reports that are sent after the work's own context ended.
	sendTimeout = 10 * time.Second
)

// New returns a node. It does not touch the queues yet, but asks the linked
// encoder whether it can keep motion inside a stripe.
func New(cfg Config) *Node {
	if cfg.Slots <= 0 {
		cfg.Slots = slotsPerCore * runtime.GOMAXPROCS(0)
	}
	if cfg.Visibility <= 0 {
		cfg.Visibility = visibilityDefault
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Node{cfg: cfg, stripeMV: !cfg.StockEncoder && encode.StripeMVAvailable()}
}

// StripeMV reports whether this node's stripes can be joined in the bitstream.
func (n *Node) StripeMV() bool { return n.stripeMV }

// Run works until ctx ends, then hands back what it holds and returns nil. It
// returns an error only when the assignment queue itself fails for good.
func (n *Node) Run(ctx context.Context) error {
	defer n.closeEngines()
	defer n.parking.clear(time.Time{})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.parking.sweep(gctx) })
	for range n.cfg.Slots {
		g.Go(func() error { return n.slot(gctx) })
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// slot is one worker: receive, do, report, again.
func (n *Node) slot(ctx context.Context) error {
	for ctx.Err() == nil {
		leases, err := n.cfg.Assignments.Receive(ctx, 1, n.cfg.Visibility)
		switch {
		case ctx.Err() != nil && len(leases) == 0:
			return nil
		case errors.Is(err, queue.ErrClosed):
			return nil
		case err != nil:
			n.cfg.Log.Error("receiving assignments", "error", err)
			if sleep(ctx, 2*time.Second) != nil {
				return nil
			}
			continue
		}
		for _, l := range leases {
			n.handle(ctx, l)
		}
	}
	return nil
}

// handle does one leased assignment and settles the lease: acked when the work
// is done or has failed (the coordinator decides on another attempt), handed
// back when the node is stopping, left alone when the lease was lost.
func (n *Node) handle(ctx context.Context, l queue.Lease) {
	var a plan.Assignment
	if err := json.Unmarshal(l.Body(), &a); err != nil {
		n.cfg.Log.Error("assignment is not readable, dropped", "error", err)
		n.settle(ctx, "ack", l.Ack)
		return
	}
	log := n.cfg.Log.With("run", a.Run, "song", a.Song.Song, "task", a.Key, "kind", a.Kind, "attempt", a.Attempt)
	r := &reporter{node: n, a: a, log: log, last: time.Now()}
	r.send(ctx, plan.Report{State: plan.ReportStarted})

	var result json.RawMessage
	err := queue.Hold(ctx, l, n.cfg.Visibility, func(ctx context.Context) (err error) {
		defer r.beat(ctx, n.cfg.Visibility/3)()
		result, err = n.work(ctx, a, r.progress(ctx), log)
		return err
	})
	switch {
	case err == nil:
		r.send(ctx, plan.Report{State: plan.ReportDone, Percent: 100, Result: result})
		n.settle(ctx, "ack", l.Ack)
	case errors.Is(err, queue.ErrLost):
		log.Warn("lease lost, work dropped", "error", err)
	case errors.Is(err, syscall.ENOSPC):
		log.Error("handed back, the scratch folder is full", "error", err)
		n.settle(ctx, "hand back", func(ctx context.Context) error { return l.Nack(ctx, 0) })
		_ = sleep(ctx, fullPause) // others should have it, and what comes next
	case errors.As(err, new(*transferError)):
		log.Warn("handed back, an object store does not answer", "error", err)
		n.settle(ctx, "hand back", func(ctx context.Context) error { return l.Nack(ctx, transferPause) })
	case ctx.Err() != nil:
		log.Info("handed back, the node is stopping")
		n.settle(ctx, "hand back", func(ctx context.Context) error { return l.Nack(ctx, 0) })
	default:
		rep := plan.Report{State: plan.ReportFailed, Error: err.Error()}
		var reject *decode.RejectError
		rep.Permanent = errors.As(err, &reject)
		var pe *PartError
		if errors.As(err, &pe) {
			rep.Part = pe.Part
		}
		log.Warn("assignment failed", "error", err, "permanent", rep.Permanent)
		r.send(ctx, rep)
		n.settle(ctx, "ack", l.Ack)
	}
}

// PartError blames one part for a failure.
type PartError struct {
	Part definition.PartID
	Err  error
}

func (e *PartError) Error() string { return fmt.Sprintf("part %q: %v", e.Part, e.Err) }
func (e *PartError) Unwrap() error { return e.Err }

// work answers from the note of an earlier time, or does the assignment, counts
// what it cost and leaves a note.
func (n *Node) work(ctx context.Context, a plan.Assignment, progress func(float64), log *slog.Logger) (json.RawMessage, error) {
	if known := recall(ctx, n.cfg.Buckets, a); known != nil {
		log.Info("known already")
		return known, nil
	}
	meter := n.cpu.begin()
	began := time.Now()
	result, err := n.do(ctx, a, progress)
	cpu, wall := meter.end(), time.Since(began)
	if err != nil {
		return nil, err
	}
	switch r := result.(type) {
	case plan.IngestResult:
		r.CPUSeconds, r.Seconds = cpu, wall.Seconds()
		result = r
	case plan.CellResult:
		r.CPUSeconds, r.Seconds = cpu, wall.Seconds()
		result = r
	case plan.SoundResult:
		r.CPUSeconds, r.Seconds = cpu, wall.Seconds()
		result = r
	}
	log.Info("done", "seconds", wall.Seconds(), "cpu_seconds", cpu)
	body, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	if err := remember(ctx, n.cfg.Buckets, a, body); err != nil {
		log.Warn("no note left beside the result", "error", err)
	}
	return body, nil
}

// do does the assignment and returns its result, a plan.…Result.
func (n *Node) do(ctx context.Context, a plan.Assignment, progress func(float64)) (any, error) {
	switch {
	case a.Kind == plan.KindIngest && a.Ingest != nil:
		in := &Ingester{Buckets: n.cfg.Buckets, Scratch: n.cfg.Scratch, Threads: 1}
		res, err := in.Run(ctx, a, progress)
		if err != nil {
			return nil, &PartError{a.Ingest.Part, err}
		}
		return res, nil
	case a.Kind == plan.KindPicture && a.Picture != nil:
		return n.picture(ctx, a.Key, a.Picture, progress)
	case a.Kind == plan.KindSound && a.Sound != nil:
		return n.sound(ctx, a.Sound, progress)
	case a.Kind == plan.KindStack && a.Stack != nil:
		return n.stack(ctx, a.Stack, progress)
	}
	return nil, &decode.RejectError{Reason: fmt.Sprintf("assignment of kind %q has no matching body", a.Kind)}
}

// settle calls f even when ctx has already ended, for a bounded time.
func (n *Node) settle(ctx context.Context, what string, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	if err := f(ctx); err != nil && !errors.Is(err, queue.ErrLost) {
		n.cfg.Log.Warn("lease: "+what, "error", err)
	}
}

// sleep waits for d or until ctx ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
