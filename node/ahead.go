package node

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/internal/cores"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// Decoding runs ahead of drawing, by batches of output frames. In a batch each
// tile is decoded for all frames before the next tile is: a decoder that goes on
// finds its last pictures in the core's cache. (Sixteen recordings read by a
// picture each in turn cost 15 % more than one after the other.) As many tiles as
// a picture has cores are decoded side by side.
//
// One batch is drawn while the one after the next is decoded, so the pictures of
// three are held: with two, composing and decoding waited for each other.

const (
	// batchFrames is the most output frames of a batch.
	batchFrames = 3
	// batchPixels bounds the pictures of a batch, by their luma pixels: 12 MB of
	// 8-bit 4:2:0.
	batchPixels = 8 << 20
	// batchesReady is how many batches may wait between decoding and drawing.
	batchesReady = 1
)

// ahead sends what changes in each output frame of p, in order, as At returns
// it. The pictures of a batch are valid until the next is received.
func (t *Tiles) ahead(ctx context.Context, p *plan.Picture, batches chan<- [][]engine.Update) error {
	var held [batchesReady + 1]int // output frames of the batches not yet drawn, and of the one being drawn
	for first := 0; first < p.Segment.Count; {
		n := min(t.batchSize(), p.Segment.Count-first)
		t.keep(held[0] + held[1] + n)
		batch := t.batch(ctx, p.Rate, p.Segment.First+first, n)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		first, held[0], held[1] = first+n, held[1], n
	}
	return nil
}

// batch is what changes in each of n output frames from first on. When ctx ends it
// is incomplete.
func (t *Tiles) batch(ctx context.Context, rate media.FrameRate, first, n int) [][]engine.Update {
	batch := make([][]engine.Update, n)
	for j := range batch {
		batch[j] = make([]engine.Update, len(t.sources))
	}
	var g errgroup.Group
	g.SetLimit(min(pictureCores, cores.Count()))
	for i, src := range t.sources {
		g.Go(func() error {
			for j := range batch {
				u, changed := engine.Update{}, false
				if ctx.Err() == nil {
					u, changed = src.at(rate.Time(first + j))
				}
				if u.Tile = i; !changed {
					u.Tile = unchanged
				}
				batch[j][i] = u
			}
			return nil
		})
	}
	_ = g.Wait() // no tile fails
	for j := range batch {
		batch[j] = slices.DeleteFunc(batch[j], func(u engine.Update) bool { return u.Tile == unchanged })
	}
	return batch
}

// unchanged stands for the tile in an update that is none.
const unchanged = -1

// batchSize goes by the pictures last seen, and is 1 before there were any.
func (t *Tiles) batchSize() int {
	pixels := 0
	for _, src := range t.sources {
		pixels += src.pixels
	}
	if pixels == 0 {
		return 1
	}
	return min(max(batchPixels/pixels, 1), batchFrames)
}

// keep has the pictures of n output frames stay valid.
func (t *Tiles) keep(n int) {
	for _, src := range t.sources {
		if src.sampler != nil {
			src.sampler.Keep(n)
		}
	}
}
