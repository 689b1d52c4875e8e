package decode

import (
	"testing"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// TestInterlaced: of two fields that differ the earlier is shown (libav's encoder of
// H.264 makes it the bottom one), in the shape and the colour of the whole picture, and
// a progressive picture is left alone.
func TestInterlaced(t *testing.T) {
	woven := func(f *media.Frame, _ int) {
		for i := range f.Planes {
			p := &f.Planes[i]
			for y := range p.Height {
				for x := range p.Width {
					p.Data[y*p.Stride+x] = []byte{60, 200}[y%2]
				}
			}
		}
	}
	for params, want := range map[string]int{"bff=1": 200, "": -1} {
		m := avtest.Movie{
			Video: "libx264", VideoOptions: []av.Option{{Key: "x264-params", Value: params}, {Key: "crf", Value: "1"}},
			Width: 320, Height: 720, Times: avtest.Steady(5, 25), Picture: woven,
		}
		v, err := OpenVideo(t.Context(), m.Reader(t), VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		for range m.Times {
			f, err := v.Read()
			if err != nil {
				t.Fatal(err)
			}
			if w, h := media.DisplaySize(f.Width(), f.Height(), f.SAR, 0); w/h != 320.0/720 {
				t.Errorf("%q: %gx%g, want the shape of 320x720", params, w, h)
			}
			if want < 0 {
				if f.Height() != 720 {
					t.Errorf("progressive: %d rows of 720", f.Height())
				}
				continue
			}
			if f.Height() != 360 || f.Color.Resolve(f.Height()).Matrix != media.BT709 {
				t.Errorf("%q: %d rows in %+v, want 360 in the colour of 720", params, f.Height(), f.Color)
			}
			for i := range f.Planes {
				p := &f.Planes[i]
				for y := range p.Height {
					if got := int(p.Data[y*p.Stride+p.Width/2]); got < want-10 || got > want+10 {
						t.Fatalf("%q: plane %d, row %d: %d, want %d", params, i, y, got, want)
					}
				}
			}
		}
	}
}

// TestFirstField: rows of the field asked for, of pictures of even and odd heights.
func TestFirstField(t *testing.T) {
	for _, height := range []int{2, 6, 7, 8} {
		for _, top := range []bool{true, false} {
			f := avtest.NewFrame(16, height, 8, 1, 1)
			for i := range f.Planes {
				for y := range f.Planes[i].Height {
					f.Planes[i].Data[y*f.Planes[i].Stride] = byte(y)
				}
			}
			firstField(f, top)
			rows := (height + 1) / 2
			if f.Height() != rows || f.SAR != (media.Ratio{Num: 1, Den: 2}) {
				t.Errorf("%d rows, top %v: %d rows, SAR %v", height, top, f.Height(), f.SAR)
			}
			for i, p := range f.Planes {
				if need := (rows + 1) / 2; i > 0 && p.Height < need {
					t.Errorf("%d rows, top %v: %d rows of chroma, want %d", height, top, p.Height, need)
				}
				for y := range p.Height {
					first := 0
					if odd := []int{height, (height + 1) / 2, (height + 1) / 2}[i] % 2; !top && odd == 0 {
						first = 1
					}
					if got, want := int(p.Data[y*p.Stride]), first+2*y; got != want {
						t.Errorf("%d rows, top %v, plane %d: row %d is row %d, want %d", height, top, i, y, got, want)
					}
				}
			}
		}
	}
}
