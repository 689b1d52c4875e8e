// Package node is the render node: it leases assignments, does them with the
// stages (decode, engine, mix, encode), stores the results in the buckets and
// reports. A node holds rights on buckets and queues only; it never sees the
// database, and everything it needs to know is in the assignment.
package node

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/internal/cores"
	"github.com/choirless/render/internal/trace"
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
	// Scratch is a folder for temporary files; "" is the system's. Space, where
	// set, is a bounded one for what may be large, and is the caller's to close.
	Scratch string
	Space   *Scratch
	// Slots is how many assignments are worked on at once, pictures counted twice
	// (see Abreast); 0 is one per core.
	Slots int
	// Visibility is the lease time of an assignment, extended while work runs;
	// 0 is one minute.
	Visibility time.Duration
	// Engine says how the GL contexts are made.
	Engine engine.Options
	// Decoder decodes the parts' pictures as far as it can; the default is Software.
	Decoder decode.Decoder
	// Alone says that there is no other node. What this machine cannot do is then a
	// failure, and not work for others.
	Alone bool
	// Full is told why work is handed back for want of disk space or the like, which
	// may go on for as long as nobody makes room; nil where somebody will.
	Full func(error)
	// StockEncoder keeps to the unpatched encoder options even where the
	// patched one is linked: every segment is then stacked and encoded once more.
	StockEncoder bool
	// NoSnapshots spares the parts' snapshots: nobody looks at them.
	NoSnapshots bool
	// Verify checks every stripe for motion that leaves it, not only a sample.
	Verify bool
	Log    *slog.Logger
	// Metrics is where the node's figures are registered; nil keeps them to itself.
	Metrics prometheus.Registerer
	// Trace makes the spans of the work; nil makes none.
	Trace *trace.Tracer
}

// Node does assignments. Make one with New.
type Node struct {
	cfg      Config
	stripeMV bool // what the encoder says
	trust    trust

	mu       sync.Mutex
	renderer string                // of the engines, once there is one
	software bool                  // of the same
	encoder  string                // of the newest picture
	missing  map[encode.Codec]bool // those that pictures were handed back for
	decoders map[string]bool       // libav's names of what has decoded pictures
	engines  []*engine.Engine      // idle ones; a slot takes one for a picture and gives it back
	newest   *engine.Engine        // perhaps closed

	changed chan struct{} // there is something new to say of the node

	drain     chan struct{} // closed by Drain
	drainOnce sync.Once

	places   chan struct{} // as many as pictures may be composed at once
	encoders chan struct{} // as many cells may be encoded at once
	parking  parking
	outage   outage
	images   images
	cpu      cpuShare
	gate     *memoryGate
	metrics  *metrics
}

const (
	slotsPerCore      = 1
	visibilityDefault = time.Minute
	// progressEvery bounds how often one assignment reports its percentage.
	progressEvery = 500 * time.Millisecond
	// transferPause is how long an assignment waits that an object store's trouble
	// has interrupted, and what is absent is not asked for again.
	transferPause = 10 * time.Second
	// fullPause is how long a slot takes no work after the scratch folder ran full.
	fullPause = 10 * time.Second
	// signOfLifeMost is how long a node may say nothing of its work, however long its
	// leases are: the coordinator takes it for dead after --silent, two minutes.
	signOfLifeMost = 20 * time.Second
	// handBackTimeout bounds the report of what is handed back, which is worth less than
	// to be gone in time.
	handBackTimeout = 3 * time.Second
	// sendTimeout bounds the reports that are sent after the work's own context ended.
	sendTimeout = 10 * time.Second
)

// New returns a node. It does not touch the queues yet, but asks the linked
// encoder whether it can keep motion inside a stripe.
func New(cfg Config) *Node {
	cfg.Slots = slotsOr(cfg.Slots)
	if cfg.Visibility <= 0 {
		cfg.Visibility = visibilityDefault
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{cfg: cfg, stripeMV: !cfg.StockEncoder && encode.StripeMVAvailable(), missing: map[encode.Codec]bool{}, decoders: map[string]bool{}, drain: make(chan struct{}), changed: make(chan struct{}, 1)}
	n.places = make(chan struct{}, Abreast(cfg.Slots))
	n.encoders = make(chan struct{}, Abreast(cfg.Slots))
	n.outage.pause = transferPause
	n.gate = newMemoryGate(n.gpuMemory)
	n.metrics = newMetrics(n)
	return n
}

// slotsOr is the number of slots, or one per core for 0.
func slotsOr(slots int) int {
	if slots > 0 {
		return slots
	}
	return slotsPerCore * cores.Count()
}

// StripeMV reports whether this node's stripes can be joined in the bitstream.
func (n *Node) StripeMV() bool { return n.stripeMV }

// Run works until ctx ends, then hands back what it holds and returns nil. After
// Drain it returns nil when what it holds is done.
func (n *Node) Run(ctx context.Context) error {
	defer n.closeEngines()
	defer n.parking.clear(time.Time{})
	work, stop := context.WithCancel(ctx)
	receive, enough := context.WithCancel(work)
	g := errgroup.Group{}
	g.Go(func() error { n.gate.watch(work); return nil })
	g.Go(func() error { return n.parking.sweep(work) })
	g.Go(func() error { return n.images.sweep(work) })
	g.Go(func() error { return n.introduce(work) })
	g.Go(func() error {
		select {
		case <-n.drain:
		case <-work.Done():
		}
		n.say()
		enough()
		return nil
	})
	slots := errgroup.Group{}
	for range n.cfg.Slots {
		slots.Go(func() error { n.slot(work, receive); return nil })
	}
	err := slots.Wait()
	stop()
	return errors.Join(err, g.Wait())
}

// Drain has Run take no more assignments and return when those under way are done.
func (n *Node) Drain() { n.drainOnce.Do(func() { close(n.drain) }) }

// Draining tells whether Drain was called.
func (n *Node) Draining() bool {
	select {
	case <-n.drain:
		return true
	default:
		return false
	}
}

// slot is one worker: receive, do, report, again. It ends with receive, after what
// it has begun.
func (n *Node) slot(ctx, receive context.Context) {
	for n.reachable(receive) == nil {
		leave, err := n.gate.enter(receive)
		if err != nil {
			return
		}
		leases, err := n.cfg.Assignments.Receive(receive, 1, n.cfg.Visibility)
		for _, l := range leases {
			end := n.gate.work()
			n.metrics.began(l)
			n.handle(ctx, l)
			n.metrics.ended(l)
			end()
		}
		leave()
		switch {
		case errors.Is(err, queue.ErrClosed):
			return
		case err != nil && receive.Err() == nil:
			n.cfg.Log.Error("receiving assignments", "error", err)
			_ = sleep(receive, 2*time.Second) // the loop sees why it ended
		}
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
