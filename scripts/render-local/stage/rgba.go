package stage

import (
	"image"

	"github.com/choirless/render/media"
)

// RGBA converts a canvas to sRGB as a video player shows it: BT.709, limited
// range, 8-bit 4:2:0 sited left, chroma interpolated between the two nearest
// samples each way. The window's shader (window/display.glsl) does the same.
func RGBA(f *media.Frame) *image.RGBA {
	w, h := f.Width(), f.Height()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	cb, cr := make([]int, w), make([]int, w)
	for y := range h {
		chromaRow(cb, f.Planes[1], y)
		chromaRow(cr, f.Planes[2], y)
		luma := f.Planes[0].Data[y*f.Planes[0].Stride:][:w]
		out := m.Pix[y*m.Stride:][:4*w]
		for x, v := range luma {
			// 16 bits of fraction; chroma has three more.
			l := (int(v) - 16) * 76309 // 65536 * 255/219
			b, r := cb[x]-8*128, cr[x]-8*128
			out[4*x] = clamp8(l + r*14686)           // 1.5748 * 255/224 * 65536 / 8
			out[4*x+1] = clamp8(l - b*1747 - r*4366) // 0.18732, 0.46812
			out[4*x+2] = clamp8(l + b*17305)         // 1.8556
			out[4*x+3] = 255
		}
	}
	return m
}

func clamp8(v int) uint8 { return uint8(min(max((v+1<<15)>>16, 0), 255)) }

// chromaRow interpolates a chroma plane at luma row y: 8 times the code.
func chromaRow(dst []int, p media.Plane, y int) {
	// Luma row y lies at chroma row (y - 1/2) / 2.
	at := func(i int) []byte { return p.Data[min(max(i, 0), p.Height-1)*p.Stride:][:p.Width] }
	near, far := at(y/2), at(y/2-1+2*(y%2))
	for x := range dst {
		i := x / 2
		v := 3*int(near[i]) + int(far[i])
		if x%2 == 0 {
			dst[x] = 2 * v
			continue
		}
		j := min(i+1, p.Width-1)
		dst[x] = v + 3*int(near[j]) + int(far[j])
	}
}
