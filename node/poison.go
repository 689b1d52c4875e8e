package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
)

// A stripe may be joined only if no motion vector of it reads outside: there,
// its decoder sees the last row repeated, and the joined picture's decoder sees
// the neighbour. The encoder says in its SEI that it keeps to that (encode.Cell's
// Stitchable). Whether it is true shows the poison check: noise above and below
// the stripe, joined to it as any neighbour would be, must not change a sample
// of it.
//
// The check decodes a cell twice, which costs a few hundredths of composing and
// encoding it (BenchmarkPoison; bench/RESULTS.md). What it could find is a fault
// of the encoder, which does not come and go by the cell, so that not every cell
// needs it:
//
//   - once per node and encoder setting, before its first cell, on pictures made
//     to provoke it: full of detail that moves through both borders;
//   - the first cell of each render;
//   - one cell of sampleShare, chosen by its key, so that the same work is
//     checked wherever it is done;
//   - all cells, where Config.Verify says so.
//
// A cell that fails is stored all the same, as one that cannot be joined: its
// segment is stacked and encoded once more. The node then trusts that encoder
// setting no longer.

const (
	// noiseRows is how high the noise is on either side: two macroblocks, more
	// than an interpolation filter and a short vector reach.
	noiseRows = 32
	// sampleShare is how many cells there are to a checked one.
	sampleShare = 16
	// sampledPictures is how many pictures of a sampled cell are looked at: a fault
	// of the encoder shows in the first that are predicted.
	sampledPictures = 25
	// noiseKept bounds the streams of noise that are kept for the next check.
	noiseKept = 4
)

// sampled reports whether the cell is one of those that are checked.
func sampled(key string, p *plan.Picture) bool {
	if p.Segment.First == 0 && p.Y == 0 {
		return true
	}
	n, err := strconv.ParseUint(key[:min(2, len(key))], 16, 8)
	return err == nil && n%sampleShare == 0
}

// trust is what a node has found out about its encoder. Safe for concurrent use.
type trust struct {
	mu    sync.Mutex
	keeps map[plan.Encoder]bool // as far as it was tried

	noiseMu sync.Mutex
	noise   map[noiseKey][]byte
}

type noiseKey struct {
	o      encode.CellOptions
	frames int
}

// keepsMotion reports whether cells of that encoder setting may be joined. The
// first call with a setting tries it.
func (n *Node) keepsMotion(ctx context.Context, e plan.Encoder) (bool, error) {
	if !n.stripeMV {
		return false, nil
	}
	n.trust.mu.Lock()
	defer n.trust.mu.Unlock()
	if keeps, tried := n.trust.keeps[e]; tried {
		return keeps, nil
	}
	leaks, err := n.provoke(ctx, e)
	if err != nil {
		return false, fmt.Errorf("trying the encoder: %w", err)
	}
	if leaks > 0 {
		n.cfg.Log.Error("the encoder says it keeps motion inside a stripe and does not: stripes are encoded twice",
			"preset", e.Preset, "pictures", leaks)
	}
	if n.trust.keeps == nil {
		n.trust.keeps = map[plan.Encoder]bool{}
	}
	n.trust.keeps[e] = leaks == 0
	return leaks == 0, nil
}

// distrust notes that a cell of that setting has failed its check.
func (n *Node) distrust(e plan.Encoder) {
	n.trust.mu.Lock()
	defer n.trust.mu.Unlock()
	n.trust.keeps[e] = false
}

// provoke encodes a small stripe that tempts the encoder to look outside, and
// checks it.
func (n *Node) provoke(ctx context.Context, e plan.Encoder) (leaks int, err error) {
	o := encode.CellOptions{
		Width: 160, Height: 64, Rate: media.FrameRate{Num: 25, Den: 1}, Preset: e.Preset, CRF: e.CRF,
		GOP: 16, CanvasHeight: 64 + 2*noiseRows, StripeMV: true,
	}
	const frames = 24 // one and a half GOPs
	var stripe bytes.Buffer
	c, err := encode.NewCell(&stripe, o)
	if err != nil {
		return 0, err
	}
	f := media.NewFrame(o.Width, o.Height)
	for i := range frames {
		wander(f, i)
		if err := c.Write(f); err != nil {
			return 0, errors.Join(err, c.Close())
		}
	}
	if err := c.Close(); err != nil {
		return 0, err
	}
	return n.poisoned(ctx, stripe.Bytes(), o, frames, frames)
}

// wander draws picture i of a texture without a period that moves through both
// borders, five rows a picture: up in the left half, down in the right.
func wander(f *media.Frame, i int) {
	for p := range f.Planes {
		plane, step := &f.Planes[p], 5*i
		if p > 0 {
			step /= 2
		}
		for y := range plane.Height {
			for x := range plane.Width {
				row := y + step
				if x > plane.Width/2 {
					row = y - step
				}
				h := uint32(x/3*73856093) ^ uint32(row/3*19349663)
				h = (h ^ h>>13) * 0x5bd1e995
				plane.Data[y*plane.Stride+x] = uint8(48 + h>>24*5/8)
			}
		}
	}
}

// poisoned returns how many pictures of a stripe are others with noise around it
// than alone, of the first few. o and frames are what it was encoded with.
func (n *Node) poisoned(ctx context.Context, stripe []byte, o encode.CellOptions, frames, few int) (int, error) {
	noise, err := n.trust.noiseFor(o, frames)
	if err != nil {
		return 0, err
	}
	var joined bytes.Buffer
	row, err := stitch.Poison(ctx, &joined, inMemory(noise), inMemory(stripe))
	if err != nil {
		return 0, err
	}
	whole, err := decode.OpenStripe(ctx, &joined, o.Rate)
	if err != nil {
		return 0, err
	}
	defer whole.Close()
	alone, err := decode.OpenStripe(ctx, bytes.NewReader(stripe), o.Rate)
	if err != nil {
		return 0, err
	}
	defer alone.Close()
	differ := 0
	for i := range min(frames, few) {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		w, err := whole.Read()
		if err != nil {
			return 0, fmt.Errorf("picture %d with noise around it: %w", i, err)
		}
		a, err := alone.Read()
		if err != nil {
			return 0, fmt.Errorf("picture %d: %w", i, err)
		}
		if !stitch.SameRows(w, row, a) {
			differ++
		}
	}
	return differ, nil
}

func inMemory(b []byte) stitch.Opener {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// noiseFor returns noise encoded as a stripe of those options. The encoder of
// the noise may look where it likes: nothing reads the noise's own pictures. All
// of them are alike, which is cheap and as poisonous.
func (t *trust) noiseFor(o encode.CellOptions, frames int) ([]byte, error) {
	o.Height, o.StripeMV = noiseRows, false
	key := noiseKey{o, frames}
	t.noiseMu.Lock()
	defer t.noiseMu.Unlock()
	if b, ok := t.noise[key]; ok {
		return b, nil
	}
	var out bytes.Buffer
	c, err := encode.NewCell(&out, o)
	if err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	f := media.NewFrame(o.Width, o.Height)
	h := uint32(1)
	for p := range f.Planes {
		for i := range f.Planes[p].Data {
			h = h*1664525 + 1013904223
			f.Planes[p].Data[i] = 16 + 219*uint8(h>>31) // black or white
		}
	}
	for range frames {
		if err := c.Write(f); err != nil {
			return nil, fmt.Errorf("noise: %w", errors.Join(err, c.Close()))
		}
	}
	if err := c.Close(); err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	if t.noise == nil || len(t.noise) >= noiseKept {
		t.noise = map[noiseKey][]byte{}
	}
	t.noise[key] = out.Bytes()
	return out.Bytes(), nil
}
