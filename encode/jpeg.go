package encode

import (
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math"

	"github.com/choirless/render/media"
)

// JPEG writes f as a JPEG, turned upright, with square samples and converted
// from its own colour to JPEG's (BT.601, full range). Quality is 1..100.
func JPEG(w io.Writer, f *media.Frame, quality int) error {
	if f.Width() < 1 || f.Height() < 1 {
		return errors.New("encode: jpeg: empty picture")
	}
	o := &jpeg.Options{Quality: quality}
	if p := planes(f); p != nil {
		return jpeg.Encode(w, p, o)
	}
	return jpeg.Encode(w, upright(f), o)
}

// longest is the longer side of a JPEG, at most.
const longest = 1920

// upright draws f into RGB of its display size, the longer side at most longest.
func upright(f *media.Frame) *image.RGBA {
	dw, dh := media.DisplaySize(f.Width(), f.Height(), f.SAR, f.Rotation)
	if over := max(dw, dh) / longest; over > 1 {
		dw, dh = dw/over, dh/over
	}
	w, h := max(int(math.Round(dw)), 1), max(int(math.Round(dh)), 1)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	c := newToRGB(f)
	for y := range h {
		for x := range w {
			u, v := (float64(x)+0.5)/float64(w), (float64(y)+0.5)/float64(h)
			// Where this point of the upright picture is stored.
			switch f.Rotation {
			case 90:
				u, v = v, 1-u
			case 180:
				u, v = 1-u, 1-v
			case 270:
				u, v = 1-v, u
			}
			r, g, b := c.at(u, v)
			o := img.PixOffset(x, y)
			img.Pix[o], img.Pix[o+1], img.Pix[o+2], img.Pix[o+3] = r, g, b, 255
		}
	}
	return img
}

// toRGB converts samples of one picture to R'G'B' of BT.709 primaries, which
// are those of sRGB.
type toRGB struct {
	f      *media.Frame
	kr, kb float64
	yOff   float64
	yGain  float64
	cOff   float64
	cGain  float64
	wide   bool // BT.2020 primaries
	hdr    media.Transfer
	shift  [2]float64 // of chroma, in chroma samples
}

func newToRGB(f *media.Frame) *toRGB {
	col := f.Color.Resolve(f.Height())
	t := &toRGB{f: f, kr: 0.299, kb: 0.114, hdr: col.Transfer, wide: col.Primaries == media.Primaries2020}
	switch col.Matrix {
	case media.BT709:
		t.kr, t.kb = 0.2126, 0.0722
	case media.BT2020:
		t.kr, t.kb = 0.2627, 0.0593
	}
	unit := float64(int(1) << (f.Depth - 8))
	t.yOff, t.yGain, t.cOff, t.cGain = 16*unit, 1/(219*unit), 128*unit, 1/(224*unit)
	if col.Range == media.Full {
		most := float64(int(1)<<f.Depth - 1)
		t.yOff, t.yGain, t.cGain = 0, 1/most, 1/most
	}
	// A sample that is sited left lies a quarter of a chroma sample left of the
	// middle of its cell.
	if s := f.Siting.Resolve(); s != media.SitingCenter {
		if f.SubX == 1 {
			t.shift[0] = 0.25
		}
		if f.SubY == 1 && s == media.SitingTopLeft {
			t.shift[1] = 0.25
		}
	}
	return t
}

// at returns the colour at a point given as a share of width and height.
func (t *toRGB) at(u, v float64) (r, g, b uint8) {
	f := t.f
	y := (bilinear(&f.Planes[0], f.Depth, u, v, 0, 0) - t.yOff) * t.yGain
	cb, cr := 0.0, 0.0
	if len(f.Planes[1].Data) > 0 {
		cb = (bilinear(&f.Planes[1], f.Depth, u, v, t.shift[0], t.shift[1]) - t.cOff) * t.cGain
		cr = (bilinear(&f.Planes[2], f.Depth, u, v, t.shift[0], t.shift[1]) - t.cOff) * t.cGain
	}
	rr, gg, bb := t.rgb(y, cb, cr)
	if t.narrows() {
		rr, gg, bb = t.narrow(rr, gg, bb)
	}
	return to8(rr), to8(gg), to8(bb)
}

// rgb undoes the matrix.
func (t *toRGB) rgb(y, cb, cr float64) (r, g, b float64) {
	r = y + 2*(1-t.kr)*cr
	b = y + 2*(1-t.kb)*cb
	return r, (y - t.kr*r - t.kb*b) / (1 - t.kr - t.kb), b
}

// narrows reports whether the picture has more gamut or range than a JPEG shows.
func (t *toRGB) narrows() bool {
	return t.wide || t.hdr == media.TransferPQ || t.hdr == media.TransferHLG
}

func to8(v float64) uint8 { return uint8(min(max(v, 0), 1)*255 + 0.5) }

// narrow brings wide gamut and high dynamic range to what a JPEG shows.
func (t *toRGB) narrow(r, g, b float64) (float64, float64, float64) {
	r, g, b = linear(r, t.hdr), linear(g, t.hdr), linear(b, t.hdr)
	if t.hdr == media.TransferHLG { // OOTF for 1000 cd/m², BT.2100 table 5
		k := math.Pow(max(0.2627*r+0.6780*g+0.0593*b, 1e-6), 0.2) * 1000 / 203
		r, g, b = r*k, g*k, b*k
	}
	if t.wide { // BT.2087, M2
		r, g, b = 1.6605*r-0.5876*g-0.0728*b, -0.1246*r+1.1329*g-0.0083*b, -0.0182*r-0.1006*g+1.1187*b
	}
	if t.hdr == media.TransferHLG || t.hdr == media.TransferPQ {
		// Reinhard's curve on the largest component keeps hues.
		const white = 1000.0 / 203
		if m := max(r, g, b); m > 1e-6 {
			k := (1 + m/(white*white)) / (1 + m) * 1.25
			r, g, b = r*k, g*k, b*k
		}
	}
	return gamma(r), gamma(g), gamma(b)
}

// linear undoes the transfer; 1 is diffuse white (203 cd/m² for PQ, BT.2408),
// for HLG scene light of 0..1.
func linear(v float64, t media.Transfer) float64 {
	v = min(max(v, 0), 1)
	switch t {
	case media.TransferHLG: // BT.2100 table 5
		if v <= 0.5 {
			return v * v / 3
		}
		return (math.Exp((v-0.55991073)/0.17883277) + 0.28466892) / 12
	case media.TransferPQ: // BT.2100 table 4
		p := math.Pow(v, 1/78.84375)
		return math.Pow(max(p-0.8359375, 0)/(18.8515625-18.6875*p), 1/0.1593017578125) * 10000 / 203
	}
	return math.Pow(v, 2.4) // BT.1886
}

func gamma(v float64) float64 { return math.Pow(min(max(v, 0), 1), 1/2.4) }

// bilinear reads a plane at a share of its width and height, moved by dx, dy samples.
func bilinear(p *media.Plane, depth int, u, v, dx, dy float64) float64 {
	x := min(max(u*float64(p.Width)-0.5+dx, 0), float64(p.Width-1))
	y := min(max(v*float64(p.Height)-0.5+dy, 0), float64(p.Height-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, p.Width-1), min(y0+1, p.Height-1)
	fx, fy := x-float64(x0), y-float64(y0)
	at := func(x, y int) float64 { return float64(sample(p, x, y, depth)) }
	top := at(x0, y0) + (at(x1, y0)-at(x0, y0))*fx
	low := at(x0, y1) + (at(x1, y1)-at(x0, y1))*fx
	return top + (low-top)*fy
}
