package engine

// How the fast variant draws a tile: where its planes lie in the source buffer,
// between the passes and in the result, with which weights and which programs.
// Worked out when a frame's shape or place is new, not for every frame.

import (
	"encoding/binary"
	"fmt"
	"image"

	"github.com/choirless/render/engine/gl"
)

// prepare makes ready to draw frames of shape s at a placement. It returns
// false if this variant cannot, or not within the driver's limits.
func (f *fast) prepare(tile int, s shape, at placement) (bool, error) {
	if t := f.tiles[tile]; t != nil && t.shape == s && t.at == at {
		return true, nil
	}
	n, ok := newNormalizer(s)
	// Wide colour is converted after the passes, where a look would come too early.
	if !ok || f.cells[tile].Empty() || n.t.wide && f.look != nil {
		return false, nil
	}
	f.drop(tile)
	f.dropUnused()
	t := &fastTile{shape: s, at: at, normalizer: n}
	for i := range t.planes {
		t.lay(i)
	}
	for i := range t.planes {
		ok, err := f.plan(t, tile, i)
		if !ok || err != nil {
			return ok, err
		}
	}
	if (n.matrix || n.t.wide) && t.planes[1].copies == 0 {
		return false, nil // a sliver without a chroma sample of its own
	}
	if t.texels > gl.WrapWidth*f.limits.TextureSize {
		return false, nil
	}
	if ok, err := f.growMid(t); !ok || err != nil {
		return ok, err
	}
	for range f.tuning.InFlight {
		row, err := f.source(t.texels*16, f.wraps(t))
		if err != nil {
			f.spare = append(f.spare, t.sources...)
			return false, fmt.Errorf("source: %w", err)
		}
		t.sources = append(t.sources, row)
	}
	t.video = f.picture(t)
	if n.t.wide {
		t.light = f.lightOf(s.color)
		t.video = newPicture(at.shown)
	}
	f.tiles[tile] = t
	return true, nil
}

// wraps reports whether a tile's source is too long for a buffer texture.
func (f *fast) wraps(t *fastTile) bool { return t.texels > f.tuning.BufferTexels }

// dropUnused releases weight tables that no tile uses any more, once there are
// many: a recording may change its size as often as it likes.
func (f *fast) dropUnused() {
	if len(f.tables) <= 8*len(f.cells) {
		return
	}
	used := map[*gl.Row]bool{}
	for _, t := range f.tiles {
		for _, p := range t.planes {
			used[p.vTable], used[p.hTable] = true, true
		}
	}
	for k, t := range f.tables {
		if !used[t] {
			t.Release()
			delete(f.tables, k)
		}
	}
}

// lay places luma (i = 0), or both chroma planes side by side (i = 1), in the
// tile's source, with as many rows more above and below as the vertical pass
// looks at.
func (t *fastTile) lay(i int) {
	p := &t.planes[i]
	if i == 1 && t.shape.gray {
		return
	}
	h, v := t.at.axes(t.shape, i, grid(i))
	if h.Out <= 0 || v.Out <= 0 {
		return
	}
	p.copies = 1 + i
	p.texels = ceilDiv(h.In, 16)
	p.rowsIn = v.In
	p.above, p.below = v.beyond()
	p.first = t.texels + p.above*p.texels*p.copies
	t.texels = p.first + (p.rowsIn+p.below)*p.texels*p.copies
}

// maxBeyond bounds the rows that a source has repeated on either side; it is
// more than any window over a picture's edge needs.
const maxBeyond = 64

// plan works out how a plane that is laid is drawn.
func (f *fast) plan(t *fastTile, tile, i int) (bool, error) {
	p := &t.planes[i]
	if p.copies == 0 {
		return true, nil
	}
	if max(p.above, p.below) > maxBeyond {
		return false, nil
	}
	h, v := t.at.axes(t.shape, i, grid(i))
	hp, vp := horizontalPattern(h.Step), verticalPattern(v.Step)
	if hp.pairs() > maxPairs || vp.pairs() > maxPairs {
		return false, nil
	}
	var err error
	if p.vTable, err = f.table(v, vp); p.vTable == nil {
		return false, err
	}
	if p.hTable, err = f.table(h, hp); p.hTable == nil {
		return false, err
	}
	if p.v, err = f.programs.get(vp, f.wraps(t), nil, verticalPass); p.v == nil {
		return false, err
	}
	if p.h, err = f.programs.get(hp, false, f.look, horizontalPass); p.h == nil {
		return false, err
	}
	p.vGroups, p.hGroups, p.rows = ceilDiv(v.Out, vRows), ceilDiv(h.Out, hCols), ceilDiv(v.Out, hRows)
	p.cell = f.cells[tile].Min
	if i == 1 {
		p.midY = alignUp(2*t.planes[0].rows, block)
		p.cell.Y += alignUp(t.planes[0].rows, block)
		p.apart = alignUp(p.hGroups, block)
	}
	return true, nil
}

// growMid makes the intermediate texture large enough.
func (f *fast) growMid(t *fastTile) (bool, error) {
	width, slot := 0, 0
	for _, p := range t.planes {
		width = max(width, 2*guard+p.texels*p.copies)
		slot = max(slot, p.midY+alignUp(2*p.rows, block))
	}
	if f.mid != nil && width <= f.mid.Width && slot <= f.slot {
		return true, nil
	}
	if f.mid != nil {
		width, slot = max(width, f.mid.Width), max(slot, f.slot)
	}
	together := f.slots(slot)
	if width > f.limits.TextureSize || together == 0 {
		return false, nil
	}
	f.releaseMid()
	var err error
	if f.mid, err = gl.NewTexture(gl.RGBA32UI, width, slot*together, 8); err != nil {
		return false, fmt.Errorf("intermediate: %w", err)
	}
	for i := range f.tuning.shares() {
		fb, err := gl.NewLayerFramebuffer(f.mid, i*f.tuning.Targets, f.tuning.Targets)
		if err != nil {
			return false, fmt.Errorf("intermediate: %w", err)
		}
		f.midFB = append(f.midFB, fb)
	}
	f.slot, f.together = slot, together
	return true, nil
}

// slots is how many slots of a height the intermediate texture is to have.
func (f *fast) slots(height int) int {
	return min(f.tuning.Together, len(f.cells), f.limits.TextureSize/height)
}

// releaseMid drops the intermediate texture.
func (f *fast) releaseMid() {
	for _, fb := range f.midFB {
		fb.Release()
	}
	f.mid.Release()
	f.mid, f.midFB = nil, nil
}

// table finds or makes a weight table; nil if it is longer than a buffer
// texture may be.
func (f *fast) table(a axis, p pattern) (*gl.Row, error) {
	key := tableKey{a, len(p.first)}
	if t := f.tables[key]; t != nil {
		return t, nil
	}
	data, err := p.table(a)
	if err != nil {
		return nil, err
	}
	if len(data)/4 > f.limits.BufferTexels {
		return nil, nil
	}
	t, err := gl.NewRow(gl.RGBA32UI, 4*len(data), false)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	err = t.Fill(func(mem []byte) {
		for i, w := range data {
			binary.NativeEndian.PutUint32(mem[4*i:], w)
		}
	})
	if err != nil {
		t.Release()
		return nil, err
	}
	f.tables[key] = t
	return t, nil
}

func alignUp(v, to int) int { return (v + to - 1) / to * to }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// cellSize returns the texels that a tile of the given luma size needs in the
// result: luma above, both chroma planes side by side below.
func cellSize(size image.Point) image.Point {
	w, h := ceilDiv(size.X, hCols), ceilDiv(size.Y, hRows)
	cw, ch := ceilDiv((size.X+1)/2, hCols), ceilDiv((size.Y+1)/2, hRows)
	return image.Pt(max(alignUp(w, block), 2*alignUp(cw, block)), alignUp(h, block)+alignUp(ch, block))
}
