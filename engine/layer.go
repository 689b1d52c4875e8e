package engine

// Layers: still pictures with alpha that lie over moving ones, made once per
// scene. A layer is a colour with alpha, which is drawn over what it covers, and
// a mask, which says how much of the two together is there at all:
//
//	below (1 - m) + (picture (1 - a) + color a) m
//
// A caption is colour; a rounded corner is mask. An overlay is a layer whose
// picture is what is below and whose mask is 1 everywhere.
//
// Everything is premultiplied and blended in the gamma-corrected values, as
// every graphics tool does. Chroma samples get the mean of the pixels around
// their place, weighted 1 2 1 across and 1 1 down as they are sited left.

import (
	"image"
)

// run is a stretch of one row in which a layer behaves the same way.
type run struct {
	end  int32 // one past its last column
	kind runKind
}

type runKind int32

const (
	runClear runKind = iota // the picture as it is
	runEmpty                // nothing: what is below shows
	runBlend                // look at the samples
)

// layerPlane is one component of a layer. rect is in samples of the plane.
type layerPlane struct {
	rect  image.Rectangle
	color []uint16 // premultiplied, 0..255*255
	alpha []uint8
	mask  []uint8
	rows  [][]run
}

// layer covers a rectangle of the canvas.
type layer struct {
	rect   image.Rectangle
	planes [3]layerPlane
}

// newLayer makes a layer from an image with alpha, and a mask of the same
// bounds or nil for a full one. Both are in canvas coordinates.
func newLayer(img *image.RGBA, mask *image.Alpha) *layer {
	r := img.Bounds()
	l := &layer{rect: r}
	for i := range l.planes {
		p := &l.planes[i]
		p.rect = planeRect(r, i)
		n := p.rect.Dx() * p.rect.Dy()
		if p.rect.Empty() {
			n = 0
		}
		p.color, p.alpha, p.mask = make([]uint16, n), make([]uint8, n), make([]uint8, n)
	}
	at := func(x, y int) layerPixel { return pixelAt(img, mask, x, y) }
	l.fillLuma(at)
	l.fillChroma(at)
	for i := range l.planes {
		l.planes[i].findRuns()
	}
	return l
}

// layerPixel is one pixel of the source image: colour in canvas codes times
// alpha (0..1), alpha, mask.
type layerPixel struct{ y, cb, cr, a, m float64 }

// pixelAt reads a pixel, the nearest one outside the bounds.
func pixelAt(img *image.RGBA, mask *image.Alpha, x, y int) layerPixel {
	r := img.Rect
	x, y = min(max(x, r.Min.X), r.Max.X-1), min(max(y, r.Min.Y), r.Max.Y-1)
	p := layerPixel{m: 1}
	if mask != nil {
		p.m = float64(mask.Pix[mask.PixOffset(x, y)]) / 255
	}
	o := img.PixOffset(x, y)
	px := img.Pix[o : o+4 : o+4]
	if px[3] == 0 {
		return p
	}
	p.a = float64(px[3]) / 255
	// Premultiplied R'G'B' gives (code - zero) * alpha; the zero needs its share.
	p.y, p.cb, p.cr = canvasColor(float64(px[0])/255, float64(px[1])/255, float64(px[2])/255)
	p.y -= 16 * (1 - p.a)
	p.cb -= 128 * (1 - p.a)
	p.cr -= 128 * (1 - p.a)
	return p
}

func (l *layer) fillLuma(at func(x, y int) layerPixel) {
	p := &l.planes[0]
	i := 0
	for y := p.rect.Min.Y; y < p.rect.Max.Y; y++ {
		for x := p.rect.Min.X; x < p.rect.Max.X; x++ {
			px := at(x, y)
			p.set(i, px.y, px.a, px.m)
			i++
		}
	}
}

func (l *layer) fillChroma(at func(x, y int) layerPixel) {
	u, v := &l.planes[1], &l.planes[2]
	weights := [3]float64{0.125, 0.25, 0.125}
	i := 0
	for y := u.rect.Min.Y; y < u.rect.Max.Y; y++ {
		for x := u.rect.Min.X; x < u.rect.Max.X; x++ {
			var s layerPixel
			for dx, w := range weights {
				for dy := range 2 {
					q := at(2*x+dx-1, 2*y+dy)
					s.cb += w * q.cb
					s.cr += w * q.cr
					s.a += w * q.a
					s.m += w * q.m
				}
			}
			u.set(i, s.cb, s.a, s.m)
			v.set(i, s.cr, s.a, s.m)
			i++
		}
	}
}

// set stores a premultiplied colour.
func (p *layerPlane) set(i int, color, alpha, mask float64) {
	a := uint8(alpha*255 + 0.5)
	p.alpha[i], p.mask[i] = a, uint8(mask*255+0.5)
	if alpha > 0 {
		// Keep colour and the rounded alpha in step, or full alpha would not
		// give the colour itself.
		p.color[i] = uint16(min(max(color/alpha, 0), 255)*float64(a) + 0.5)
	}
}

// findRuns records where nothing has to be computed.
func (p *layerPlane) findRuns() {
	w := p.rect.Dx()
	for y := range p.rect.Dy() {
		var runs []run
		for x := range w {
			kind := runBlend
			switch i := y*w + x; {
			case p.mask[i] == 0:
				kind = runEmpty
			case p.mask[i] == 255 && p.alpha[i] == 0:
				kind = runClear
			}
			if n := len(runs); n > 0 && runs[n-1].kind == kind {
				runs[n-1].end++
				continue
			}
			runs = append(runs, run{int32(x + 1), kind})
		}
		p.rows = append(p.rows, runs)
	}
}

// drawRow draws picture samples with the layer over dst. Both rows begin at
// sample x, y of the plane.
func (p *layerPlane) drawRow(dst, picture []byte, x, y, opacity int) {
	if y < p.rect.Min.Y || y >= p.rect.Max.Y {
		return
	}
	row := (y - p.rect.Min.Y) * p.rect.Dx()
	at := x - p.rect.Min.X // column of the layer at dst[0]
	begin := 0             // column of the layer
	for _, r := range p.rows[y-p.rect.Min.Y] {
		lo, hi := max(begin, at), min(int(r.end), at+len(dst))
		begin = int(r.end)
		if lo >= hi || r.kind == runEmpty {
			continue
		}
		d, s := dst[lo-at:hi-at], picture[lo-at:hi-at]
		switch {
		case r.kind == runBlend:
			p.blend(d, s, row+lo, opacity)
		case opacity >= 255:
			copy(d, s)
		default:
			mix(d, s, opacity)
		}
	}
}

// blend works sample by sample, from index i of the layer on.
func (p *layerPlane) blend(dst, picture []byte, i, opacity int) {
	color, alpha, mask := p.color[i:][:len(dst)], p.alpha[i:][:len(dst)], p.mask[i:][:len(dst)]
	for x := range dst {
		over := (int(picture[x])*(255-int(alpha[x])) + int(color[x]) + 127) / 255
		m := (int(mask[x])*opacity + 127) / 255
		dst[x] = byte((int(dst[x])*(255-m) + over*m + 127) / 255)
	}
}

// over draws the layer over p inside r: what is below is its picture.
func (l *layer) over(p *picture, r image.Rectangle) {
	r = r.Intersect(p.rect).Intersect(l.rect)
	for i := range p.planes {
		d := &p.planes[i]
		q := planeRect(r, i)
		if q.Empty() {
			continue
		}
		origin := planeRect(p.rect, i).Min
		for y := q.Min.Y; y < q.Max.Y; y++ {
			row := d.Data[(y-origin.Y)*d.Stride+q.Min.X-origin.X:][:q.Dx()]
			l.planes[i].drawRow(row, row, q.Min.X, y, 255)
		}
	}
}
