package stitch

import (
	"bytes"

	"github.com/choirless/render/media"
)

// SameRows reports whether the samples of whole from luma row y (even) down are
// those of stripe. Both are 8-bit 4:2:0; false too when stripe does not fit.
func SameRows(whole *media.Frame, y int, stripe *media.Frame) bool {
	if whole.Width() != stripe.Width() || y+stripe.Height() > whole.Height() {
		return false
	}
	for i := range whole.Planes {
		w, s, top := whole.Planes[i], stripe.Planes[i], y
		if i > 0 {
			top = y / 2
		}
		for r := range s.Height {
			if !bytes.Equal(w.Data[(top+r)*w.Stride:][:s.Width], s.Data[r*s.Stride:][:s.Width]) {
				return false
			}
		}
	}
	return true
}
