package engine

import (
	"context"
	"fmt"
	"image"
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
	ledger   *ledger
	plain    *plain
	fast     *fast // nil when the engine draws plainly
	pool     framePool
	begun    []*pending // and not finished, oldest first
	err      error      // what broke the canvas
	closed   bool
}

// tileState is what a canvas knows of a tile.
type tileState struct {
	Tile
	at      placement
	shape   shape
	video   *picture // the last frame as drawn, nil before the first
	card    *picture // the placeholder, made when first needed
	frame   *layer   // of the card: corners and border
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
	c.pool.tiles, c.pool.memory = len(c.tiles), &e.pictures
	c.ledger = newLedger(e.options.Timed)
	err := e.do(ctx, func() (err error) {
		c.programs = e.programs
		l, err := newLook(c.programs.files, s.Look)
		if err != nil {
			return err
		}
		if c.plain, err = newPlain(c.programs, l); err != nil {
			return err
		}
		if !e.options.Plain {
			if c.fast, err = e.takeFast(l, c.ledger, c.size, c.tiles); err != nil {
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
	case !slices.Contains([]media.Rotation{0, 90, 180, 270}, f.Rotation):
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
		case p.Width <= 0 || p.Height <= 0 || p.Width > media.MaxSide || p.Height > media.MaxSide:
			return fmt.Errorf("plane %d is %dx%d, want sides from 1 to %d", i, p.Width, p.Height, media.MaxSide)
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

// maxStretch is how much a frame's aspect may differ from Tile.Aspect for Fit and
// Crop to be meant for it.
const maxStretch = 1.02

// meet works out where a frame goes. It reports whether that, or the frame's
// shape, is new.
func (t *tileState) meet(f *media.Frame) (changed bool) {
	s := shapeOf(f)
	if s == t.shape && t.video != nil {
		return false
	}
	t.shape = s
	fit, crop := t.Fit, t.Crop
	if q := s.aspect() / t.Aspect; t.Aspect > 0 && (q > maxStretch || q < 1/maxStretch) {
		fit, crop = Contain, media.Crop{}
	}
	t.at = place(s, t.Rect, fit, crop)
	return true
}

// showCard shows the placeholder.
func (t *tileState) showCard() {
	t.makeCard()
	if t.shown != t.card {
		t.shown, t.cover = t.card, t.frame
		t.version++
	}
}

// makeCard makes the placeholder. It says the name itself, so what lies over it
// has no caption.
func (t *tileState) makeCard() {
	if t.card == nil {
		t.card = newCard(t.Rect, t.Placeholder)
		plain := t.Tile
		plain.Caption = ""
		t.frame = newCover(plain, t.Rect)
	}
}

// show makes p what the tile shows, and its cover fit it.
func (t *tileState) show(p *picture) {
	if t.shown == nil || t.shown == t.card || t.shown.rect != p.rect {
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
		c.tiles[j].draw(out, r)
	}
	for _, l := range c.overlays {
		l.over(&out.picture, r)
	}
}

// draw draws the tile inside r. A picture that is not all there lies over the
// placeholder; where it leaves part of the tile free, the placeholder goes as
// the picture comes, or the picture's last step would make it vanish at once.
func (t *tileState) draw(out *output, r image.Rectangle) {
	if t.shown != t.card && t.opacity < 255 {
		t.makeCard()
		if t.shown.rect != t.card.rect {
			out.draw(t.card, t.frame, r, 255-t.opacity)
		}
		out.draw(t.card, t.frame, r.Intersect(t.shown.rect), 255)
	}
	out.draw(t.shown, t.cover, r, t.opacity)
}

// Close releases what the canvas holds on the GPU. Frames handed out stay
// valid until released. It may be called any number of times.
func (c *Canvas) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	c.pool.close()
	// A closed engine has released everything already.
	err := c.engine.do(context.Background(), func() error {
		flying := false
		for _, p := range c.begun {
			if p.flight != nil {
				flying = true
				p.flight.done.Release()
			}
		}
		c.plain.release()
		// The ring of frames that never came back does not stand where the next
		// canvas' begins.
		if c.err != nil || flying {
			c.fast.release()
		} else {
			c.engine.keepFast(c.fast)
		}
		c.ledger.watch.Release()
		c.programs.leave()
		return nil
	})
	if err == ErrClosed {
		err = nil
	}
	return err
}
