package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/choirless/render/queue"
)

// flaky is a lease whose Extend answers from a function.
type flaky struct {
	queue.Lease
	extend func(ctx context.Context) error
	calls  []time.Time
}

func (f *flaky) Extend(ctx context.Context, _ time.Duration) error {
	f.calls = append(f.calls, time.Now())
	return f.extend(ctx)
}

const visible = 30 * time.Second

func TestHoldExtendsAtOnceAndEveryThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := &flaky{extend: func(context.Context) error { return nil }}
		mine := errors.New("mine")
		err := queue.Hold(t.Context(), l, visible, func(context.Context) error {
			time.Sleep(25 * time.Second)
			return mine
		})
		if err != mine {
			t.Errorf("error %v, want the work's own", err)
		}
		var at []time.Duration
		for _, c := range l.calls {
			at = append(at, c.Sub(began))
		}
		if len(at) != 3 || at[0] != 0 || at[1] != 10*time.Second || at[2] != 20*time.Second {
			t.Errorf("extended at %v, want 0s, 10s, 20s", at)
		}
	})
}

func TestHoldLost(t *testing.T) {
	network := errors.New("connection refused")
	tests := []struct {
		name   string
		extend func(ctx context.Context, call int) error
		after  time.Duration // when the work's context has to end
		ran    bool
	}{
		{"before work", func(context.Context, int) error { return queue.ErrLost }, 0, false},
		{"server says so", func(_ context.Context, call int) error {
			if call > 2 {
				return queue.ErrLost
			}
			return nil
		}, 20 * time.Second, true},
		{"server away", func(_ context.Context, call int) error {
			if call > 1 {
				return network
			}
			return nil
		}, 27 * time.Second, true},
		{"server silent", func(ctx context.Context, call int) error {
			if call > 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, 27 * time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, ran := time.Now(), false
				l := &flaky{}
				l.extend = func(ctx context.Context) error { return test.extend(ctx, len(l.calls)) }
				err := queue.Hold(t.Context(), l, visible, func(ctx context.Context) error {
					ran = true
					<-ctx.Done()
					if !errors.Is(context.Cause(ctx), queue.ErrLost) {
						t.Errorf("cause %v, want ErrLost", context.Cause(ctx))
					}
					return ctx.Err()
				})
				if !errors.Is(err, queue.ErrLost) {
					t.Errorf("error %v, want ErrLost", err)
				}
				// Never after the lease's end, and with the time of one try to spare.
				if d := time.Since(began); d < test.after || d > test.after+2*time.Second {
					t.Errorf("work ended after %v, want %v", d, test.after)
				}
				if ran != test.ran {
					t.Errorf("work ran: %v, want %v", ran, test.ran)
				}
			})
		})
	}
}

// TestHoldSurvives: two failed extensions in a row are made good.
func TestHoldSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &flaky{}
		l.extend = func(context.Context) error {
			if n := len(l.calls); n == 2 || n == 3 {
				return errors.New("connection refused")
			}
			return nil
		}
		if err := queue.Hold(t.Context(), l, visible, func(ctx context.Context) error {
			time.Sleep(2 * visible)
			return ctx.Err()
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestHoldStopped: a caller who stops is not told that the lease was lost,
// even when that interrupts an extension.
func TestHoldStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := &flaky{}
		l.extend = func(ctx context.Context) error {
			if len(l.calls) == 1 {
				return nil
			}
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		err := queue.Hold(ctx, l, visible, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, queue.ErrLost) {
			t.Errorf("error %v, want context.Canceled alone", err)
		}
	})
}
