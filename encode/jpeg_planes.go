package encode

import (
	"image"
	"math"

	"github.com/choirless/render/media"
)

// planes returns f as JPEG keeps pictures: upright, Y'CbCr of BT.601 in full
// range, chroma halved and sited in the middle. Most recordings are a matrix
// away from that; through RGB they would be resampled for nothing. Nil when f is
// not such a picture.
func planes(f *media.Frame) *image.YCbCr {
	w, h := f.Width(), f.Height()
	t := newToRGB(f)
	switch {
	case f.Depth != 8, f.SubX != 1, f.SubY != 1, len(f.Planes[1].Data) == 0,
		f.SAR.Float() != 1, max(w, h) > longest, t.shift[1] != 0, t.narrows():
		return nil
	case f.Rotation != 0 && (w%2 != 0 || h%2 != 0): // chroma would straddle the edge
		return nil
	}
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	t.toJPEG(img)
	if f.Rotation == 0 {
		return img
	}
	dw, dh := w, h
	if f.Rotation.Swaps() {
		dw, dh = h, w
	}
	up := image.NewYCbCr(image.Rect(0, 0, dw, dh), image.YCbCrSubsampleRatio420)
	turn(up.Y, up.YStride, img.Y, img.YStride, w, h, f.Rotation)
	turn(up.Cb, up.CStride, img.Cb, img.CStride, w/2, h/2, f.Rotation)
	turn(up.Cr, up.CStride, img.Cr, img.CStride, w/2, h/2, f.Rotation)
	return up
}

const (
	fixed = 1 << 16 // the unit of toJPEG's coefficients
	half  = fixed / 2
	// chromaUnit is the unit of centred chroma.
	chromaUnit = 4
)

// toJPEG fills img, which has the stored size.
func (t *toRGB) toJPEG(img *image.YCbCr) {
	f := t.f
	var luma [256]int
	for i := range luma {
		luma[i] = int((float64(i)-t.yOff)*t.yGain*255*fixed) + half
	}
	// What each of f's chroma components adds to each of JPEG's.
	scale := t.cGain * 255 * fixed / chromaUnit
	cbY, cbCb, cbCr := bt601(t.rgb(0, scale, 0))
	crY, crCb, crCr := bt601(t.rgb(0, 0, scale))
	n := f.Planes[1].Width
	cb, cr, add := make([]int, n), make([]int, n), make([]int, n)
	for row := range f.Planes[1].Height {
		t.centred(cb, &f.Planes[1], row)
		t.centred(cr, &f.Planes[2], row)
		outCb, outCr := img.Cb[row*img.CStride:][:n], img.Cr[row*img.CStride:][:n]
		for i, b := range cb {
			r := cr[i]
			add[i] = b*cbY + r*crY
			outCb[i] = clamp8((128*fixed + half + b*cbCb + r*crCb) / fixed)
			outCr[i] = clamp8((128*fixed + half + b*cbCr + r*crCr) / fixed)
		}
		for y := 2 * row; y < min(2*row+2, f.Height()); y++ {
			in := f.Planes[0].Data[y*f.Planes[0].Stride:][:f.Width()]
			out := img.Y[y*img.YStride:][:len(in)]
			for x, v := range in {
				out[x] = clamp8((luma[v] + add[x>>1]) / fixed)
			}
		}
	}
}

// centred reads a row of chroma less its grey, in units of 1/chromaUnit, moved
// from where it is sited to the middle between two columns of luma.
func (t *toRGB) centred(out []int, p *media.Plane, row int) {
	in := p.Data[row*p.Stride:][:len(out)]
	next := 0
	if t.shift[0] != 0 {
		next = 1
	}
	for i, v := range in {
		right := in[min(i+next, len(in)-1)]
		out[i] = 3*int(v) + int(right) - chromaUnit*128
	}
}

// bt601 returns JPEG's components of R'G'B', rounded.
func bt601(r, g, b float64) (y, cb, cr int) {
	luma := 0.299*r + 0.587*g + 0.114*b
	return int(math.Round(luma)), int(math.Round((b - luma) / 1.772)), int(math.Round((r - luma) / 1.402))
}

func clamp8(v int) uint8 { return uint8(min(max(v, 0), 255)) }

// turn rotates a plane of w by h samples.
func turn(out []byte, outStride int, in []byte, stride, w, h int, r media.Rotation) {
	for y := range h {
		for x, v := range in[y*stride:][:w] {
			switch r {
			case 90:
				out[x*outStride+h-1-y] = v
			case 180:
				out[(h-1-y)*outStride+w-1-x] = v
			case 270:
				out[(w-1-x)*outStride+y] = v
			}
		}
	}
}
