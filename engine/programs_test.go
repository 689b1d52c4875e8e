package engine

import (
	"fmt"
	"image"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
	"github.com/choirless/render/shaders"
)

// shaderFiles are the built-in shaders with replacements made in one of them.
func shaderFiles(t *testing.T, file string, replace ...string) shaders.Files {
	t.Helper()
	dir := fstest.MapFS{}
	for _, n := range (shaders.Files{}).Names() {
		text, _ := shaders.Files{}.Text(n)
		if n == file {
			changed := strings.NewReplacer(replace...).Replace(text)
			if changed == text {
				t.Fatalf("%s.glsl does not hold %q", n, replace[0])
			}
			text = changed
		}
		dir[n+".glsl"] = &fstest.MapFile{Data: []byte(text)}
	}
	f, err := shaders.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSetShaders: a canvas made afterwards draws with the new files, one made
// before with its own; a shader that does not compile is named by file and line,
// and costs nothing that works.
func TestSetShaders(t *testing.T) {
	for name, c := range map[string]struct {
		options               Options
		file, good, bad, text string
		inverted              int // of 100; the fast variant cuts its fraction off, after half was added
	}{
		"fast":  {Options{}, "fast", "255.0 - clamp(vec4(a, b, c, d), 0.0, 255.0)", "clump + clamp(vec4(a, b, c, d), 0.0, 255.0)", "clamp(vec4(a, b, c, d), 0.0, 255.0)", 154},
		"plain": {Options{Plain: true}, "plain_color", "1.0 - clamp(v / 255.0, 0.0, 1.0)", "clump(v / 255.0, 0.0, 1.0)", "clamp(v / 255.0, 0.0, 1.0)", 155},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, c.options)
			scene := Scene{Width: 64, Height: 64, Tiles: []Tile{{Rect: image.Rect(0, 0, 64, 64)}}}
			gray := newFrame(96, 96, 1, 1, 8)
			gray.Color = media.CanvasColor
			for i, v := range []int{100, 128, 128} {
				for j := range gray.Planes[i].Data {
					gray.Planes[i].Data[j] = byte(v)
				}
			}
			draw := func(c *Canvas) (int, error) {
				f, release, err := c.Render(t.Context(), []Update{{Frame: gray, Opacity: 1}})
				if err != nil {
					return 0, err
				}
				defer release()
				return get(f, 0, 32, 32), nil
			}
			canvas := func() *Canvas {
				c, err := e.NewCanvas(t.Context(), scene)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return c
			}
			expect := func(what string, c *Canvas, want int) {
				t.Helper()
				if got, err := draw(c); err != nil || got != want {
					t.Errorf("%s: luma %d, %v, want %d", what, got, err, want)
				}
			}
			first := canvas()
			expect("built-in shaders", first, 100)
			if err := e.SetShaders(t.Context(), shaderFiles(t, c.file, c.text, c.good)); err != nil {
				t.Fatal(err)
			}
			second := canvas()
			expect("changed shaders", second, c.inverted)
			expect("a canvas from before", first, 100)
			broken := shaderFiles(t, c.file, c.text, c.bad)
			if err := e.SetShaders(t.Context(), broken); err != nil {
				t.Fatal(err)
			}
			third, err := e.NewCanvas(t.Context(), scene)
			if err == nil {
				_, err = draw(third)
				third.Close()
			}
			text, _ := broken.Text(c.file)
			line := 1 + strings.Count(text[:strings.Index(text, "clump")], "\n")
			if want := fmt.Sprintf("> %s.glsl:%d ", c.file, line); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("broken shader: %v, want %s named", err, want)
			}
			expect("after a broken one", second, c.inverted)
			first.Close()
			expect("after the first canvas is closed", second, c.inverted)
		})
	}
}

// TestCanvasesSharePrograms: what one canvas has compiled, for either variant, the
// engine's next one does not compile again.
func TestCanvasesSharePrograms(t *testing.T) {
	e := open(t, Options{})
	wide := newFrame(40, 30, 0, 0, 10) // without colour: drawn by the plain variant
	wide.Color = media.Color{Matrix: media.BT2020, Primaries: media.Primaries2020, Transfer: media.TransferHLG}
	wide.Planes[1], wide.Planes[2] = media.Plane{}, media.Plane{}
	programs := func() (made map[string]*gl.Program) {
		c, err := e.NewCanvas(t.Context(), even(32, 24))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, f := range []*media.Frame{flat(40, 30, 100, 128, 128), wide} {
			_, release, err := c.Render(t.Context(), []Update{{Frame: f, Opacity: 1}})
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
		if err := e.do(t.Context(), func() error { made = maps.Clone(e.programs.cache); return nil }); err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(maps.Values(made)); !slices.Contains(got, c.plain.v) || !slices.Contains(got, c.plain.h) {
			t.Error("a canvas has compiled the plain passes for itself")
		}
		return made
	}
	if first, again := programs(), programs(); !maps.Equal(first, again) {
		t.Errorf("%d programs after one canvas, %d, or others, after two", len(first), len(again))
	}
}
