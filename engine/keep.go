package engine

// What a canvas leaves to the next. The cells of a song are a canvas each, one
// after the other, of one geometry or nearly: their textures and buffers would be
// given back, taken, cleared and paged in again every time, and the weights worked
// out. So an engine keeps what the canvas closed last drew with, the fast variant's,
// and the next one takes over what is large enough.
//
// What earlier canvases drew is still in there. None of it can show: a tile shows
// what was read back of its cell after it was drawn, every sample of which was made
// of source samples uploaded for it; whatever else the passes fetch, beside a plane
// or beyond its rows, has weight 0, and is whole numbers, which times 0 are 0.

import (
	"image"
	"slices"

	"github.com/choirless/render/engine/gl"
)

// takeFast prepares the fast variant for a canvas. GL thread.
func (e *Engine) takeFast(l *look, b *ledger, size image.Rectangle, tiles []tileState) (*fast, error) {
	f := e.kept
	e.kept = nil
	if f == nil || l != nil {
		f.release()
		f = newFast(e.dev.Limits(), e.programs, l)
	}
	if err := f.begin(b, size, tiles); err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

// keepFast takes over what a canvas drew with. GL thread.
func (e *Engine) keepFast(f *fast) {
	if f == nil || f.programs != e.programs || f.look != nil {
		f.release()
		return
	}
	e.releaseKept()
	e.kept = f
}

func (e *Engine) releaseKept() {
	e.kept.release()
	e.kept = nil
}

// begin prepares for a canvas.
func (f *fast) begin(b *ledger, size image.Rectangle, tiles []tileState) error {
	f.ledger = b
	before := f.cells
	width, height := f.shelve(size, tiles)
	anew := f.result[0] == nil || f.result[0].Width != width || f.result[0].Height < height
	few := f.mid != nil && f.together < f.slots(f.slot)
	if few {
		f.releaseMid()
	}
	for i := range f.tiles {
		if anew || few || i >= len(f.cells) || f.cells[i] != before[i] {
			f.drop(i)
		}
	}
	f.releaseSpare(f.tuning.InFlight * (len(f.cells) - len(f.tiles)))
	if !anew {
		return nil
	}
	f.releaseResult()
	if height == 0 {
		return nil
	}
	return f.makeResult(width, height)
}

// drop forgets how a tile was drawn.
func (f *fast) drop(tile int) {
	if t := f.tiles[tile]; t != nil {
		f.spare = append(f.spare, t.sources...)
		delete(f.tiles, tile)
	}
}

// releaseSpare releases spare sources but for some.
func (f *fast) releaseSpare(keep int) {
	for len(f.spare) > keep {
		f.spare[0].Release()
		f.spare = f.spare[1:]
	}
}

// source returns memory for a tile's source: the smallest spare one that is large
// enough, or a new one instead of the largest, so that there are never more than the
// tiles had at once.
func (f *fast) source(size int, wrapped bool) (*gl.Row, error) {
	slices.SortFunc(f.spare, func(a, b *gl.Row) int { return a.Size() - b.Size() })
	for i, r := range f.spare {
		if r.Wrapped() == wrapped && r.Size() >= size {
			f.spare = slices.Delete(f.spare, i, i+1)
			return r, nil
		}
	}
	if n := len(f.spare); n > 0 {
		f.spare[n-1].Release()
		f.spare = f.spare[:n-1]
	}
	return gl.NewRow(gl.RGBA32UI, size, wrapped)
}
