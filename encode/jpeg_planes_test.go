package encode

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/choirless/render/media"
)

// The short way and the way through RGB lead to the same picture, however it is
// stored and turned.
func TestJPEGOfPlanesIsThatOfRGB(t *testing.T) {
	for _, rot := range []media.Rotation{0, 90, 180, 270} {
		for _, c := range []media.Color{
			{Matrix: media.BT601, Range: media.Limited},
			{Matrix: media.BT709, Range: media.Limited},
			{Matrix: media.BT709, Range: media.Full},
		} {
			f := media.NewFrame(96, 64)
			f.Rotation, f.Color = rot, c
			for i := range f.Planes {
				p := &f.Planes[i]
				for y := range p.Height {
					for x := range p.Width { // slopes of a colour that RGB has
						p.Data[y*p.Stride+x] = byte(90 + (x*60+i*y*40)/p.Width)
					}
				}
			}
			short := planes(f)
			if short == nil {
				t.Fatalf("%v, %d degrees: goes through RGB", c, rot)
			}
			if d := apart(t, short, upright(f)); d > 2 {
				t.Errorf("%v, %d degrees: %.1f apart in the mean", c, rot, d)
			}
		}
	}
}

// apart returns the mean distance of the components of two pictures, as JPEGs.
func apart(t *testing.T, a, b image.Image) float64 {
	t.Helper()
	through := func(m image.Image) image.Image {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 98}); err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(&out)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a, b = through(a), through(b)
	if a.Bounds() != b.Bounds() {
		t.Fatalf("%v and %v", a.Bounds(), b.Bounds())
	}
	sum, n := 0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p, q := color.RGBAModel.Convert(a.At(x, y)).(color.RGBA), color.RGBAModel.Convert(b.At(x, y)).(color.RGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				sum += max(d, -d)
				n++
			}
		}
	}
	return float64(sum) / float64(n)
}
