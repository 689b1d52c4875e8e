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

// framePool hands out a canvas' pictures and takes them back. A picture that has
// come back keeps its pixels, so only what has changed since is drawn again.
// Safe for concurrent use.
type framePool struct {
	mu     sync.Mutex
	free   []*output // oldest first
	tiles  int
	memory *pictureMemory
	closed bool
}

// maxFree bounds the pictures kept: about as many as an encoder may have waiting.
// Those made beyond are not needed again soon.
const maxFree = 12

// take returns a picture that nobody else has: the one given back last, as it
// is the most up to date.
func (p *framePool) take(r image.Rectangle) *output {
	p.mu.Lock()
	defer p.mu.Unlock()
	var o *output
	if n := len(p.free); n > 0 {
		o, p.free = p.free[n-1], p.free[:n-1]
	} else {
		o = &output{picture: p.memory.take(r), versions: make([]int, p.tiles)}
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
	switch {
	case p.closed:
		p.memory.give(o.picture)
	case len(p.free) < maxFree:
		p.free = append(p.free, o)
	}
}

// close leaves the memory of pictures free now, or given back later, to canvases
// to come.
func (p *framePool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.free {
		p.memory.give(o.picture)
	}
	p.free, p.closed = nil, true
}

// pictureMemory is the memory of pictures that closed canvases of an engine had.
// Cells of a song are canvases of one size, one after the other, while the last
// pictures of the one before are still with the encoder. Safe for concurrent use.
type pictureMemory struct {
	mu   sync.Mutex
	free []picture // at most maxFree, of one size
}

// take returns an uninitialised picture.
func (m *pictureMemory) take(r image.Rectangle) picture {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.free); n > 0 && m.free[n-1].rect == r {
		p := m.free[n-1]
		m.free = m.free[:n-1]
		return p
	}
	return *newPicture(r)
}

// give keeps the memory of a picture nobody uses any more.
func (m *pictureMemory) give(p picture) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.free) > 0 && m.free[0].rect != p.rect {
		m.free = nil
	}
	if len(m.free) < maxFree {
		m.free = append(m.free, p)
	}
}
