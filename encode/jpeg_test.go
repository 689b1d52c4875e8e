package encode_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

func picture(t *testing.T, f *media.Frame) image.Image {
	t.Helper()
	var out bytes.Buffer
	if err := encode.JPEG(&out, f, 95); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func fill(p *media.Plane, depth, v int) {
	for y := range p.Height {
		for x := range p.Width {
			if depth > 8 {
				p.Data[y*p.Stride+2*x], p.Data[y*p.Stride+2*x+1] = byte(v), byte(v>>8)
			} else {
				p.Data[y*p.Stride+x] = byte(v)
			}
		}
	}
}

// 75 % red of each standard is the same red: 191, 0, 0. Code values from the
// formulas of BT.601 and BT.709, section 3 of either.
func TestJPEGColour(t *testing.T) {
	for _, c := range []struct {
		name      string
		color     media.Color
		depth     int
		y, cb, cr int
	}{
		{"BT.601 limited", media.Color{Matrix: media.BT601, Range: media.Limited}, 8, 65, 100, 212},
		{"BT.709 limited", media.Color{Matrix: media.BT709, Range: media.Limited}, 8, 51, 109, 212},
		{"BT.601 full", media.Color{Matrix: media.BT601, Range: media.Full}, 8, 57, 96, 224},
		{"BT.709 10 bit", media.Color{Matrix: media.BT709, Range: media.Limited}, 10, 204, 435, 848},
	} {
		f := avtest.NewFrame(32, 32, c.depth, 1, 1)
		f.Color = c.color
		fill(&f.Planes[0], c.depth, c.y)
		fill(&f.Planes[1], c.depth, c.cb)
		fill(&f.Planes[2], c.depth, c.cr)
		r, g, b, _ := picture(t, f).At(16, 16).RGBA()
		near := func(got uint32, want int) bool { d := int(got>>8) - want; return d <= 4 && d >= -4 }
		if !near(r, 191) || !near(g, 0) || !near(b, 0) {
			t.Errorf("%s: %d %d %d, want 191 0 0", c.name, r>>8, g>>8, b>>8)
		}
	}
}

// A light stored top left appears where the rotation puts it, and a picture of
// wide samples is stretched.
func TestJPEGIsUpright(t *testing.T) {
	for _, c := range []struct {
		rot        media.Rotation
		w, h, x, y int
	}{{0, 128, 48, 4, 4}, {90, 48, 128, 44, 4}, {180, 128, 48, 124, 44}, {270, 48, 128, 4, 124}} {
		f := media.NewFrame(64, 48)
		f.SAR = media.Ratio{Num: 2, Den: 1}
		f.Rotation = c.rot
		for i, v := range []int{16, 128, 128} {
			fill(&f.Planes[i], 8, v)
		}
		for y := range 8 {
			for x := range 8 {
				f.Planes[0].Data[y*f.Planes[0].Stride+x] = 235
			}
		}
		img := picture(t, f)
		if b := img.Bounds(); b.Dx() != c.w || b.Dy() != c.h {
			t.Errorf("%d degrees: %dx%d, want %dx%d", c.rot, b.Dx(), b.Dy(), c.w, c.h)
			continue
		}
		light, _, _, _ := img.At(c.x, c.y).RGBA()
		dark, _, _, _ := img.At(c.w/2, c.h/2).RGBA()
		if light>>8 < 240 || dark>>8 > 15 {
			t.Errorf("%d degrees: %d at the light, %d in the middle", c.rot, light>>8, dark>>8)
		}
	}
}
