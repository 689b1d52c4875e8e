package node

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

const (
	// heldOpacity is how much of a part's last picture stays when it has ended
	// before the song.
	heldOpacity = 0.35
	// framesInFlight bounds the composed frames that wait for the encoder.
	framesInFlight = 2
)

// picture composes one cell and stores it as a raw H.264 stream. Decoding and
// composing run in one goroutine, encoding in another; cells run beside each
// other, so more is not needed to keep the cores busy.
func (n *Node) picture(ctx context.Context, p *plan.Picture, progress func(float64)) (plan.CellResult, error) {
	res := plan.CellResult{}
	tiles := openTiles(ctx, n.cfg.Buckets, p)
	defer closeTiles(tiles)
	scene, err := n.scene(ctx, p)
	if err != nil {
		return res, fmt.Errorf("stripe %d: %w", p.Stripe, err)
	}

	var enc *encode.Cell
	write := func(w io.Writer) (err error) {
		eng, err := n.takeEngine(ctx)
		if err != nil {
			return err
		}
		defer func() { n.giveEngine(eng, err != nil && ctx.Err() == nil) }()
		canvas, err := eng.NewCanvas(ctx, scene)
		if err != nil {
			return err
		}
		defer canvas.Close()
		crf := p.Encoder.MezzanineCRF
		if n.stripeMV {
			crf = p.Encoder.CRF
		}
		enc, err = encode.NewCell(w, encode.CellOptions{
			Width: p.Width, Height: p.Height, Rate: p.Rate,
			Preset: p.Encoder.Preset, CRF: crf, GOP: p.Encoder.GOP,
			StripeMV: n.stripeMV, CanvasHeight: p.Encoder.CanvasHeight, Threads: 1,
		})
		if err != nil {
			return err
		}
		return compose(ctx, p, tiles, canvas, enc, progress)
	}
	info, err := putStream(ctx, n.cfg.Buckets, p.Out, write)
	if err != nil {
		return res, fmt.Errorf("stripe %d, segment %d: %w", p.Stripe, p.Segment.Index, err)
	}
	res.Frames, res.Bytes, res.Stitchable = enc.Frames(), info.Size, enc.Stitchable()
	for _, t := range tiles {
		if t.warning != "" {
			res.Warnings = append(res.Warnings, plan.PartWarning{Part: t.tile.Part, Text: t.warning})
		}
	}
	if res.Frames != p.Segment.Count {
		return res, fmt.Errorf("stripe %d, segment %d: %d frames encoded, want %d", p.Stripe, p.Segment.Index, res.Frames, p.Segment.Count)
	}
	return res, nil
}

// composed is a frame on its way to the encoder.
type composed struct {
	frame   *media.Frame
	release func()
}

// compose drives the cell: per output frame it asks every tile for its
// picture, lets the canvas draw those that changed, and hands the frame to the
// encoder's goroutine.
func compose(ctx context.Context, p *plan.Picture, tiles []*tileSource, canvas *engine.Canvas, enc *encode.Cell, progress func(float64)) error {
	frames := make(chan composed, framesInFlight)
	g, gctx := errgroup.WithContext(ctx)
	gctx, stop := context.WithCancelCause(gctx)
	defer stop(nil)
	g.Go(func() error {
		defer close(frames)
		return composeFrames(gctx, p, tiles, canvas, frames, progress)
	})
	g.Go(func() (err error) {
		for c := range frames {
			if err == nil {
				if err = enc.Write(c.frame); err != nil {
					stop(err)
				}
			}
			c.release()
		}
		if cerr := enc.Close(); err == nil {
			err = cerr
		}
		return err
	})
	return g.Wait()
}

func composeFrames(ctx context.Context, p *plan.Picture, tiles []*tileSource, canvas *engine.Canvas, frames chan<- composed, progress func(float64)) error {
	var updates []engine.Update
	for i := range p.Segment.Count {
		t := p.Rate.Time(p.Segment.First + i)
		updates = updates[:0]
		for k, tile := range tiles {
			if u, changed := tile.at(t); changed {
				u.Tile = k
				updates = append(updates, u)
			}
		}
		f, release, err := canvas.Render(ctx, updates)
		if err != nil {
			return fmt.Errorf("frame %d: %w", p.Segment.First+i, err)
		}
		select {
		case frames <- composed{f, release}:
		case <-ctx.Done():
			release()
			return context.Cause(ctx)
		}
		progress(100 * float64(i+1) / float64(p.Segment.Count))
	}
	return nil
}

// scene translates the assignment's geometry for the engine.
func (n *Node) scene(ctx context.Context, p *plan.Picture) (engine.Scene, error) {
	s := engine.Scene{Width: p.Width, Height: p.Height, Background: p.Background}
	for _, t := range p.Tiles {
		fit := engine.Contain
		if t.Fit == plan.Cover {
			fit = engine.Cover
		}
		tile := engine.Tile{
			Rect: image.Rect(t.X, t.Y, t.X+t.W, t.Y+t.H), Fit: fit,
			Rotation: t.Rotation, RotationSet: true,
			Radius: t.Radius, Border: t.Border, BorderRGB: t.BorderRGB, Placeholder: t.Name,
		}
		if t.Caption {
			tile.Caption = t.Name
		}
		s.Tiles = append(s.Tiles, tile)
	}
	for _, o := range p.Overlays {
		img, err := readPNG(ctx, n.cfg.Buckets, o.Image)
		if err != nil {
			return s, fmt.Errorf("overlay %q: %w", o.Image.Key, err)
		}
		s.Overlays = append(s.Overlays, engine.Overlay{Image: img, Rect: image.Rect(o.X, o.Y, o.X+o.W, o.Y+o.H), Opacity: o.Opacity})
	}
	return s, nil
}

// tileSource gives the pictures of one tile over song time. A part that cannot
// be read shows its placeholder and leaves a warning; it never fails the cell.
type tileSource struct {
	tile    plan.PictureTile
	src     io.Closer
	video   *decode.Video
	sampler *decode.Sampler
	warning string
	first   bool
	opacity float64 // as last drawn
}

// openTiles opens the decoders of a cell, each at the cell's beginning.
func openTiles(ctx context.Context, b bucket.Buckets, p *plan.Picture) []*tileSource {
	half := p.Rate.Time(1) / 2
	tiles := make([]*tileSource, len(p.Tiles))
	for i, t := range p.Tiles {
		ts := &tileSource{tile: t, first: true}
		tiles[i] = ts
		if err := ts.open(ctx, b, p.Rate.Time(p.Segment.First), half); err != nil {
			ts.warning = fmt.Sprintf("picture not readable, placeholder shown: %v", err)
			ts.close()
		}
	}
	return tiles
}

func (t *tileSource) open(ctx context.Context, b bucket.Buckets, from, half time.Duration) error {
	src, err := openRef(ctx, b, t.tile.Source)
	if err != nil {
		return err
	}
	t.src = src
	t.video, err = decode.OpenVideo(ctx, src, decode.VideoOptions{Threads: 1, From: max(0, t.partTime(from))})
	if err != nil {
		return err
	}
	t.sampler = decode.NewSampler(t.video, half)
	return nil
}

func (t *tileSource) close() {
	if t.video != nil {
		t.video.Close()
	}
	if t.src != nil {
		t.src.Close()
	}
	t.video, t.src, t.sampler = nil, nil, nil
}

func closeTiles(tiles []*tileSource) {
	for _, t := range tiles {
		t.close()
	}
}

// partTime is where song time s falls in the part.
func (t *tileSource) partTime(s time.Duration) time.Duration {
	return time.Duration(t.tile.Offset) + s + time.Duration(math.Round(float64(s)*t.tile.DriftPPM*1e-6))
}

// at returns what the tile shows at song time s, and whether that differs from
// the last call.
func (t *tileSource) at(s time.Duration) (engine.Update, bool) {
	first := t.first
	t.first = false
	if t.sampler == nil {
		return engine.Update{Opacity: 1}, first
	}
	pt := t.partTime(s)
	f, changed, err := t.sampler.At(pt)
	if err != nil && !errors.Is(err, io.EOF) && t.warning == "" {
		t.warning = fmt.Sprintf("picture broken at %.2f s, last good one held: %v", pt.Seconds(), err)
	}
	if f == nil { // before its first picture
		return engine.Update{Opacity: 1}, first
	}
	op := t.opacityAt(pt)
	if !first && !changed && op == t.opacity {
		return engine.Update{}, false
	}
	t.opacity = op
	if !first && !changed {
		return engine.Update{Hold: true, Opacity: op}, true
	}
	return engine.Update{Frame: f, Opacity: op}, true
}

// opacityAt is the part's opacity at part time pt: rising after a late start,
// sinking to heldOpacity after an early end. A part that is there from song
// time zero does not fade in.
func (t *tileSource) opacityAt(pt time.Duration) float64 {
	op := 1.0
	if t.tile.Start > time.Duration(t.tile.Offset) {
		op = min(op, t.ramp(pt-t.tile.Start))
	}
	if t.tile.End > 0 {
		op = min(op, 1-(1-heldOpacity)*t.ramp(pt-t.tile.End))
	}
	// In 64 steps, so that a still picture is not redrawn for nothing.
	return math.Round(op*64) / 64
}

// ramp rises from 0 to 1 over the tile's fade.
func (t *tileSource) ramp(d time.Duration) float64 {
	switch {
	case d <= 0:
		return 0
	case d >= t.tile.Fade:
		return 1
	}
	return float64(d) / float64(t.tile.Fade)
}
