package engine

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/choirless/render/media"
)

// Canvas is a scene being rendered. Not safe for concurrent use, except for the
// release functions of its frames.
type Canvas struct {
	engine   *Engine
	size     image.Rectangle
	tiles    []tileState
	overlays []*layer
	base     *picture // background and backdrop
	programs *programs
	plain    *plain
	fast     *fast // nil when the engine draws plainly
	pool     framePool
	closed   bool
}

// tileState is what a canvas knows of a tile.
type tileState struct {
	Tile
	at      placement
	shape   shape
	aspect  float64  // of the first frame; 0 before it
	video   *picture // the last frame as drawn, nil before the first
	card    *picture // the placeholder, made when first needed
	shown   *picture // video or card
	cover   *layer   // of shown.rect
	opacity int      // 0..255
	version int      // counts changes
	// touching lists the tiles that overlap this one, itself included, in
	// drawing order.
	touching []int
}

// NewCanvas prepares a scene. The caller must Close the canvas.
func (e *Engine) NewCanvas(ctx context.Context, s Scene) (*Canvas, error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	c := &Canvas{engine: e, size: image.Rect(0, 0, s.Width, s.Height)}
	c.base = newBase(s)
	for _, t := range s.Tiles {
		c.tiles = append(c.tiles, tileState{Tile: t, opacity: 255})
	}
	for i := range c.tiles {
		t := &c.tiles[i]
		for j := range c.tiles {
			if c.tiles[j].Rect.Overlaps(t.Rect) {
				t.touching = append(t.touching, j)
			}
		}
	}
	for _, o := range s.Overlays {
		if l := newOverlay(o); l != nil {
			c.overlays = append(c.overlays, l)
		}
	}
	c.pool.tiles = len(c.tiles)
	err := e.do(ctx, func() (err error) {
		c.programs = e.programs
		if c.plain, err = newPlain(c.programs.files); err != nil {
			return err
		}
		if !e.options.Plain {
			if c.fast, err = newFast(e.dev.Limits(), c.programs, c.size, c.tiles); err != nil {
				c.plain.release()
				return err
			}
		}
		c.programs.canvases++
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return c, nil
}

// job is a tile to be drawn.
type job struct {
	tile  int
	frame *media.Frame
}

// Render changes the tiles named and returns the whole canvas: 8-bit 4:2:0 in
// media.CanvasColor, sited left. Tiles not named keep their pixels; a tile
// never named shows its placeholder. Of several updates of one tile the last
// counts.
//
// The frame is valid, and does not change, until release is called; release
// must be called exactly once, from any goroutine. Frames not yet released do
// not hold up the next Render; they cost memory.
func (c *Canvas) Render(ctx context.Context, updates []Update) (f *media.Frame, release func(), err error) {
	if c.closed {
		return nil, nil, ErrClosed
	}
	jobs, err := c.apply(updates)
	if err != nil {
		return nil, nil, fmt.Errorf("engine: %w", err)
	}
	if len(jobs) > 0 {
		if err := c.engine.do(ctx, func() error { return c.drawTiles(jobs) }); err != nil {
			return nil, nil, fmt.Errorf("engine: %w", err)
		}
	} else if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	for i := range c.tiles {
		if t := &c.tiles[i]; t.shown == nil {
			t.showCard()
		}
	}
	out := c.pool.take(c.size)
	c.compose(out)
	frame := &media.Frame{Planes: out.planes, SubX: 1, SubY: 1, Depth: 8, Color: media.CanvasColor, Siting: media.SitingLeft}
	return frame, func() { c.pool.give(out) }, nil
}

// apply checks the updates, takes over what needs no drawing and returns what
// does.
func (c *Canvas) apply(updates []Update) ([]job, error) {
	for _, u := range updates {
		if err := c.check(u); err != nil {
			return nil, err
		}
	}
	var jobs []job
	for i, u := range updates {
		if slices.ContainsFunc(updates[i+1:], func(v Update) bool { return v.Tile == u.Tile }) {
			continue
		}
		t := &c.tiles[u.Tile]
		if o := int(math.Round(u.Opacity * 255)); o != t.opacity {
			t.opacity = o
			t.version++
		}
		switch {
		case u.Hold:
		case u.Frame == nil:
			t.showCard()
		default:
			jobs = append(jobs, job{u.Tile, u.Frame})
		}
	}
	return jobs, nil
}

func (c *Canvas) check(u Update) error {
	switch {
	case u.Tile < 0 || u.Tile >= len(c.tiles):
		return fmt.Errorf("update of tile %d: the scene has %d tiles", u.Tile, len(c.tiles))
	case !(u.Opacity >= 0 && u.Opacity <= 1):
		return fmt.Errorf("tile %d: opacity %g, want 0 to 1", u.Tile, u.Opacity)
	case u.Frame == nil || u.Hold:
		return nil
	}
	if err := checkFrame(u.Frame); err != nil {
		return fmt.Errorf("tile %d: frame: %w", u.Tile, err)
	}
	return nil
}

// checkFrame reports what is wrong with a frame, before a driver finds out.
func checkFrame(f *media.Frame) error {
	switch {
	case f.Depth < 8 || f.Depth > 16:
		return fmt.Errorf("%d bits per sample, want 8 to 16", f.Depth)
	case f.SubX < 0 || f.SubX > 2 || f.SubY < 0 || f.SubY > 2:
		return fmt.Errorf("chroma subsampled by 2^%d, 2^%d, want exponents 0 to 2", f.SubX, f.SubY)
	case !validRotation(f.Rotation):
		return fmt.Errorf("rotation %d, want 0, 90, 180 or 270", f.Rotation)
	case len(f.Planes[1].Data) == 0 != (len(f.Planes[2].Data) == 0):
		return fmt.Errorf("one chroma plane of two is empty")
	}
	for i, p := range f.Planes {
		if i > 0 && len(p.Data) == 0 {
			continue
		}
		row := p.Width * ((f.Depth + 7) / 8)
		switch {
		case p.Width <= 0 || p.Height <= 0 || p.Width > 16384 || p.Height > 16384:
			return fmt.Errorf("plane %d is %dx%d, want sides from 1 to 16384", i, p.Width, p.Height)
		case p.Stride < row || len(p.Data) < p.Stride*(p.Height-1)+row:
			return fmt.Errorf("plane %d: %d bytes in rows of %d do not hold %dx%d samples", i, len(p.Data), p.Stride, p.Width, p.Height)
		}
		w, h := (f.Width()+1<<f.SubX-1)>>f.SubX, (f.Height()+1<<f.SubY-1)>>f.SubY
		if i > 0 && (p.Width < w || p.Height < h) {
			return fmt.Errorf("plane %d is %dx%d, want %dx%d", i, p.Width, p.Height, w, h)
		}
	}
	return nil
}

// drawTiles draws the jobs' frames into their tiles' pictures. GL thread.
func (c *Canvas) drawTiles(jobs []job) error {
	var fast []job
	for _, j := range jobs {
		t := &c.tiles[j.tile]
		changed := t.frame(j.frame)
		ok := false
		if c.fast != nil {
			var err error
			if ok, err = c.fast.prepare(j.tile, t.shape, t.at); err != nil {
				return fmt.Errorf("tile %d: %w", j.tile, err)
			}
		}
		switch {
		case ok:
			fast = append(fast, j)
			if changed {
				t.video = c.fast.tiles[j.tile].video
			}
		default:
			if changed {
				t.video = newPicture(t.at.shown)
			}
			if err := c.plain.draw(j.tile, j.frame, t.shape, t.at, t.video); err != nil {
				return fmt.Errorf("tile %d: %w", j.tile, err)
			}
		}
		t.show(t.video)
		t.version++
	}
	if len(fast) == 0 {
		return nil
	}
	if err := c.fast.draw(fast); err != nil {
		return err
	}
	return c.fast.read(fast)
}

// maxStretch is how much another frame's aspect may differ from the first's and
// still fill the tile the same way.
const maxStretch = 1.02

// frame works out where a frame goes. It reports whether that, or the frame's
// shape, is new.
func (t *tileState) frame(f *media.Frame) (changed bool) {
	rotation := f.Rotation
	if t.RotationSet {
		rotation = t.Rotation
	}
	s := shapeOf(f, rotation)
	if s == t.shape && t.video != nil {
		return false
	}
	t.shape = s
	if t.aspect == 0 {
		t.aspect = s.aspect()
	}
	fit := t.Fit
	// A picture that changes its form on the way keeps its tile and is shown
	// whole, rather than cropped where nobody chose to.
	if q := s.aspect() / t.aspect; q > maxStretch || q < 1/maxStretch {
		fit = Contain
	}
	t.at = place(s, t.Rect, fit)
	return true
}

// showCard shows the placeholder.
func (t *tileState) showCard() {
	if t.card == nil {
		t.card = newCard(t.Rect, t.Placeholder)
	}
	if t.shown != t.card {
		t.show(t.card)
		t.version++
	}
}

// show makes p what the tile shows, and its cover fit it.
func (t *tileState) show(p *picture) {
	if t.shown == nil || t.shown.rect != p.rect {
		t.cover = newCover(t.Tile, p.rect)
	}
	t.shown = p
}

// compose brings out up to date: every tile that has changed since out was last
// the canvas.
func (c *Canvas) compose(out *output) {
	if !out.begun {
		out.begun = true
		out.copyFrom(c.base, c.size)
		for _, l := range c.overlays {
			l.over(&out.picture, c.size)
		}
		for i := range out.versions {
			out.versions[i] = -1
		}
	}
	for i := range c.tiles {
		if t := &c.tiles[i]; out.versions[i] != t.version {
			out.versions[i] = t.version
			c.composeTile(out, t)
		}
	}
}

// composeTile draws everything there is in a tile's rectangle.
func (c *Canvas) composeTile(out *output, t *tileState) {
	r := t.Rect.Intersect(c.size)
	first := -1
	for i, j := range t.touching {
		if u := &c.tiles[j]; u.cover == nil && u.opacity == 255 && r.In(u.shown.rect) {
			first = i // hides everything before it
		}
	}
	if first < 0 {
		out.copyFrom(c.base, r)
	}
	for _, j := range t.touching[max(first, 0):] {
		u := &c.tiles[j]
		out.draw(u.shown, u.cover, r, u.opacity)
	}
	for _, l := range c.overlays {
		l.over(&out.picture, r)
	}
}

// Close releases what the canvas holds on the GPU. Frames handed out stay
// valid until released. It may be called any number of times.
func (c *Canvas) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	// A closed engine has released everything already.
	err := c.engine.do(context.Background(), func() error {
		c.plain.release()
		c.fast.release()
		c.programs.leave()
		return nil
	})
	if err == ErrClosed {
		err = nil
	}
	return err
}
