package engine

// Rendering in two halves. Begin uploads and draws; Finish waits, and puts the
// canvas together. On a GPU several frames may be between the two, so that
// drawing, the way over the bus and the CPU's share of the work overlap.
//
// What a frame changes (pictures shown, opacity) takes effect in its Finish, in
// the order of Begins: a frame still under way never shows in an older one. Two
// things cannot overlap and let everything older finish first: a tile whose
// picture changes its shape, as its memory is laid out anew, and one drawn by
// the plain variant, which has one picture per tile.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/choirless/render/media"
)

// job is a tile to be drawn.
type job struct {
	tile  int
	frame *media.Frame
}

// pending is a frame between Begin and Finish.
type pending struct {
	updates []Update // without frames, which are the caller's
	jobs    []job    // drawn by the fast variant; without frames
	drawn   []int    // tiles with a new picture
	plain   bool     // some of them drawn by the plain variant
	flight  *flight  // on its way back; nil if it is here
	// What Finish returns, once the frame has landed.
	frame   *media.Frame
	release func()
}

// errPending is returned by Render between Begin and Finish.
var errPending = errors.New("engine: render: frames begun before are not finished")

// Render changes the tiles named and returns the whole canvas: 8-bit 4:2:0 in
// media.CanvasColor, sited left. Tiles not named keep their pixels; a tile
// never named shows its placeholder. Of several updates of one tile the last
// counts.
//
// The frame is valid, and does not change, until release is called; release
// must be called exactly once, from any goroutine. Frames not yet released do
// not hold up the next Render; they cost memory.
func (c *Canvas) Render(ctx context.Context, updates []Update) (f *media.Frame, release func(), err error) {
	if len(c.begun) > 0 {
		return nil, nil, errPending
	}
	if err := c.Begin(ctx, updates); err != nil {
		return nil, nil, err
	}
	return c.Finish(ctx)
}

// InFlight is how many frames are worth having begun before the first of them
// is finished: 1 on llvmpipe.
func (c *Canvas) InFlight() int {
	if c.fast == nil {
		return 1
	}
	return c.fast.tuning.InFlight
}

// Begin is the first half of Render: it changes the tiles named, for the frame
// that as many calls of Finish later returns. The updates' frames have been read
// when it returns. Begun beyond InFlight, frames are finished by Begin and wait
// for Finish. Where the context has ended, or a frame is refused, nothing has
// happened; any other error leaves a canvas that can only be closed.
func (c *Canvas) Begin(ctx context.Context, updates []Update) error {
	switch {
	case c.closed:
		return ErrClosed
	case c.err != nil:
		return c.err
	}
	p, jobs, err := c.sort(updates)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	for flights := c.flights(); len(flights) > 0 && (len(flights) >= c.InFlight() || c.alone(jobs)); flights = flights[1:] {
		if err := c.land(ctx, flights[0]); err != nil {
			return err
		}
	}
	if len(jobs) > 0 {
		if err := c.do(ctx, func() error { return c.drawTiles(p, jobs) }); err != nil {
			return err
		}
	} else if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.begun = append(c.begun, p)
	return nil
}

// Finish is the second half of Render, for the oldest frame begun. If it fails
// because the context has ended, the frame can be finished later.
func (c *Canvas) Finish(ctx context.Context) (f *media.Frame, release func(), err error) {
	if c.closed {
		return nil, nil, ErrClosed
	}
	if len(c.begun) == 0 {
		return nil, nil, errors.New("engine: finish: no frame is begun")
	}
	p := c.begun[0]
	if err := c.land(ctx, p); err != nil {
		return nil, nil, err
	}
	c.begun = c.begun[1:]
	return p.frame, p.release, nil
}

// flights are the frames begun that have not landed, oldest first.
func (c *Canvas) flights() []*pending {
	i := slices.IndexFunc(c.begun, func(p *pending) bool { return p.frame == nil })
	if i < 0 {
		return nil
	}
	return c.begun[i:]
}

// do runs f, whose errors break the canvas, on the GL thread.
func (c *Canvas) do(ctx context.Context, f func() error) error {
	ran := false
	err := c.engine.do(ctx, func() error { ran = true; return f() })
	if err != nil {
		err = fmt.Errorf("engine: %w", err)
	}
	if ran {
		c.err = err
	}
	return err
}

// alone reports whether jobs cannot overlap with the frames under way.
func (c *Canvas) alone(jobs []job) bool {
	if slices.ContainsFunc(c.flights(), func(p *pending) bool { return p.plain }) {
		return true
	}
	return slices.ContainsFunc(jobs, func(j job) bool {
		t := &c.tiles[j.tile]
		return t.video == nil || c.fast.tiles[j.tile] == nil || shapeOf(j.frame) != t.shape
	})
}

// land finishes the oldest frame under way; one that has landed is left as it is.
func (c *Canvas) land(ctx context.Context, p *pending) error {
	switch {
	case p.frame != nil:
		return nil
	case c.err != nil:
		return c.err
	}
	if p.flight != nil {
		if err := c.do(ctx, func() error { return c.fast.land(p.flight) }); err != nil {
			return err
		}
		p.flight = nil
	}
	if c.fast != nil {
		c.fast.finish(p.jobs)
	}
	c.apply(p)
	out := c.pool.take(c.size)
	c.compose(out)
	p.frame = &media.Frame{Planes: out.planes, SubX: 1, SubY: 1, Depth: 8, Color: media.CanvasColor, Siting: media.SitingLeft}
	p.release = func() { c.pool.give(out) }
	return nil
}

// sort checks the updates and returns what they change and what is to be drawn.
func (c *Canvas) sort(updates []Update) (*pending, []job, error) {
	for _, u := range updates {
		if err := c.check(u); err != nil {
			return nil, nil, err
		}
	}
	p := &pending{}
	var jobs []job
	for i, u := range updates {
		if slices.ContainsFunc(updates[i+1:], func(v Update) bool { return v.Tile == u.Tile }) {
			continue
		}
		if u.Frame != nil && !u.Hold {
			jobs = append(jobs, job{u.Tile, u.Frame})
			u.Hold, u.Frame = true, nil // shown as drawn
		}
		p.updates = append(p.updates, u)
	}
	return p, jobs, nil
}

// apply makes a frame's changes those of the canvas.
func (c *Canvas) apply(p *pending) {
	for _, u := range p.updates {
		t := &c.tiles[u.Tile]
		if o := int(math.Round(u.Opacity * 255)); o != t.opacity {
			t.opacity = o
			t.version++
		}
		if !u.Hold {
			t.showCard()
		}
	}
	for _, i := range p.drawn {
		t := &c.tiles[i]
		t.show(t.video)
		t.version++
	}
	for i := range c.tiles {
		if t := &c.tiles[i]; t.shown == nil {
			t.showCard()
		}
	}
}

// drawTiles draws the jobs' frames into their tiles' pictures. GL thread.
func (c *Canvas) drawTiles(p *pending, jobs []job) error {
	for _, j := range jobs {
		t := &c.tiles[j.tile]
		changed := t.meet(j.frame)
		ok := false
		var err error
		if c.fast != nil {
			if ok, err = c.fast.prepare(j.tile, t.shape, t.at); err != nil {
				return fmt.Errorf("tile %d: %w", j.tile, err)
			}
		}
		p.drawn = append(p.drawn, j.tile)
		if ok {
			p.jobs = append(p.jobs, j)
			t.video = c.fast.tiles[j.tile].video
			continue
		}
		p.plain = true
		if changed {
			t.video = newPicture(t.at.shown)
		}
		c.ledger.watch.Time("plain", func() { err = c.plain.draw(j.tile, j.frame, t.shape, t.at, t.video) })
		c.ledger.plain(j.frame, t.video)
		if err != nil {
			return fmt.Errorf("tile %d: %w", j.tile, err)
		}
	}
	if len(p.jobs) == 0 {
		return nil
	}
	err := c.fast.draw(p.jobs)
	switch {
	case err != nil:
	case c.fast.tuning.InFlight > 1:
		p.flight, err = c.fast.send()
	default:
		err = c.fast.read(p.jobs)
	}
	for i := range p.jobs {
		p.jobs[i].frame = nil // the caller's again
	}
	return err
}
