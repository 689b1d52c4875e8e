package stitch

import (
	"testing"

	"github.com/choirless/render/media"
)

// Every sample of the rows counts, in every plane, and none of the padding.
func TestSameRows(t *testing.T) {
	whole, stripe := media.NewFrame(50, 50), media.NewFrame(50, 18)
	for i := range whole.Planes {
		p, s, top := &whole.Planes[i], &stripe.Planes[i], 32
		if i > 0 {
			top = 16
		}
		for j := range p.Data {
			p.Data[j] = byte(j * (7 + i))
		}
		for r := range s.Height {
			copy(s.Data[r*s.Stride:][:s.Width], p.Data[(top+r)*p.Stride:])
		}
	}
	if !SameRows(whole, 32, stripe) {
		t.Fatal("the rows of the stripe are not found where they are")
	}
	if SameRows(whole, 30, stripe) || SameRows(whole, 34, stripe) {
		t.Error("they are found elsewhere")
	}
	for i := range stripe.Planes {
		p := &stripe.Planes[i]
		at := (p.Height-1)*p.Stride + p.Width - 1
		p.Data[at]++
		if SameRows(whole, 32, stripe) {
			t.Errorf("plane %d: a changed sample is not seen", i)
		}
		p.Data[at]--
	}
	if SameRows(whole, 32, media.NewFrame(48, 18)) {
		t.Error("another width is taken")
	}
}
