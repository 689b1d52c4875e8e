package engine

// Putting the canvas together. OpenGL makes each tile's pixels; where they go,
// and what lies over them, is done here on the CPU, in the memory the encoder
// reads.
//
// Why not on the GPU: the pixels must come back anyway, a tile may then lie at
// any pixel (on the GPU, samples packed four or sixteen to a texel would have
// to be masked at every edge), an unchanged tile costs nothing, and what lies
// over the pictures (corners, a line, a name, a watermark) touches a few
// per cent of them. The copy is 3 MB at 1080p, a quarter of a millisecond.

import (
	"image"

	"github.com/choirless/render/media"
)

// picture is 8-bit planes of the canvas' colour. Its rectangle says which luma
// pixels of the canvas it covers; its chroma is that of chromaRect.
type picture struct {
	rect   image.Rectangle
	planes [3]media.Plane
}

// newPicture makes an uninitialised picture.
func newPicture(r image.Rectangle) *picture {
	p := &picture{rect: r}
	c := chromaRect(r)
	for i, size := range []image.Point{r.Size(), c.Size(), c.Size()} {
		stride := (size.X + 31) &^ 31
		p.planes[i] = media.Plane{Data: make([]byte, stride*size.Y), Stride: stride, Width: size.X, Height: size.Y}
	}
	return p
}

// planeRect returns the samples of plane i that belong to a luma rectangle.
func planeRect(r image.Rectangle, i int) image.Rectangle {
	if i == 0 {
		return r
	}
	return chromaRect(r)
}

// fill paints r in one colour.
func (p *picture) fill(r image.Rectangle, color [3]uint8) {
	for i := range p.planes {
		pl := &p.planes[i]
		origin := planeRect(p.rect, i).Min
		q := planeRect(r.Intersect(p.rect), i).Sub(origin)
		if q.Empty() {
			continue
		}
		first := pl.Data[q.Min.Y*pl.Stride+q.Min.X:][:q.Dx()]
		for x := range first {
			first[x] = color[i]
		}
		for y := q.Min.Y + 1; y < q.Max.Y; y++ {
			copy(pl.Data[y*pl.Stride+q.Min.X:][:q.Dx()], first)
		}
	}
}

// rows calls do with every row of p and of src inside r, plane by plane. x and y
// are where on the canvas' plane the row begins.
func (p *picture) rows(src *picture, r image.Rectangle, do func(plane, x, y int, dst, src []byte)) {
	r = r.Intersect(p.rect).Intersect(src.rect)
	for i := range p.planes {
		q := planeRect(r, i)
		if q.Empty() { // one luma pixel may have no chroma
			continue
		}
		d, s := &p.planes[i], &src.planes[i]
		dq, sq := q.Sub(planeRect(p.rect, i).Min), q.Sub(planeRect(src.rect, i).Min)
		for y := range q.Dy() {
			do(i, q.Min.X, q.Min.Y+y, d.Data[(dq.Min.Y+y)*d.Stride+dq.Min.X:][:q.Dx()], s.Data[(sq.Min.Y+y)*s.Stride+sq.Min.X:][:q.Dx()])
		}
	}
}

// copyFrom copies the part of src inside r.
func (p *picture) copyFrom(src *picture, r image.Rectangle) {
	p.rows(src, r, func(_, _, _ int, dst, src []byte) { copy(dst, src) })
}

// draw puts the part of src inside r over what is there. cover, if not nil,
// has the shape of src's tile and what lies over it; opacity is 0..255.
func (p *picture) draw(src *picture, cover *layer, r image.Rectangle, opacity int) {
	switch {
	case opacity <= 0:
	case cover != nil:
		p.rows(src, r, func(plane, x, y int, dst, src []byte) { cover.planes[plane].drawRow(dst, src, x, y, opacity) })
	case opacity < 255:
		p.rows(src, r, func(_, _, _ int, dst, src []byte) { mix(dst, src, opacity) })
	default:
		p.copyFrom(src, r)
	}
}

// mix moves dst towards src by opacity/255.
func mix(dst, src []byte, opacity int) {
	src = src[:len(dst)]
	// The nearest integer of n/255 for n in 0..65025, exactly.
	for x := range dst {
		n := int(dst[x])*(255-opacity) + int(src[x])*opacity + 128
		dst[x] = byte((n + n>>8) >> 8)
	}
}
