package store

import (
	"context"
	"sync"
)

// watchers are the channels of Watch.
type watchers struct {
	mu     sync.Mutex
	all    map[chan struct{}]struct{}
	closed bool
}

func newWatchers() *watchers { return &watchers{all: map[chan struct{}]struct{}{}} }

// wake makes every channel readable.
func (w *watchers) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		select {
		case c <- struct{}{}:
		default: // it is readable already
		}
	}
}

func (w *watchers) remove(c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.all[c]; ok {
		delete(w.all, c)
		close(c)
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for c := range w.all {
		delete(w.all, c)
		close(c)
	}
}

// Watch returns a channel that becomes readable after something changed.
func (d *db) Watch(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	d.watch.mu.Lock()
	if d.watch.closed {
		close(c)
	} else {
		d.watch.all[c] = struct{}{}
		context.AfterFunc(ctx, func() { d.watch.remove(c) })
	}
	d.watch.mu.Unlock()
	return c
}
