package barcode

import (
	"image"
	"testing"

	"github.com/choirless/render/media"
)

func TestRoundTrip(t *testing.T) {
	for _, size := range []image.Point{{640, 480}, {480, 640}, {320, 240}, {140, 90}} {
		f := media.NewFrame(size.X, size.Y)
		for _, n := range []int{0, 1, 0x555, 0xaaa, 899, Max} {
			Draw(f.Planes[0], n, 16, 235)
			got, ok := Read(f.Planes[0], image.Rect(0, 0, size.X, size.Y))
			if !ok || got != n {
				t.Errorf("%v: read %d, %v, want %d", size, got, ok, n)
			}
		}
	}
}

func TestNoLabel(t *testing.T) {
	f := media.NewFrame(320, 240)
	if n, ok := Read(f.Planes[0], image.Rect(0, 0, 320, 240)); ok {
		t.Errorf("read %d from a black picture", n)
	}
}
