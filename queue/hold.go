package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Hold runs work while keeping its lease alive, and returns when work has
// returned. It extends the lease at once (some of its time may have gone in
// waiting for a free hand) and then every third of visibility, so that two
// extensions may fail before the lease runs out. It judges by this machine's
// clock: when no extension has succeeded for nine tenths of visibility, or one
// says ErrLost, the context given to work is cancelled with a cause that is
// ErrLost.
//
// The error is work's own; when the lease was lost, also ErrLost (errors.Is).
// Hold neither acks nor nacks: the caller does, knowing how work ended. After
// ErrLost there is nothing left to do for this delivery.
func Hold(ctx context.Context, l Lease, visibility time.Duration, work func(context.Context) error) error {
	if err := checkVisibility(visibility); err != nil {
		return err
	}
	began := time.Now()
	if err := l.Extend(ctx, visibility); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	keeper := make(chan error, 1)
	go func() {
		err := keep(ctx, l, visibility, began)
		if err != nil {
			cancel(err)
		}
		keeper <- err
	}()
	err := work(ctx)
	cancel(nil)
	// An extension that was on its way may have been refused because ctx is
	// over; only a lease that is really lost is reported.
	if lost := <-keeper; lost != nil && !errors.Is(err, ErrLost) {
		return errors.Join(err, lost)
	}
	return err
}

// keep extends l until ctx ends (nil) or the lease is lost (an ErrLost).
// extended is when the last successful extension was asked for.
func keep(ctx context.Context, l Lease, visibility time.Duration, extended time.Time) error {
	var last error
	wait := visibility / 3
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		end := extended.Add(visibility - visibility/10)
		now := time.Now()
		if !past(now, end) {
			try, cancel := context.WithDeadline(ctx, earlier(now.Add(visibility/3), end))
			last = l.Extend(try, visibility)
			cancel()
		}
		switch {
		case last == nil && !past(now, end):
			extended, wait = now, visibility/3
		case ctx.Err() != nil:
			return nil
		case errors.Is(last, ErrLost):
			return last
		case past(time.Now(), end):
			if last == nil {
				return fmt.Errorf("%w: this process slept through its end", ErrLost)
			}
			return fmt.Errorf("%w: not extended for %v: %v", ErrLost, time.Since(extended).Round(time.Millisecond), last)
		default: // the network, perhaps; there is time to try again
			wait = visibility / 20
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// past tells whether end is over by the monotonic or the wall clock: the
// first does not count the time a machine was suspended, the second may be set.
func past(now, end time.Time) bool {
	return !now.Before(end) || !now.Round(0).Before(end.Round(0))
}
