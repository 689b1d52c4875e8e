package main

import (
	"math"

	"github.com/choirless/render/media"
)

// Pictures are drawn straight into 8-bit 4:2:0 planes: shapes are given by their
// left and right edge on each line, so that filling one costs little more than
// writing its bytes.

// ink is a colour in code values of the picture being drawn.
type ink [3]uint8

// rgb is sRGB, 0..255.
type rgb [3]float64

// mix returns a share of b in a.
func (a rgb) mix(b rgb, share float64) rgb {
	for i := range a {
		a[i] += (b[i] - a[i]) * share
	}
	return a
}

// canvas is a picture to draw on. Coordinates are luma pixels, origin top left.
type canvas struct {
	f      *media.Frame
	kr, kb float64 // BT.601 or BT.709, as players guess from the height
}

func newCanvas(w, h int) *canvas {
	c := &canvas{f: media.NewFrame(w, h), kr: 0.299, kb: 0.114}
	if h >= 720 {
		c.kr, c.kb = 0.2126, 0.0722
	}
	return c
}

func (c *canvas) width() float64  { return float64(c.f.Width()) }
func (c *canvas) height() float64 { return float64(c.f.Height()) }

// ink converts a colour, limited range (BT.601 section 3.5, BT.709 item 3.4).
func (c *canvas) ink(p rgb) ink {
	y := c.kr*p[0] + (1-c.kr-c.kb)*p[1] + c.kb*p[2]
	cb := (p[2] - y) / (2 * (1 - c.kb))
	cr := (p[0] - y) / (2 * (1 - c.kr))
	code := func(v float64) uint8 { return uint8(max(16, min(240, math.Round(v)))) }
	return ink{code(16 + 219*y/255), code(128 + 224*cb/255), code(128 + 224*cr/255)}
}

// copyFrom takes over another picture of the same size.
func (c *canvas) copyFrom(o *canvas) {
	for i := range c.f.Planes {
		copy(c.f.Planes[i].Data, o.f.Planes[i].Data)
	}
}

// paint sets every pixel from a function of its centre; for still backgrounds.
func (c *canvas) paint(at func(x, y float64) rgb) {
	w, h := c.f.Width(), c.f.Height()
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			i := c.ink(at(float64(x)+0.5, float64(y)+0.5))
			c.f.Planes[0].Data[y*c.f.Planes[0].Stride+x] = i[0]
			if x%2 == 0 && y%2 == 0 {
				for k := 1; k < 3; k++ {
					c.f.Planes[k].Data[y/2*c.f.Planes[k].Stride+x/2] = i[k]
				}
			}
		}
	}
}

// span gives the left and right edge of a shape on a line; nothing when x1 <= x0.
type span func(y float64) (x0, x1 float64)

// fill draws a shape between two lines, its edges smoothed over 4 lines a row.
func (c *canvas) fill(y0, y1 float64, s span, i ink, alpha float64) {
	for k := range c.f.Planes {
		scale := 1.0
		if k > 0 {
			scale = 2
		}
		fillPlane(c.f.Planes[k], scale, y0, y1, s, i[k], alpha)
	}
}

const subLines = 4

func fillPlane(p media.Plane, scale, y0, y1 float64, s span, v uint8, alpha float64) {
	first, last := max(0, int(math.Floor(y0/scale))), min(p.Height, int(math.Ceil(y1/scale)))
	for row := first; row < last; row++ {
		var left, right [subLines]float64
		lo, hi, inLo, inHi := p.Width, 0, 0, p.Width
		for k := range subLines {
			y := (float64(row) + (float64(k)+0.5)/subLines) * scale
			var a, b float64
			if y >= y0 && y < y1 {
				a, b = s(y)
			}
			a, b = max(0, a/scale), min(float64(p.Width), b/scale)
			if b <= a {
				a, b = 0, 0
				inHi = 0
			} else {
				lo, hi = min(lo, int(a)), max(hi, int(math.Ceil(b)))
				inLo, inHi = max(inLo, int(math.Ceil(a))), min(inHi, int(b))
			}
			left[k], right[k] = a, b
		}
		if hi <= lo {
			continue
		}
		line := p.Data[row*p.Stride : row*p.Stride+p.Width]
		if inHi < inLo {
			inLo, inHi = hi, hi
		}
		edge := func(from, to int) {
			for x := from; x < to; x++ {
				cover := 0.0
				for k := range subLines {
					cover += max(0, min(right[k], float64(x+1))-max(left[k], float64(x)))
				}
				blend(&line[x], v, cover/subLines*alpha)
			}
		}
		edge(lo, inLo)
		if alpha >= 1 {
			for x := inLo; x < inHi; x++ {
				line[x] = v
			}
		} else {
			for x := inLo; x < inHi; x++ {
				blend(&line[x], v, alpha)
			}
		}
		edge(inHi, hi)
	}
}

func blend(p *uint8, v uint8, share float64) {
	*p = uint8(float64(*p) + (float64(v)-float64(*p))*share + 0.5)
}

// ellipse draws an ellipse around x, y.
func (c *canvas) ellipse(x, y, rx, ry float64, p rgb, alpha float64) {
	c.ellipsePart(x, y, rx, ry, y-ry, y+ry, p, alpha)
}

// ellipsePart draws what lies between two lines of it.
func (c *canvas) ellipsePart(x, y, rx, ry, y0, y1 float64, p rgb, alpha float64) {
	if rx <= 0 || ry <= 0 {
		return
	}
	c.fill(max(y0, y-ry), min(y1, y+ry), func(at float64) (float64, float64) {
		d := (at - y) / ry
		w := rx * math.Sqrt(max(0, 1-d*d))
		return x - w, x + w
	}, c.ink(p), alpha)
}

// rect draws a rectangle.
func (c *canvas) rect(x0, y0, x1, y1 float64, p rgb, alpha float64) {
	c.fill(y0, y1, func(float64) (float64, float64) { return x0, x1 }, c.ink(p), alpha)
}

// trapezoid draws a shape that is w0 wide at y0 and w1 at y1, around x.
func (c *canvas) trapezoid(x, y0, w0, y1, w1 float64, p rgb, alpha float64) {
	c.fill(y0, y1, func(y float64) (float64, float64) {
		w := (w0 + (w1-w0)*(y-y0)/(y1-y0)) / 2
		return x - w, x + w
	}, c.ink(p), alpha)
}

// rotated returns the stored picture that must be turned degrees clockwise to look
// like this one.
func (c *canvas) rotated(degrees int, into *media.Frame) *media.Frame {
	if degrees == 0 {
		return c.f
	}
	for k := range c.f.Planes {
		src, dst := c.f.Planes[k], into.Planes[k]
		for y := range dst.Height {
			for x := range dst.Width {
				sx, sy := src.Width-1-x, src.Height-1-y // 180
				switch degrees {
				case 90: // stored (x, y) is shown at (h-1-y, x)
					sx, sy = src.Width-1-y, x
				case 270:
					sx, sy = y, src.Height-1-x
				}
				dst.Data[y*dst.Stride+x] = src.Data[sy*src.Stride+sx]
			}
		}
	}
	return into
}
