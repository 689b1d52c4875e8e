package engine

import (
	"image"
	"sync"
)

// output is a canvas' picture as handed out, with what it shows.
type output struct {
	picture
	begun    bool
	held     bool
	versions []int // of the tiles, as last composed into this picture
}

// framePool hands out pictures and takes them back. A picture that has come
// back keeps its pixels, so only what has changed since is drawn again.
// Safe for concurrent use.
type framePool struct {
	mu    sync.Mutex
	free  []*output // oldest first
	tiles int
}

// maxFree bounds the pictures kept; more are only made when the receiver is
// slow, and then not needed again.
const maxFree = 4

// take returns a picture that nobody else has: the one given back last, as it
// is the most up to date.
func (p *framePool) take(r image.Rectangle) *output {
	p.mu.Lock()
	defer p.mu.Unlock()
	var o *output
	if n := len(p.free); n > 0 {
		o, p.free = p.free[n-1], p.free[:n-1]
	} else {
		o = &output{picture: *newPicture(r), versions: make([]int, p.tiles)}
	}
	o.held = true
	return o
}

// give takes a picture back.
func (p *framePool) give(o *output) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !o.held {
		panic("engine: frame released twice")
	}
	o.held = false
	if len(p.free) < maxFree {
		p.free = append(p.free, o)
	}
}
