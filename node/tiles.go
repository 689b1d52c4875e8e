package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// tileSource gives the pictures of one tile over song time. A part that cannot
// be read shows its placeholder and leaves a warning; it never fails the cell. One
// whose object is gone shows it too, but what comes of that is not the cell: its key
// says that the part is there.
type tileSource struct {
	tile    plan.PictureTile
	src     io.Closer
	video   *decode.Video
	sampler *decode.Sampler
	warning string
	gone    bool // there is no such object
	first   bool
	opacity float64 // as last drawn
	pixels  int     // of its last picture, luma
	// end ends reading. release keeps the end of the cell's context from doing
	// so; false when it already has. Both nil where the reader's context is the
	// caller's.
	end     context.CancelCauseFunc
	release func() bool
}

// Tiles gives the pictures of a cell's tiles over song time. Not safe for
// concurrent use.
type Tiles struct {
	sources []*tileSource
	updates []engine.Update
}

// OpenTiles opens the decoders of a cell, in software, each at the cell's beginning.
// The caller must Close them.
func OpenTiles(ctx context.Context, b bucket.Buckets, p *plan.Picture) *Tiles {
	tiles := &Tiles{sources: make([]*tileSource, len(p.Tiles))}
	for i := range p.Tiles {
		tiles.sources[i] = openTile(ctx, b, p, i, decode.Software)
	}
	return tiles
}

func openTile(ctx context.Context, b bucket.Buckets, p *plan.Picture, i int, d decode.Decoder) *tileSource {
	t := &tileSource{tile: p.Tiles[i], first: true}
	if err := t.open(ctx, b, p.Rate, p.Segment.First, d); err != nil {
		t.warning = fmt.Sprintf("picture not readable, placeholder shown: %v", err)
		t.gone = errors.Is(err, bucket.ErrNotFound)
		t.close()
	}
	return t
}

// At returns what has changed at song time s since the last call, which was for
// no later time. Frames and slice are valid until the next call.
func (t *Tiles) At(s time.Duration) []engine.Update {
	t.updates = t.updates[:0]
	for i, src := range t.sources {
		if u, changed := src.at(s); changed {
			u.Tile = i
			t.updates = append(t.updates, u)
		}
	}
	return t.updates
}

// Again has the next At return every tile, changed or not.
func (t *Tiles) Again() {
	for _, src := range t.sources {
		src.first = true
	}
}

// Warnings names the parts whose picture was replaced, and says why.
func (t *Tiles) Warnings() []plan.PartWarning {
	var w []plan.PartWarning
	for _, src := range t.sources {
		if src.warning != "" {
			w = append(w, plan.PartWarning{Part: src.tile.Part, Text: src.warning})
		}
	}
	return w
}

// trouble is the first error of an object store, a *transferError, or nil. What was
// shown since is not what the parts hold.
func (t *Tiles) trouble() error {
	for _, src := range t.sources {
		if f, ok := src.src.(*suppliedFile); ok && f.err != nil {
			return f.err
		}
	}
	return nil
}

// missing blames the first part whose object is gone, with a *PartError, or is nil.
func (t *Tiles) missing() error {
	for _, src := range t.sources {
		if src.gone {
			return &PartError{src.tile.Part, fmt.Errorf("%s/%s: %w", src.tile.Source.Bucket, src.tile.Source.Key, bucket.ErrNotFound)}
		}
	}
	return nil
}

// Close frees the decoders. It may be called more than once.
func (t *Tiles) Close() {
	for _, src := range t.sources {
		src.close()
	}
}

// open opens the decoder where output frame first begins.
func (t *tileSource) open(ctx context.Context, b bucket.Buckets, rate media.FrameRate, first int, d decode.Decoder) error {
	src, err := openRef(ctx, b, t.tile.Source)
	if err != nil {
		return err
	}
	t.src = src
	t.video, err = decode.OpenVideo(ctx, src, decode.VideoOptions{
		Threads: 1, From: max(0, t.partTime(rate.Time(first))),
		Wanted:  func(from, to time.Duration) bool { return t.shows(rate, from, to) },
		Decoder: d,
	})
	if err != nil {
		return err
	}
	t.sampler = decode.NewSampler(t.video, rate.Time(1)/2)
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
	if t.release != nil {
		t.release()
	}
	if t.end != nil {
		t.end(nil)
	}
}

// partTime is where song time s falls in the part.
func (t *tileSource) partTime(s time.Duration) time.Duration {
	return time.Duration(t.tile.Offset) + s + time.Duration(math.Round(float64(s)*t.tile.DriftPPM*1e-6))
}

// shows reports whether any output frame shows a picture that is followed by
// another at part time to; decode.Sampler has the rule.
func (t *tileSource) shows(rate media.FrameRate, from, to time.Duration) bool {
	half := rate.Time(1) / 2
	song := float64(to-half-time.Duration(t.tile.Offset)) / (1 + t.tile.DriftPPM*1e-6)
	last := rate.Frames(time.Duration(song))
	for n := last + 1; n >= last-1; n-- { // whichever way it was rounded
		if at := t.partTime(rate.Time(n)) + half; from < at && at <= to {
			return true
		}
	}
	return false
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
	t.pixels = f.Width() * f.Height()
	op := t.opacityAt(pt, f.Time)
	if !first && !changed && op == t.opacity {
		return engine.Update{}, false
	}
	t.opacity = op
	if !first && !changed {
		return engine.Update{Hold: true, Opacity: op}, true
	}
	f.Rotation = t.tile.Rotation // which the person may have changed
	return engine.Update{Frame: f, Opacity: op}, true
}

// opacityAt is the opacity over the placeholder, at part time pt, of the picture
// that is shown since another: rising after a late start, sinking after an early
// end and when the picture stands still. A part that is there from song time zero
// does not fade in.
func (t *tileSource) opacityAt(pt, since time.Duration) float64 {
	op := 1.0
	if t.tile.Start > time.Duration(t.tile.Offset) {
		op = min(op, t.ramp(pt-t.tile.Start))
	}
	if t.tile.End > 0 {
		op = min(op, 1-t.ramp(pt-t.tile.End))
	}
	if t.tile.FreezeAfter > 0 {
		op = min(op, 1-t.ramp(pt-since-t.tile.FreezeAfter))
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
