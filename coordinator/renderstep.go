package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// permanent is an error that trying again cannot mend.
type permanent struct{ error }

func (e permanent) Unwrap() error { return e.error }

// errWait says that a step cannot be taken yet.
var errWait = errors.New("coordinator: not yet")

// waitPause is how soon a step that could not be taken is looked at again.
const waitPause = 500 * time.Millisecond

// renderStep takes the next step of a render that waits for one.
func (c *Coordinator) renderStep(ctx context.Context) (bool, error) {
	return c.step(ctx, func(ctx context.Context, r store.Render) error {
		if r.State == store.Checking {
			return c.tracedRender(ctx, "check", r, c.check)
		}
		return c.tracedRender(ctx, "plan", r, c.plan)
	}, store.Queued, store.Checking)
}

// step claims a render in one of the states and takes its step, with everything
// that can go wrong.
func (c *Coordinator) step(ctx context.Context, take func(context.Context, store.Render) error, states ...store.RenderState) (bool, error) {
	r, err := c.store.ClaimRender(ctx, c.cfg.Name, c.cfg.Claim, states...)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	claim := r.Claim()
	log := c.logOf(r)
	log.Debug("step")
	err = c.holding(ctx, func(ctx context.Context, lease time.Duration) error {
		return c.store.ExtendRender(ctx, claim, lease)
	}, func(ctx context.Context) error { return take(ctx, r) })
	settle, cancel := toTheEnd(ctx)
	defer cancel()
	var final permanent
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, store.ErrLost):
		log.Info("claim lost, somebody else decides")
		return true, nil
	case ctx.Err() != nil:
		_, err = c.store.ReleaseRender(settle, claim, 0, "")
	case errors.Is(err, errWait):
		_, err = c.store.ReleaseRender(settle, claim, waitPause, "")
	case errors.As(err, &final):
		err = c.fail(settle, log, claim, err)
	case c.unreachable(settle) != nil:
		delay := min(c.cfg.Backoff<<outageDoublings, time.Minute)
		log.Warn("an object store does not answer, the step is tried again", "error", err, "delay", delay)
		_, err = c.store.ReleaseRender(settle, claim, delay, "")
	case r.Failures+1 >= c.cfg.Steps:
		err = c.fail(settle, log, claim, err)
	default:
		delay := min(c.cfg.Backoff<<min(r.Failures, 10), time.Minute)
		log.Warn("step failed, tried again", "error", err, "delay", delay)
		c.metrics.steps.WithLabelValues(string(r.State)).Inc()
		_, err = c.store.ReleaseRender(settle, claim, delay, err.Error())
	}
	if errors.Is(err, store.ErrLost) {
		err = nil
	}
	return true, err
}

// fail ends a render.
func (c *Coordinator) fail(ctx context.Context, log *slog.Logger, claim store.Claim, err error) error {
	log.Error("render failed", "error", err)
	c.metrics.renders.WithLabelValues("failed").Inc()
	return c.store.FailRender(ctx, claim, err.Error())
}

// outageDoublings of the back-off are between two attempts in an outage.
const outageDoublings = 2

// unreachable is why a bucket does not answer now. A step that fails meanwhile is not
// counted: it would use up all its attempts in an outage of some minutes.
func (c *Coordinator) unreachable(ctx context.Context) error {
	for _, role := range definition.Buckets() {
		if _, err := c.cfg.Buckets[role].Stat(ctx, "reachable"); err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return fmt.Errorf("bucket %q: %w", role, err)
		}
	}
	return nil
}
