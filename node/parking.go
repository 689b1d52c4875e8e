package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// A cell that is done leaves its decoders where the next segment of its stripe
// begins. A node that does that segment too goes on with them. Opening them
// instead means decoding from the keyframe before: browsers write one every
// four to eight seconds, so that with segments of ten a fifth of all pictures
// would be decoded twice.
//
// Pictures are the same either way, so that a cell does not depend on who did
// the one before.

const (
	// parkedPixels bounds the decoders that wait, by the luma pixels of their
	// pictures: a hundred of 640x480. At about five pictures each that is 240 MB.
	parkedPixels = 100 * 640 * 480
	// parkedFor is how long a decoder waits. All other stripes of the segment may
	// come before its own next one.
	parkedFor = time.Minute
)

// parking holds decoders between two cells. Safe for concurrent use.
type parking struct {
	mu     sync.Mutex
	spots  []spot // oldest first
	pixels int
}

type spot struct {
	key    tileKey
	source *tileSource
	since  time.Time
}

// tileKey says which pictures a tile wants, and from which output frame on.
type tileKey struct {
	source plan.Ref
	sha256 string
	offset media.Offset
	drift  float64
	rate   media.FrameRate
	next   int
}

func keyOf(t plan.PictureTile, p *plan.Picture, next int) tileKey {
	return tileKey{t.Source, t.SHA256, t.Offset, t.DriftPPM, p.Rate, next}
}

// openTiles is OpenTiles with any decoder, but takes the decoders that wait for this cell. They
// end with ctx only as long as the cell does.
func (pk *parking) openTiles(ctx context.Context, b bucket.Buckets, p *plan.Picture, d decode.Decoder) *Tiles {
	tiles := &Tiles{sources: make([]*tileSource, len(p.Tiles))}
	for i, tile := range p.Tiles {
		t := pk.take(keyOf(tile, p, p.Segment.First))
		if t == nil {
			life, end := context.WithCancelCause(context.WithoutCancel(ctx))
			t = openTile(life, b, p, i, d)
			t.end = end
		}
		t.tile, t.first = tile, true
		t.release = context.AfterFunc(ctx, func() { t.end(context.Cause(ctx)) })
		tiles.sources[i] = t
	}
	return tiles
}

// take returns a decoder that waits there, nil when there is none.
func (pk *parking) take(k tileKey) *tileSource {
	pk.mu.Lock()
	defer pk.mu.Unlock()
	i := slices.IndexFunc(pk.spots, func(s spot) bool { return s.key == k })
	if i < 0 {
		return nil
	}
	t := pk.spots[i].source
	pk.spots = slices.Delete(pk.spots, i, i+1)
	pk.pixels -= t.pixels
	return t
}

// park takes those decoders of a finished cell over that a next one can use, none
// when the song ends with it. One
// that has met damage is opened anew, as every other node would have to. When
// all spots are taken the newcomers are turned away: stripes come in turns, so
// that the one that has waited longest is the one needed next.
func (pk *parking) park(tiles *Tiles, p *plan.Picture) {
	if p.Segment.Last {
		return
	}
	pk.mu.Lock()
	defer pk.mu.Unlock()
	for i, t := range tiles.sources {
		if t.sampler == nil || t.sampler.Ended() || t.pixels == 0 || t.warning != "" || len(t.video.Warnings()) > 0 ||
			pk.pixels+t.pixels > parkedPixels || !t.release() {
			continue
		}
		t.release = nil
		t.sampler.Keep(0)
		pk.spots = append(pk.spots, spot{keyOf(t.tile, p, p.Segment.First+p.Segment.Count), t, time.Now()})
		pk.pixels += t.pixels
		tiles.sources[i] = &tileSource{tile: t.tile}
	}
}

// clear closes the decoders that wait since before a time, all for the zero time.
func (pk *parking) clear(before time.Time) {
	pk.mu.Lock()
	defer pk.mu.Unlock()
	pk.spots = slices.DeleteFunc(pk.spots, func(s spot) bool {
		old := before.IsZero() || s.since.Before(before)
		if old {
			pk.pixels -= s.source.pixels
			s.source.close()
		}
		return old
	})
}

// sweep closes decoders nobody has come for, until ctx ends.
func (pk *parking) sweep(ctx context.Context) error {
	for sleep(ctx, parkedFor/4) == nil {
		pk.clear(time.Now().Add(-parkedFor))
	}
	return nil
}
