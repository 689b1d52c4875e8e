package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/choirless/render/plan"
)

// reporter sends the reports of one assignment. Safe for concurrent use.
type reporter struct {
	node *Node
	a    plan.Assignment
	log  *slog.Logger

	mu      sync.Mutex
	percent float64
	last    time.Time // when the last progress was sent
}

// send sends a report, also when ctx has ended already. What cannot be sent is
// logged, too.
func (r *reporter) send(ctx context.Context, rep plan.Report) error {
	return r.sendWithin(ctx, rep, sendTimeout)
}

func (r *reporter) sendWithin(ctx context.Context, rep plan.Report, within time.Duration) error {
	rep.Key, rep.Kind, rep.Song, rep.Run, rep.Attempt = r.a.Key, r.a.Kind, r.a.Song, r.a.Run, r.a.Attempt
	rep.Node = r.node.cfg.Name
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
	body, err := json.Marshal(rep)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	if err = r.node.cfg.Reports.Send(ctx, body, 0); err != nil {
		r.log.Error("report not sent", "state", rep.State, "error", err)
	}
	return err
}

// progress returns a function that reports a percentage, not too often.
func (r *reporter) progress(ctx context.Context) func(float64) {
	return func(percent float64) { r.news(ctx, percent, progressEvery) }
}

// news reports a percentage, 0 for the one known, unless the last report is more
// recent than so long ago.
func (r *reporter) news(ctx context.Context, percent float64, every time.Duration) {
	r.mu.Lock()
	now := time.Now()
	r.percent = max(r.percent, percent)
	percent = r.percent
	due := now.Sub(r.last) >= every && ctx.Err() == nil
	if due {
		r.last = now
	}
	r.mu.Unlock()
	if due {
		_ = r.send(ctx, plan.Report{State: plan.ReportProgress, Percent: percent}) // the next will do
	}
}

// beat reports at least every so often that the assignment is being worked on, also
// where nothing moves for long: while a large recording is fetched, or an object
// store is waited for. A node that says nothing is taken for dead. The returned
// function ends it.
func (r *reporter) beat(ctx context.Context, every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for sleep(ctx, every) == nil {
			r.news(ctx, 0, every/2)
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}
