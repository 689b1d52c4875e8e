package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// Times of the loops that nobody needs to change.
const (
	messageTime = time.Minute     // in which a message that was begun is dealt with, and a claim handed back
	stopTime    = 5 * time.Second // the same, once we are to stop: a few transactions
	retryPause  = time.Second     // after an error of a queue, a bucket or the store
	handBack    = 5 * time.Second
	workers     = 2                     // how many songs are aligned and planned at once
	finishers   = 2                     // how many songs are finished at once
	receivers   = 2                     // of a queue: one may wait for the store while the other reads
	lookPause   = 20 * time.Millisecond // between two looks for something to do
	atOnce      = 4                     // messages of one batch that are dealt with beside each other
	// settleMargin is what a clock may read less when the timer fires.
	settleMargin = time.Millisecond
)

// Run coordinates until ctx is done, and returns nil when everything it started
// has ended. Claims and messages it holds then are handed back. Servers that are
// away for a while are waited for. It may be called once.
func (c *Coordinator) Run(ctx context.Context) error {
	if c.cfg.Volatile {
		if err := c.interrupted(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // stopped before it began
			}
			return fmt.Errorf("coordinator: %w", err)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for range receivers {
		if c.cfg.Events != nil {
			g.Go(func() error { return c.receive(ctx, c.cfg.Events, "events", c.event) })
		}
		g.Go(func() error { return c.receive(ctx, c.cfg.Reports, "reports", c.report) })
	}
	g.Go(func() error { return c.loop(ctx, "dispatch", c.dispatch) })
	for range workers {
		g.Go(func() error { return c.loop(ctx, "songs", c.songStep) })
		g.Go(func() error { return c.loop(ctx, "renders", c.renderStep) })
	}
	g.Go(func() error { return c.loop(ctx, "growing", c.growStep) })
	for range finishers {
		g.Go(func() error { return c.loop(ctx, "finish", c.finishStep) })
	}
	g.Go(func() error { return c.every(ctx, "sweep", c.cfg.Silent/4, c.sweep) })
	g.Go(func() error { return c.every(ctx, "reconcile", c.cfg.Reconcile, c.reconcile) })
	g.Go(func() error { return c.every(ctx, "collect", collectEvery, c.collect) })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("coordinator: %w", err)
	}
	return nil
}

// receive hands every message of a queue to f. A message whose f returns an error
// is handed back for later.
func (c *Coordinator) receive(ctx context.Context, q queue.Queue, name string, f func(context.Context, []byte) error) error {
	for ctx.Err() == nil {
		leases, err := q.Receive(ctx, queue.MaxBatch, c.visibility())
		if err != nil {
			if ctx.Err() == nil {
				c.log.Warn("receiving "+name, "error", err)
				pause(ctx, retryPause)
			}
			continue
		}
		if err := c.deal(ctx, leases, name, f); err != nil && !errors.Is(err, queue.ErrLost) {
			c.log.Warn("settling messages of "+name, "error", err)
		}
	}
	return nil
}

// deal hands messages to f, some beside each other, and settles them.
func (c *Coordinator) deal(ctx context.Context, leases []queue.Lease, name string, f func(context.Context, []byte) error) error {
	// What is begun is ended: a message is one or two transactions, and would be dealt
	// with once more if they were cut off.
	settle, cancel := toTheEnd(ctx)
	defer cancel()
	done := make([]bool, len(leases))
	errs := make([]error, len(leases))
	g := errgroup.Group{}
	g.SetLimit(atOnce)
	for i, l := range leases {
		g.Go(func() error {
			err := ctx.Err()
			if err == nil {
				err = f(settle, l.Body())
			}
			switch {
			case err == nil:
				done[i] = true
			case ctx.Err() != nil:
				errs[i] = l.Nack(settle, 0)
			default:
				c.log.Warn("message of "+name+" handed back", "error", err)
				errs[i] = l.Nack(settle, handBack)
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	var ended []queue.Lease
	for i, l := range leases {
		if done[i] {
			ended = append(ended, l)
		}
	}
	return errors.Join(append(errs, queue.AckAll(settle, ended))...)
}

// toTheEnd is for what should be ended, or handed back, though ctx ends: it lasts
// messageTime, but stopTime at most after ctx. What is cut off then comes back by
// itself, when claims, leases and messages in the outbox are due again.
func toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), messageTime)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopTime, cancel) })
	return longer, func() { stop(); cancel() }
}

// visibility is Claim in the whole seconds that queues know.
func (c *Coordinator) visibility() time.Duration {
	return max(time.Second, c.cfg.Claim.Round(time.Second))
}

// loop calls step whenever something changed, until there is nothing to do. When
// much changes it looks every lookPause, not after every change.
func (c *Coordinator) loop(ctx context.Context, name string, step func(context.Context) (bool, error)) error {
	changed := c.store.Watch(ctx, definition.Song{})
	timer := time.NewTicker(c.cfg.Poll)
	defer timer.Stop()
	// A recording makes its song due Debounce later, which nothing announces.
	settled := time.NewTimer(c.cfg.Debounce)
	defer settled.Stop()
	for {
		for ctx.Err() == nil {
			more, err := step(ctx)
			if err != nil {
				if ctx.Err() == nil {
					c.log.Warn(name, "error", err)
					pause(ctx, retryPause)
				}
				break
			}
			if !more {
				break
			}
		}
		pause(ctx, lookPause)
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-changed:
			if !open {
				changed = nil // the store is closing; ctx will follow
			}
			settled.Reset(c.cfg.Debounce + settleMargin)
		case <-settled.C:
		case <-timer.C:
		}
	}
}

// every calls f now and then.
func (c *Coordinator) every(ctx context.Context, name string, d time.Duration, f func(context.Context) error) error {
	for ctx.Err() == nil {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn(name, "error", err)
		}
		pause(ctx, d)
	}
	return nil
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// holding runs f while renewing a claim, and cancels it when the claim is lost.
func (c *Coordinator) holding(ctx context.Context, extend func(context.Context, time.Duration) error, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	g := errgroup.Group{}
	g.Go(func() error {
		held := time.Now()
		tick := time.NewTicker(c.cfg.Claim / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			// A store that does not answer is asked anew, as long as the claim is sure.
			asked, sure := time.Now(), held.Add(c.cfg.Claim*9/10)
			asking, stop := context.WithTimeout(ctx, min(c.cfg.Claim/3, sure.Sub(asked)))
			err := extend(asking, c.cfg.Claim)
			stop()
			switch {
			case err == nil:
				held = asked
			case errors.Is(err, store.ErrLost) || !time.Now().Before(sure):
				cancel(fmt.Errorf("%w: %w", store.ErrLost, err))
				return nil
			}
		}
	})
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	cancel(nil)
	return errors.Join(err, g.Wait())
}

// sweep queues again what was lost.
func (c *Coordinator) sweep(ctx context.Context) error {
	swept, err := c.store.Sweep(ctx, store.Sweep{Silent: c.cfg.Silent, Resend: c.cfg.Resend, Losses: c.cfg.Losses})
	if swept != (store.Swept{}) {
		c.metrics.found(swept)
		c.log.Info("swept", "requeued", swept.Requeued, "resent", swept.Resent, "given_up", swept.GivenUp)
	}
	return err
}

// interrupted queues again everything that was under way when the process, and
// the queues with it, ended.
func (c *Coordinator) interrupted(ctx context.Context) error {
	for {
		swept, err := c.store.Sweep(ctx, store.Sweep{Everything: true, Losses: 1})
		if err != nil || swept == (store.Swept{}) {
			return err
		}
		c.log.Info("taking up again what was interrupted", "running", swept.Requeued, "sent", swept.Resent)
	}
}
