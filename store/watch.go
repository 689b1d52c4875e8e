package store

import (
	"context"
	"sync"

	"github.com/choirless/render/definition"
)

// watchers are the channels of Watch, with the song each is about.
type watchers struct {
	mu     sync.Mutex
	all    map[chan struct{}]definition.Song
	closed bool
}

func newWatchers() *watchers { return &watchers{all: map[chan struct{}]definition.Song{}} }

// wake makes the channels readable that are about that song or about all songs.
func (w *watchers) wake(id definition.Song) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, about := range w.all {
		if about == id || about == (definition.Song{}) {
			w.signal(c)
		}
	}
}

// wakeAll makes every channel readable.
func (w *watchers) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		w.signal(c)
	}
}

func (w *watchers) signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is readable already
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
func (d *db) Watch(ctx context.Context, id definition.Song) <-chan struct{} {
	c := make(chan struct{}, 1)
	d.watch.mu.Lock()
	if d.watch.closed {
		close(c)
	} else {
		d.watch.all[c] = id
		context.AfterFunc(ctx, func() { d.watch.remove(c) })
	}
	d.watch.mu.Unlock()
	return c
}
