package engine

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"testing"

	"github.com/choirless/render/media"
)

// open starts an engine, or skips where there is no OpenGL, unless
// CHOIR_REQUIRE_GL=1 says that there must be.
func open(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := New(t.Context(), o)
	if err != nil {
		if os.Getenv("CHOIR_REQUIRE_GL") == "1" {
			t.Fatalf("CHOIR_REQUIRE_GL=1: %v", err)
		}
		t.Skipf("no OpenGL here: %v", err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// tunings are the fast variant as it is on drivers other than llvmpipe's, each
// forced on the driver there is.
var tunings = map[string]Tuning{
	"buffers too short": {BufferTexels: 8},
	"4 targets":         {Targets: 4},
	"as on a GPU":       {Fetch: fetchSamplers, Together: 16, InFlight: 3},
	"least driver":      {Fetch: fetchSamplers, Targets: 4, BufferTexels: 8, Together: 3, TogetherTexels: 100, InFlight: 2},
}

// variants runs a test over both scalers, the fast one in all its forms.
func variants(t *testing.T, f func(t *testing.T, e *Engine)) {
	all := map[string]Options{"plain": {Plain: true}, "fast": {}}
	for name, tune := range tunings {
		all["fast, "+name] = Options{Tune: tune}
	}
	for name, o := range all {
		t.Run(name, func(t *testing.T) { f(t, open(t, o)) })
	}
}

// render makes one canvas, renders one frame and copies it.
func render(t testing.TB, e *Engine, s Scene, u ...Update) *media.Frame {
	t.Helper()
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, release, err := c.Render(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	return clone(f)
}

func clone(f *media.Frame) *media.Frame {
	g := *f
	for i := range g.Planes {
		g.Planes[i].Data = append([]byte(nil), g.Planes[i].Data...)
	}
	return &g
}

// newFrame makes a frame of any format.
func newFrame(w, h, subX, subY, depth int) *media.Frame {
	f := &media.Frame{SubX: subX, SubY: subY, Depth: depth}
	bytes := (depth + 7) / 8
	for i := range f.Planes {
		pw, ph := w, h
		if i > 0 {
			pw, ph = (w+1<<subX-1)>>subX, (h+1<<subY-1)>>subY
		}
		stride := (pw*bytes + 15) &^ 15
		f.Planes[i] = media.Plane{Data: make([]byte, stride*ph), Stride: stride, Width: pw, Height: ph}
	}
	return f
}

// set stores a sample, rounded and clamped to the depth.
func set(f *media.Frame, plane, x, y int, v float64) {
	p := f.Planes[plane]
	n := int(math.Round(math.Min(math.Max(v, 0), math.Exp2(float64(f.Depth))-1)))
	if f.Depth == 8 {
		p.Data[y*p.Stride+x] = byte(n)
		return
	}
	p.Data[y*p.Stride+2*x], p.Data[y*p.Stride+2*x+1] = byte(n), byte(n>>8)
}

func get(f *media.Frame, plane, x, y int) int {
	p := f.Planes[plane]
	if f.Depth == 8 {
		return int(p.Data[y*p.Stride+x])
	}
	return int(p.Data[y*p.Stride+2*x]) | int(p.Data[y*p.Stride+2*x+1])<<8
}

// fillPlane sets every sample of a plane from its position.
func fillPlane(f *media.Frame, plane int, v func(x, y int) float64) {
	p := f.Planes[plane]
	for y := range p.Height {
		for x := range p.Width {
			set(f, plane, x, y, v(x, y))
		}
	}
}

// fromRGB makes a frame from non-linear R'G'B' (0..1) at any luma position
// (edges at whole numbers), by the formulas of BT.601, BT.709 and BT.2020 and
// the definition of siting, written out here a second time on purpose.
func frameFromRGB(w, h, subX, subY, depth int, c media.Color, siting media.Siting, rgb func(x, y float64) [3]float64) *media.Frame {
	f := newFrame(w, h, subX, subY, depth)
	f.Color, f.Siting = c, siting
	kr, kb := 0.2126, 0.0722
	switch c.Matrix {
	case media.BT601:
		kr, kb = 0.299, 0.114
	case media.BT2020:
		kr, kb = 0.2627, 0.0593
	}
	ycc := func(x, y float64) (float64, float64, float64) {
		v := rgb(x, y)
		l := kr*v[0] + (1-kr-kb)*v[1] + kb*v[2]
		return l, (v[2] - l) / (2 * (1 - kb)), (v[0] - l) / (2 * (1 - kr))
	}
	scale := math.Exp2(float64(depth - 8))
	full := math.Exp2(float64(depth)) - 1
	fillPlane(f, 0, func(x, y int) float64 {
		l, _, _ := ycc(float64(x)+0.5, float64(y)+0.5)
		if c.Range == media.Full {
			return full * l
		}
		return (219*l + 16) * scale
	})
	px, py := float64(int(1)<<subX)/2, float64(int(1)<<subY)/2
	if siting == media.SitingLeft || siting == media.SitingTopLeft {
		px = 0.5
	}
	if siting == media.SitingTopLeft {
		py = 0.5
	}
	for i := 1; i < 3; i++ {
		fillPlane(f, i, func(x, y int) float64 {
			_, cb, cr := ycc(float64(x<<subX)+px, float64(y<<subY)+py)
			v := []float64{0, cb, cr}[i]
			if c.Range == media.Full {
				return full*v + math.Exp2(float64(depth-1))
			}
			return (224*v + 128) * scale
		})
	}
	return f
}

// bars are 75 % colour bars in eight columns: white, yellow, cyan, green,
// magenta, red, blue, black.
func bars(width int) func(x, y float64) [3]float64 {
	return func(x, _ float64) [3]float64 {
		i := 7 - min(max(int(x*8/float64(width)), 0), 7)
		return [3]float64{0.75 * float64(i>>1&1), 0.75 * float64(i>>2&1), 0.75 * float64(i&1)}
	}
}

// toImage converts a canvas for looking at and for goldens.
func toImage(f *media.Frame) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, f.Width(), f.Height()))
	for y := range f.Height() {
		for x := range f.Width() {
			l := (float64(get(f, 0, x, y)) - 16) / 219
			cb := (float64(get(f, 1, x/2, y/2)) - 128) / 224
			cr := (float64(get(f, 2, x/2, y/2)) - 128) / 224
			to := func(v float64) uint8 { return uint8(math.Round(255 * math.Min(math.Max(v, 0), 1))) }
			m.SetRGBA(x, y, color.RGBA{to(l + 1.5748*cr), to(l - 0.187324*cb - 0.468124*cr), to(l + 1.8556*cb), 255})
		}
	}
	return m
}

// even is a canvas of one tile that covers it.
func even(w, h int) Scene {
	return Scene{Width: w, Height: h, Tiles: []Tile{{Rect: image.Rect(0, 0, w, h)}}}
}

// residentNow reads the process's resident set from /proc.
func residentNow(t testing.TB) int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here")
	}
	var size, pages int
	if _, err := fmt.Sscan(string(data), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
