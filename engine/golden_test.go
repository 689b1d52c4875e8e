package engine

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/choirless/render/internal/golden"
	"github.com/choirless/render/media"
	"github.com/choirless/render/shaders"
)

// tolerance is for the two variants and any driver: two roundings of Y'CbCr
// become up to five levels of blue, but rarely.
var tolerance = golden.Tolerance{MaxAbs: 6, RMS: 0.8}

// portrait stands for a singer: a face-coloured disc before a window, with
// detail fine enough to alias.
func portrait(w, h float64) func(x, y float64) [3]float64 {
	return func(x, y float64) [3]float64 {
		u, v := x/w, y/h
		if r := math.Hypot((u-0.5)*w/h, v-0.45); r < 0.28 {
			shade := 1 - 0.5*r
			return [3]float64{0.87 * shade, 0.68 * shade, 0.57 * shade}
		}
		d := math.Hypot(x-0.9*w, y-0.1*h)
		fine := 0.5 + 0.5*math.Cos(d*d/(3*w))
		return [3]float64{0.2 + 0.3*u, 0.35 + 0.3*v*fine, 0.45 + 0.25*fine}
	}
}

func TestGoldenScene(t *testing.T) {
	sdr := media.Color{Matrix: media.BT601, Range: media.Limited}
	hlg := media.Color{Matrix: media.BT2020, Range: media.Limited, Primaries: media.Primaries2020, Transfer: media.TransferHLG}
	bar := frameFromRGB(320, 240, 1, 1, 8, sdr, media.SitingLeft, bars(320))
	face := frameFromRGB(320, 240, 1, 1, 8, sdr, media.SitingLeft, portrait(320, 240))
	tall := frameFromRGB(320, 180, 1, 1, 8, media.CanvasColor, media.SitingLeft, portrait(320, 180))
	tall.Rotation = 90
	wide := frameFromRGB(320, 180, 1, 1, 10, hlg, media.SitingTopLeft, func(x, y float64) [3]float64 {
		c := portrait(320, 180)(x, y)
		grey := (c[0] + c[1] + c[2]) / 3
		for i := range c { // as pale as colours are in so wide a gamut
			c[i] = 0.75 * (0.6*grey + 0.4*c[i])
		}
		return c
	})
	mark := image.NewNRGBA(image.Rect(0, 0, 60, 60))
	for y := range 60 {
		for x := range 60 {
			if d := math.Hypot(float64(x)-29.5, float64(y)-29.5); d < 29 {
				mark.SetNRGBA(x, y, color.NRGBA{230, 60, 60, uint8(255 - 3*d)})
			}
		}
	}
	s := Scene{Width: 640, Height: 360, Background: [3]uint8{20, 22, 28}, Overlays: []Overlay{{Image: mark, Rect: image.Rect(560, 280, 620, 340), Opacity: 0.7}}}
	for i := range 9 {
		x, y := i%3*213, i/3*120
		s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(x+3, y+3, x+210, y+117)})
	}
	s.Tiles[1].Radius, s.Tiles[1].Border, s.Tiles[1].BorderRGB, s.Tiles[1].Caption = 12, 2, [3]uint8{255, 200, 80}, "Ólafur Arnalds"
	s.Tiles[2].Fit = Contain
	s.Tiles[3].Placeholder, s.Tiles[3].Radius = "Anna Magdalena Wilcke", 12
	s.Tiles[4].Caption = "A name that is far too long to fit on a tile of this size"
	s.Tiles[7].Placeholder = "Jürgen"
	variants(t, func(t *testing.T, e *Engine) {
		f := render(t, e, s,
			Update{Tile: 0, Frame: bar, Opacity: 1}, Update{Tile: 1, Frame: face, Opacity: 1},
			Update{Tile: 2, Frame: tall, Opacity: 1}, Update{Tile: 4, Frame: face, Opacity: 1},
			Update{Tile: 5, Frame: tall, Opacity: 1}, Update{Tile: 6, Frame: bar, Opacity: 0.4},
			Update{Tile: 8, Frame: wide, Opacity: 1})
		golden.Image(t, "scene", toImage(f), tolerance)
	})
}

// TestGeneratedShadersCompile runs the reference compiler over the passes of
// the benchmark's cases and of some odd steps.
func TestGeneratedShadersCompile(t *testing.T) {
	tool, err := exec.LookPath("glslangValidator")
	if err != nil {
		if os.Getenv("CHOIR_REQUIRE_GL") == "1" {
			t.Fatal("CHOIR_REQUIRE_GL=1: glslangValidator is not installed")
		}
		t.Skip("glslangValidator is not installed")
	}
	sources := map[string]shaders.Source{}
	var paths []string
	for i, step := range []float64{1, 4.0 / 3, 16.0 / 9, 8.0 / 3, 1.0 / 3, 4.0 / 9, 640.0 / 272, 480.0 / 152, 0.1, 7.3} {
		for name, make := range generated(step) {
			s, err := make()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), fmt.Sprintf("step %d, %s.frag", i, name))
			if err := os.WriteFile(path, []byte(s.Text), 0o600); err != nil {
				t.Fatal(err)
			}
			sources[path] = s
			paths = append(paths, path)
		}
	}
	if exec.Command(tool, paths...).Run() == nil {
		return
	}
	for path, s := range sources { // one by one, to see which
		if out, err := exec.Command(tool, path).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(path), err, s.Explain(string(out)))
		}
	}
	t.Error("the passes compile one by one, but not together")
}

// generated are the passes of a step, for every way to fetch and any number of
// targets.
func generated(step float64) map[string]func() (shaders.Source, error) {
	all := map[string]func() (shaders.Source, error){}
	for name, tune := range tunings {
		if tune.Targets == 0 {
			tune.Targets = 8
		}
		if tune.Fetch == "" {
			tune.Fetch = fetchImages
		}
		wrapped := tune.BufferTexels > 0
		for share := range tune.shares() {
			at := fmt.Sprintf("%s, share %d", name, share)
			all["vertical, "+at] = func() (shaders.Source, error) {
				return verticalPass(shaders.Files{}, tune, pass{pattern: verticalPattern(step), share: share, wrapped: wrapped})
			}
			all["horizontal, "+at] = func() (shaders.Source, error) {
				return horizontalPass(shaders.Files{}, tune, pass{pattern: horizontalPattern(step), share: share})
			}
			all["horizontal with a look, "+at] = func() (shaders.Source, error) {
				return horizontalPass(shaders.Files{}, tune, pass{pattern: horizontalPattern(step), share: share, look: &look{}})
			}
		}
	}
	return all
}
