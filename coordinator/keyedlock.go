package coordinator

import (
	"context"
	"sync"
)

// keyedLock has one lock per key, as long as somebody holds it. The zero value is
// ready for use. Safe for concurrent use.
type keyedLock struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when given back
}

// lock waits until nobody holds the lock of key, and returns how to give it back.
// The error is only of ctx.
func (k *keyedLock) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		k.mu.Lock()
		given, held := k.held[key]
		if !held {
			if k.held == nil {
				k.held = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			k.held[key] = mine
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				defer k.mu.Unlock()
				delete(k.held, key)
				close(mine)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-given:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
