package coordinator

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/choirless/render/store"
)

// A store that hangs does not have a claim be taken for held when it is not.
func TestHoldingWhileTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Coordinator{cfg: Config{Claim: time.Minute}}
		began := time.Now()
		hangs := func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done()
			return ctx.Err()
		}
		err := c.holding(t.Context(), hangs, func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Hour):
				return nil
			}
		})
		if took := time.Since(began); !errors.Is(err, store.ErrLost) || took > c.cfg.Claim {
			t.Errorf("after %v: %v, want %v within %v", took, err, store.ErrLost, c.cfg.Claim)
		}
	})
}
