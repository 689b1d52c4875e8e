package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// reporter sends the reports of one assignment. Safe for concurrent use.
type reporter struct {
	node     *Node
	a        plan.Assignment
	delivery string
	log      *slog.Logger

	mu      sync.Mutex
	percent float64

	news chan struct{} // there is a new percentage; see tell
}

// send sends a report, also when ctx has ended already. What cannot be sent is
// logged, too.
func (r *reporter) send(ctx context.Context, rep plan.Report) error {
	return r.sendWithin(ctx, rep, sendTimeout)
}

// handBack says that the assignment goes back to the queue: its message may wait there
// for longer than a node may be silent, and is not to be taken for lost. Why is for people.
func (r *reporter) handBack(ctx context.Context, why string, e ending) ending {
	_ = r.sendWithin(ctx, plan.Report{State: plan.ReportReturned, Error: why}, handBackTimeout) // silence does, later
	e.outcome = outcomeHanded
	return e
}

func (r *reporter) sendWithin(ctx context.Context, rep plan.Report, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	return r.post(ctx, rep)
}

// post sends a report unless ctx ends.
func (r *reporter) post(ctx context.Context, rep plan.Report) error {
	rep.Key, rep.Kind, rep.Song, rep.Run, rep.Attempt = r.a.Key, r.a.Kind, r.a.Song, r.a.Run, r.a.Attempt
	rep.Node, rep.Delivery = r.node.cfg.Name, r.delivery
	switch {
	case r.a.Ingest != nil:
		rep.Part = r.a.Ingest.Part
	case r.a.Picture != nil:
		rep.Stripe, rep.Segment = r.a.Picture.Stripe, r.a.Picture.Segment.Index
	case r.a.Sound != nil:
		rep.Stripe = r.a.Sound.Stripe
	case r.a.Stack != nil:
		rep.Segment = r.a.Stack.Segment.Index
	}
	body, err := queue.Encode(rep)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err = r.node.cfg.Reports.Send(ctx, body, 0); err != nil && !errors.Is(err, context.Canceled) {
		r.log.Error("report not sent", "state", rep.State, "error", err)
	}
	return err
}

// progress notes a percentage for the teller. It never waits: whoever composes must
// not depend on how quick a queue is.
func (r *reporter) progress(percent float64) {
	r.mu.Lock()
	r.percent = max(r.percent, percent)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default: // it will be told with what is noted already
	}
}

// signOfLife is how often work is reported of where nothing moves.
func (n *Node) signOfLife() time.Duration { return min(n.cfg.Visibility/3, signOfLifeMost) }

// tell reports in a goroutine of its own how far the assignment is: the newest
// percentage, not too often, and at least every so often where nothing moves for long:
// while a large recording is fetched, or an object store is waited for. A node that
// says nothing is taken for dead. The returned function ends it, and a report that is
// on its way, and waits for that.
func (r *reporter) tell(ctx context.Context, every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for sleep(ctx, progressEvery) == nil {
			silence := time.NewTimer(max(0, every-progressEvery))
			select {
			case <-ctx.Done():
			case <-r.news:
			case <-silence.C:
			}
			silence.Stop()
			r.mu.Lock()
			percent := r.percent
			r.mu.Unlock()
			if ctx.Err() == nil {
				_ = r.post(ctx, plan.Report{State: plan.ReportProgress, Percent: percent}) // the next will do
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}
