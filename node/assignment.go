package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// outcome is how an assignment ended, as the metrics count it.
type outcome string

const (
	outcomeDone     outcome = "done"
	outcomeReused   outcome = "reused" // the result was there already
	outcomeFailed   outcome = "failed"
	outcomeHanded   outcome = "handed_back" // the node stops, or something is away for a while
	outcomeLost     outcome = "lease_lost"
	outcomeUnusable outcome = "unreadable"
)

// ending is what becomes of a lease after an assignment.
type ending struct {
	outcome
	delay time.Duration // of what is handed back
	pause time.Duration // before this slot takes anything else
}

// handle does a leased assignment, and those that go on where it ends, and settles
// the lease: acked when the work is done or has failed (the coordinator decides on
// another attempt), handed back when the node is stopping or what it needs is away for
// a while, left alone when the lease was lost. What is handed back after some of it was
// done is known already to whoever gets it. It returns how the last one ended.
func (n *Node) handle(ctx context.Context, l queue.Lease) outcome {
	var first plan.Assignment
	if err := queue.Decode(l.Body(), &first); err != nil {
		n.cfg.Log.Error("assignment is not readable, dropped", "error", err)
		n.settle(ctx, "ack", l.Ack)
		n.metrics.settled("", outcomeUnusable)
		return outcomeUnusable
	}
	all := first.Then
	first.Then = nil
	end := ending{}
	for i, a := range append([]plan.Assignment{first}, all...) {
		if i > 0 && (n.Draining() || ctx.Err() != nil) {
			end = ending{outcome: outcomeHanded}
		} else {
			end = n.attempt(ctx, l, a)
			n.metrics.settled(a.Kind, end.outcome)
		}
		switch end.outcome {
		case outcomeHanded:
			n.settle(ctx, "hand back", func(ctx context.Context) error { return l.Nack(ctx, end.delay) })
			_ = sleep(ctx, end.pause)
			return end.outcome
		case outcomeLost:
			return end.outcome
		}
	}
	n.settle(ctx, "ack", l.Ack)
	return end.outcome
}

// attempt does one assignment under a lease and reports on it.
func (n *Node) attempt(ctx context.Context, l queue.Lease, a plan.Assignment) ending {
	log := n.cfg.Log.With(ids(a)...)
	r := &reporter{node: n, a: a, delivery: rand.Text(), log: log, news: make(chan struct{}, 1)}
	_ = r.send(ctx, plan.Report{State: plan.ReportStarted}) // progress will do

	var result json.RawMessage
	var reused bool
	var away *transferError
	var lack *lackError
	var missing *noEncoderError
	held := false
	err := queue.Hold(ctx, l, n.cfg.Visibility, func(ctx context.Context) (err error) {
		held = true
		defer r.tell(ctx, n.signOfLife())()
		result, reused, err = n.work(ctx, a, r.progress, log)
		return err
	})
	switch {
	case err == nil:
		if r.send(ctx, plan.Report{State: plan.ReportDone, Percent: 100, Result: result}) != nil {
			return ending{outcome: outcomeHanded, delay: n.outage.pause} // to be said again, from the note beside the result
		}
		if reused {
			return ending{outcome: outcomeReused}
		}
		return ending{outcome: outcomeDone}
	case errors.Is(err, queue.ErrLost):
		log.Warn("lease lost, work dropped", "error", err)
		return ending{outcome: outcomeLost}
	case ctx.Err() != nil, errors.Is(err, errDraining):
		log.Info("handed back, the node is stopping")
		return r.handBack(ctx, "", ending{})
	case !held:
		log.Warn("handed back, its lease cannot be extended", "error", err)
		return r.handBack(ctx, err.Error(), ending{delay: n.outage.pause})
	case machineTrouble(err):
		log.Error("handed back, this machine lacks something", "error", err)
		if n.cfg.Full != nil {
			n.cfg.Full(err)
		}
		return r.handBack(ctx, err.Error(), ending{pause: fullPause}) // others should have it, and what comes next
	case errors.As(err, &lack) && !n.cfg.Alone:
		log.Error("handed back, "+lack.what, "error", err)
		n.without(lack.absence)
		return r.handBack(ctx, err.Error(), ending{pause: n.outage.pause})
	case errors.As(err, &missing) && !n.cfg.Alone:
		log.Error("handed back, this machine lacks its encoder", "error", err)
		n.misses(missing.codec)
		// The slot rests for as long as the message: else a node that lacks the encoder
		// would keep most of the pictures from those that have it.
		return r.handBack(ctx, err.Error(), ending{delay: n.outage.pause, pause: n.outage.pause})
	case errors.As(err, &away):
		log.Warn("handed back, an object store does not answer", "error", err)
		n.without(n.away(away))
		return r.handBack(ctx, err.Error(), ending{delay: n.outage.pause})
	}
	rep := plan.Report{State: plan.ReportFailed, Error: err.Error()}
	var reject *decode.RejectError
	rep.Permanent = errors.As(err, &reject) || errors.Is(err, bucket.ErrKey)
	rep.Gone = errors.Is(err, bucket.ErrNotFound)
	var pe *PartError
	if errors.As(err, &pe) {
		rep.Part = pe.Part
	}
	log.Warn("assignment failed", "error", err, "permanent", rep.Permanent)
	if r.send(ctx, rep) != nil {
		return ending{outcome: outcomeHanded, delay: n.outage.pause}
	}
	return ending{outcome: outcomeFailed}
}

// ids are what every line of the log about an assignment says.
func ids(a plan.Assignment) []any {
	all := []any{"run", a.Run, "song", a.Song.Song, "task", a.Key, "kind", a.Kind, "attempt", a.Attempt}
	switch {
	case a.Ingest != nil:
		all = append(all, "part", a.Ingest.Part)
	case a.Picture != nil:
		all = append(all, "stripe", a.Picture.Stripe, "segment", a.Picture.Segment.Index)
	case a.Sound != nil:
		all = append(all, "stripe", a.Sound.Stripe)
	case a.Stack != nil:
		all = append(all, "segment", a.Stack.Segment.Index)
	}
	return all
}

// spanName is what the work is called in traces.
func spanName(k plan.Kind) string {
	if k == plan.KindPicture {
		return "cell"
	}
	return string(k)
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
func (n *Node) work(ctx context.Context, a plan.Assignment, progress func(float64), log *slog.Logger) (_ json.RawMessage, reused bool, _ error) {
	s := supply(n.cfg.Buckets, n.metrics.moved)
	known := recall(ctx, s.Buckets, a)
	if err := s.trouble(); err != nil {
		return nil, false, err
	}
	if known != nil {
		log.Info("known already")
		return known, true, nil
	}
	leave := func() {}
	if a.Kind == plan.KindPicture {
		var err error
		if leave, err = n.takePlace(ctx); err != nil {
			return nil, false, err
		}
		defer leave()
	}
	meter := n.cpu.begin()
	began := time.Now()
	ctx, end := n.cfg.Trace.Start(trace.Continue(ctx, a.Trace), a.Song, spanName(a.Kind), ids(a)...)
	result, err := n.do(ctx, a, s.Buckets, progress, leave)
	cpu, wall := meter.end(), time.Since(began)
	if trouble := s.trouble(); trouble != nil {
		err = trouble
	}
	end(err)
	if err != nil {
		return nil, false, err
	}
	frames := 0
	asked := true // the result is of what the assignment asks for
	switch r := result.(type) {
	case plan.IngestResult:
		r.CPUSeconds, r.Seconds = cpu, wall.Seconds()
		result, asked = r, r.ETag == a.Ingest.ETag
	case plan.CellResult:
		r.CPUSeconds, r.Seconds = cpu, wall.Seconds()
		result, frames = r, r.Frames
	case plan.SoundResult:
		r.CPUSeconds, r.Seconds = cpu, wall.Seconds()
		result = r
	}
	n.metrics.worked(a.Kind, wall, cpu, frames)
	log.Info("done", "seconds", wall.Seconds(), "cpu_seconds", cpu)
	body, err := json.Marshal(result)
	if err != nil {
		return nil, false, err
	}
	if !asked { // its own ingest comes; this one must not answer for the older
		log.Info("another recording was there than was asked for, no note left")
	} else if err := remember(ctx, n.cfg.Buckets, a, body); err != nil {
		log.Warn("no note left beside the result", "error", err)
	}
	return body, false, nil
}

// do does the assignment with the buckets it is given and returns its result, a
// plan.…Result.
func (n *Node) do(ctx context.Context, a plan.Assignment, b bucket.Buckets, progress func(float64), leave func()) (any, error) {
	switch {
	case a.Kind == plan.KindIngest && a.Ingest != nil:
		res, err := n.ingest(ctx, a, b, progress)
		if err != nil {
			return nil, &PartError{a.Ingest.Part, err}
		}
		return res, nil
	case a.Kind == plan.KindPicture && a.Picture != nil:
		return n.picture(ctx, b, a.Key, a.Picture, progress, leave)
	case a.Kind == plan.KindSound && a.Sound != nil:
		return n.sound(ctx, b, a.Sound, progress)
	case a.Kind == plan.KindStack && a.Stack != nil:
		return n.stack(ctx, b, a.Stack, progress)
	}
	return nil, &decode.RejectError{Reason: fmt.Sprintf("assignment of kind %q has no matching body", a.Kind)}
}

// ingest reads a recording once there is room for it in scratch.
func (n *Node) ingest(ctx context.Context, a plan.Assignment, b bucket.Buckets, progress func(float64)) (plan.IngestResult, error) {
	in := &Ingester{Buckets: b, Scratch: n.cfg.Scratch, Threads: 1, NoSnapshots: n.cfg.NoSnapshots}
	if n.cfg.Space != nil {
		raw, err := at(b, a.Ingest.Raw)
		if err != nil {
			return plan.IngestResult{}, err
		}
		info, err := raw.Stat(ctx, a.Ingest.Raw.Key)
		if err != nil {
			return plan.IngestResult{}, fmt.Errorf("%s/%s: %w", a.Ingest.Raw.Bucket, a.Ingest.Raw.Key, err)
		}
		give, err := n.cfg.Space.take(ctx, scratchFactor*info.Size)
		if err != nil {
			return plan.IngestResult{}, err
		}
		defer give()
		in.Scratch = n.cfg.Space.Dir()
	}
	return in.Run(ctx, a, progress)
}

// settle calls f even when ctx has already ended, for a bounded time.
func (n *Node) settle(ctx context.Context, what string, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	if err := f(ctx); err != nil && !errors.Is(err, queue.ErrLost) {
		n.cfg.Log.Warn("lease: "+what, "error", err)
	}
}
