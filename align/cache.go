package align

import (
	"context"
	"sync"
)

// Cache keeps measured pairs between calls of Choir, so that only what is new is
// measured when a part arrives. It holds about 7 kB per pair, is never emptied
// (use one per song) and knows features by their content. The zero value is
// empty and ready. Safe for concurrent use.
type Cache struct {
	mu    sync.Mutex
	pairs map[pairKey]*measurement
	ready map[uint64]func() *prepared
}

type pairKey struct {
	ref, part uint64 // Features.id
	reach     int    // frames
	bleed     bool
}

// prepared returns f ready for correlation, made by whoever asks first.
func (c *Cache) prepared(f *Features) *prepared {
	c.mu.Lock()
	get := c.ready[f.id]
	if get == nil {
		if c.ready == nil {
			c.ready = map[uint64]func() *prepared{}
		}
		get = sync.OnceValue(func() *prepared { return prepare(f) })
		c.ready[f.id] = get
	}
	c.mu.Unlock()
	return get()
}

// forgetPrepared drops what is large and quickly made again.
func (c *Cache) forgetPrepared() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = nil
}

// measure returns the measurement of a pair, made once, unless two ask for it at the
// same time; the error is the cause of ctx's end.
func (c *Cache) measure(ctx context.Context, ref, part *Features, o Options, bleed bool) (*measurement, error) {
	key := pairKey{ref.id, part.id, o.frames(), bleed}
	c.mu.Lock()
	m := c.pairs[key]
	c.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, err := measure(ctx, c.prepared(ref), c.prepared(part), o, bleed)
	if err != nil {
		return nil, err
	}
	m.c = m.c.slim()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pairs == nil {
		c.pairs = map[pairKey]*measurement{}
	}
	c.pairs[key] = m
	return m, nil
}
