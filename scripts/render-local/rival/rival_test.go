package rival

import (
	"math"
	"testing"

	"github.com/choirless/render/media"
)

func plane(w, h int, at func(x, y int) int) media.Plane {
	p := media.Plane{Stride: w + 3, Width: w, Height: h, Data: make([]byte, (w+3)*h)}
	for y := range h {
		for x := range w {
			p.Data[y*p.Stride+x] = byte(at(x, y))
		}
	}
	return p
}

// TestCompare: values from the formulas.
func TestCompare(t *testing.T) {
	flat := func(v int) media.Plane { return plane(16, 16, func(int, int) int { return v }) }
	d, err := Compare(flat(100), flat(100))
	if err != nil || d != (Distance{99, 1}) {
		t.Errorf("equal pictures: %+v, %v", d, err)
	}
	// Every sample off by 5: the mean square is 25; of SSIM only the term of the
	// means is left, as there is no contrast.
	d, err = Compare(flat(100), flat(105))
	c1 := 0.01 * 255 * 0.01 * 255
	if want := 10 * math.Log10(255*255/25.0); err != nil || math.Abs(d.PSNR-want) > 1e-9 {
		t.Errorf("PSNR %g, %v, want %g", d.PSNR, err, want)
	}
	if want := (2*100*105 + c1) / (100*100 + 105*105 + c1); math.Abs(d.SSIM-want) > 1e-9 {
		t.Errorf("SSIM %g, want %g", d.SSIM, want)
	}
	// A picture and its negative: means equal, contrast opposite.
	board := func(v int) media.Plane {
		return plane(16, 16, func(x, y int) int { return 128 + v*(1-2*((x+y)%2)) })
	}
	if d, err = Compare(board(50), board(-50)); err != nil || d.SSIM > -0.9 {
		t.Errorf("negative: SSIM %g, %v, want about -1", d.SSIM, err)
	}
	if _, err := Compare(flat(1), plane(8, 8, func(int, int) int { return 1 })); err == nil {
		t.Error("pictures of two sizes were compared")
	}
}

func TestUnpack(t *testing.T) {
	raw := make([]byte, 4*2*3/2)
	for i := range raw {
		raw[i] = byte(i)
	}
	f, err := unpack(raw, 4, 2)
	if err != nil || f.Planes[0].Data[7] != 7 || f.Planes[1].Data[0] != 8 || f.Planes[2].Data[1] != 11 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := unpack(raw[1:], 4, 2); err == nil {
		t.Error("a short picture was taken")
	}
}
