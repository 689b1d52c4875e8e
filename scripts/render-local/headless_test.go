package main

import (
	"bytes"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/scripts/render-local/song"
)

// command runs the command line in this process.
func command(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// TestHeadless: a frame is drawn at the canvas' size, is like itself, not like
// another, and changes with its shader.
func TestHeadless(t *testing.T) {
	dir, out := choir(t), t.TempDir()
	frame := filepath.Join(out, "frame.png")
	base := append(small(t), "--headless", dir)
	with := func(args ...string) []string { return append(args, base...) }
	if code, _, e := command(t, with("--frame", "40", "--out", frame)...); code != exitOK {
		t.Fatal(code, e)
	}
	m := must[*os.File](t)(os.Open(frame))
	defer m.Close()
	if c, err := png.DecodeConfig(m); err != nil || c.Width != 320 || c.Height != 180 {
		t.Errorf("%v, %v, want 320x180", c, err)
	}
	shaders := shaderDir(t)
	for _, c := range []struct {
		name string
		args []string
		want int
		text string
	}{
		{"itself", []string{"--frame", "40", "--compare", frame}, exitOK, "psnr 99.00 dB"},
		{"the same shaders from a folder", []string{"--frame", "40", "--compare", frame, "--shaders", shaders}, exitOK, "psnr 99.00 dB"},
		{"another frame", []string{"--frame", "60", "--compare", frame}, exitFailed, "differs"},
		{"a frame beyond the end", []string{"--frame", "100000", "--out", frame}, exitUsage, "the song has"},
		{"nothing to do", nil, exitUsage, "--compare"},
	} {
		code, o, e := command(t, with(c.args...)...)
		if code != c.want || !strings.Contains(o+e, c.text) {
			t.Errorf("%s: code %d, want %d, and %q in\n%s%s", c.name, code, c.want, c.text, o, e)
		}
	}
	editShader(t, shaders, "fast.glsl", "clamp(vec4(a, b, c, d), 0.0, 255.0)", "255.0 - clamp(vec4(a, b, c, d), 0.0, 255.0)")
	if code, _, e := command(t, with("--frame", "40", "--compare", frame, "--shaders", shaders)...); code != exitFailed || !strings.Contains(e, "differs") {
		t.Errorf("an inverted picture is like the other: code %d, %s", code, e)
	}
	if code, _, e := command(t, "--headless", "--out", frame, filepath.Join(dir, "none")); code != exitInput {
		t.Errorf("no folder: code %d, %s", code, e)
	}
}

// TestRecord: the video has every frame of the plan, and sound as long.
func TestRecord(t *testing.T) {
	dir := choir(t)
	file := filepath.Join(t.TempDir(), "song.mp4")
	if code, _, e := command(t, append(small(t), "--headless", "--record", file, dir)...); code != exitOK {
		t.Fatal(code, e)
	}
	f := must[*os.File](t)(os.Open(file))
	defer f.Close()
	facts := must[media.Facts](t)(decode.Probe(t.Context(), f))
	s := openSong(t, dir)
	if facts.Video == nil || facts.Video.Frames != s.Plan.Frames || facts.Video.Width != 320 {
		t.Errorf("picture %+v, want %d frames 320 wide", facts.Video, s.Plan.Frames)
	}
	want := media.MixRate.Duration(s.Plan.Samples)
	if facts.Audio == nil || (facts.Audio.End-want).Abs() > 30*time.Millisecond { // an AAC frame and a half
		t.Errorf("sound %+v, want %v", facts.Audio, want)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func openSong(t *testing.T, dir string) *song.Song {
	t.Helper()
	s := must[*song.Song](t)(song.Open(t.Context(), dir, song.Options{
		Cache: must[string](t)(cacheDir()), Output: definition.Output{Size: definition.Some(definition.Pair{320, 180})},
		Log: flags{}.log(io.Discard),
	}))
	t.Cleanup(func() { s.Close() })
	return s
}

// TestCanvasIsTheStripes: what is shown as one canvas is, sample by sample, what
// nodes make of it stripe by stripe.
func TestCanvasIsTheStripes(t *testing.T) {
	s := openSong(t, choir(t))
	if len(s.Plan.Stripes) < 2 {
		t.Fatalf("%d stripes, want several", len(s.Plan.Stripes))
	}
	eng, err := engine.New(t.Context(), engine.Options{Software: true})
	if err != nil {
		if os.Getenv("CHOIR_REQUIRE_GL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer eng.Close()
	const frame = 30
	draw := func(p *plan.Picture) *media.Frame {
		scene := must[engine.Scene](t)(node.Scene(t.Context(), s.Buckets, p))
		canvas := must[*engine.Canvas](t)(eng.NewCanvas(t.Context(), scene))
		defer canvas.Close()
		from := *p
		from.Segment.First = frame
		tiles := node.OpenTiles(t.Context(), s.Buckets, &from)
		defer tiles.Close()
		f, release, err := canvas.Render(t.Context(), tiles.At(p.Rate.Time(frame)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		return f
	}
	whole := draw(s.Canvas())
	for i, st := range s.Plan.Stripes {
		part := draw(s.Plan.Picture(i, 0).Picture)
		for k, p := range part.Planes {
			top := st.Y >> min(k, 1)
			for y := range p.Height {
				got, want := whole.Planes[k].Data[(top+y)*whole.Planes[k].Stride:][:p.Width], p.Data[y*p.Stride:][:p.Width]
				if !bytes.Equal(got, want) {
					t.Fatalf("stripe %d, plane %d, row %d differs", i, k, y)
				}
			}
		}
	}
}
