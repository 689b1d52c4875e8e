package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/barcode"
)

func quiet(string, ...any) {}

func make1(t *testing.T, o options) (*Truth, string) {
	t.Helper()
	o.Out = t.TempDir()
	o.Jobs = 2
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	truth, err := generate(o, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return truth, o.Out
}

// folder reads all files of a folder.
func folder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = b
	}
	return files
}

func TestSameSeedSameFiles(t *testing.T) {
	o := options{Parts: 3, Seconds: 2, Seed: 7, Spread: 300, Jitter: 12}
	_, a := make1(t, o)
	_, b := make1(t, o)
	fa, fb := folder(t, a), folder(t, b)
	if len(fa) != 5 || len(fb) != 5 {
		t.Fatalf("%d and %d files", len(fa), len(fb))
	}
	for name, x := range fa {
		if !bytes.Equal(x, fb[name]) {
			t.Errorf("%s differs", name)
		}
	}
	o.Seed = 8
	if _, c := make1(t, o); len(folder(t, c)) != 5 {
		t.Error("another seed has other files")
	} else if bytes.Equal(folder(t, c)["truth.json"], fa["truth.json"]) {
		t.Error("another seed has the same truth")
	}
}

// onset finds the first stretch of 2 ms of a part that is loud against what came
// before, in seconds of part time.
func beeps(t *testing.T, path string) []float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := decode.OpenAudio(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var x []float64
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(x)) != b.Start || b.Rate != rate {
			t.Fatalf("block at %d of %d Hz, want %d", b.Start, b.Rate, len(x))
		}
		for _, v := range b.Channels[0] {
			x = append(x, float64(v))
		}
	}
	// Correlate with the beep in quadrature; its middle is where the sum is greatest.
	n := int(flashSeconds * rate)
	re, im := make([]float64, len(x)+1), make([]float64, len(x)+1)
	for i, v := range x {
		s, c := math.Sincos(2 * math.Pi * 1000 * float64(i) / rate)
		re[i+1], im[i+1] = re[i]+v*c, im[i]+v*s
	}
	var found []float64
	best, at, since := 0.0, 0, 0
	for i := range len(x) - n {
		p := math.Hypot(re[i+n]-re[i], im[i+n]-im[i]) / float64(n)
		if p > 0.15 && p > best {
			best, at, since = p, i, 0
		} else if since++; best > 0 && since > n {
			found = append(found, float64(at)/rate)
			best = 0
		}
	}
	return found
}

// flashes returns the part times of white pictures, and checks the numbers of all.
func flashes(t *testing.T, path string, p TruthPart) []float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := decode.OpenVideo(context.Background(), f, decode.VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var found []float64
	n := 0
	for ; ; n++ {
		m, err := v.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if int(m.Rotation) != p.Rotation {
			t.Fatalf("%s: rotation %d, want %d", p.Recipe, m.Rotation, p.Rotation)
		}
		if p.Rotation == 0 {
			if got, ok := barcode.Read(m.Planes[0], image.Rect(0, 0, m.Width(), m.Height())); !ok || got != n {
				t.Fatalf("%s: picture %d is numbered %d, %v", p.Recipe, n, got, ok)
			}
		}
		mid := m.Planes[0].Data[m.Height()/2*m.Planes[0].Stride+m.Width()/8]
		if mid > 225 {
			found = append(found, m.Time.Seconds())
		}
	}
	if n != p.Frames {
		t.Errorf("%s: %d pictures, truth has %d", p.Recipe, n, p.Frames)
	}
	return found
}

func TestFlashAndBeepAreWhereTheTruthSays(t *testing.T) {
	if testing.Short() {
		t.Skip("encodes ten recordings")
	}
	truth, dir := make1(t, options{Parts: 10, Seconds: 5, Seed: 3, Spread: 350, Jitter: 12, Flash: true, AudioOnly: 1})
	if len(truth.Flashes) != 3 {
		t.Fatalf("flashes %v", truth.Flashes)
	}
	for i, p := range truth.Parts {
		path := filepath.Join(dir, p.File)
		heard, seen := beeps(t, path), []float64{}
		if p.Width > 0 {
			seen = flashes(t, path, p)
		}
		var want []float64
		for _, f := range truth.Flashes {
			if at := (f + p.OffsetMS) / 1000; at > 0.05 {
				want = append(want, at)
			}
		}
		if len(heard) != len(want) {
			t.Errorf("part %d (%s): beeps at %v, want %v", i, p.Recipe, heard, want)
			continue
		}
		for k := range want {
			if d := heard[k] - want[k]; math.Abs(d) > 0.001 {
				t.Errorf("part %d (%s): beep %d is %.2f ms off", i, p.Recipe, k, 1000*d)
			}
		}
		for _, s := range seen {
			near := math.Inf(1)
			for _, f := range truth.Flashes {
				at := (f + p.OffsetMS) / 1000
				near = min(near, max(at-s, s-at-flashSeconds))
			}
			if near > 0.002 {
				t.Errorf("part %d (%s): white at %.3f s, %.1f ms from a flash", i, p.Recipe, s, 1000*near)
			}
		}
		if p.Width > 0 && len(seen) < len(want) {
			t.Errorf("part %d (%s): %d white pictures", i, p.Recipe, len(seen))
		}
	}
}

func TestTinyChoir(t *testing.T) {
	truth, dir := make1(t, options{Parts: 40, Seconds: 2, Seed: 1, Spread: 100, Tiny: true})
	files := folder(t, dir)
	if len(files) != 42 {
		t.Fatalf("%d files", len(files))
	}
	size := 0
	for _, p := range truth.Parts {
		b := files[p.File]
		if len(b) == 0 {
			t.Errorf("%s is missing", p.File)
		}
		size += len(b)
		k, err := definition.ParseRawKey(p.File)
		if err != nil || k.Part != p.Part || k.Song.Song != truth.Song || k.Choir != truth.Choir {
			t.Errorf("%s: %+v, %v", p.File, k, err)
		}
	}
	if size > 40*40<<10 {
		t.Errorf("%d bytes for 40 tiny parts", size)
	}
	var again Truth
	if err := json.Unmarshal(files["truth.json"], &again); err != nil || len(again.Parts) != 40 {
		t.Errorf("truth.json: %v", err)
	}
}

func TestSongFileIsUnderstood(t *testing.T) {
	truth, dir := make1(t, options{Parts: 5, Seconds: 1, Seed: 1, Tiny: true})
	b, err := os.ReadFile(filepath.Join(dir, "song.json"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := definition.ParseSongFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Parts[0].PartType.Or("") != definition.Backing || len(f.Parts) != 5 || f.Parts[2].Name != truth.Parts[2].Name {
		t.Errorf("%+v", f.Parts)
	}
	if bytes.Contains(b, []byte("offset")) {
		t.Error("song.json gives the offsets away")
	}
}

func TestTinyChoirOfOneOrTwo(t *testing.T) {
	for n := 1; n <= 2; n++ {
		truth, _ := make1(t, options{Parts: n, Seconds: 1, Seed: 1, Tiny: true})
		if len(truth.Parts) != n {
			t.Errorf("%d parts, want %d", len(truth.Parts), n)
		}
	}
}

func TestOptionsReportAllFaults(t *testing.T) {
	err := options{Parts: 2000, Seconds: 0, Spread: -1, Drift: 1e6, Bleed: 3, AudioOnly: -1, Jitter: 900}.validate()
	if err == nil {
		t.Fatal("was taken")
	}
	for _, flag := range []string{"--out", "--parts", "--seconds", "--spread", "--drift", "--bleed", "--audio-only", "--jitter"} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("no word of %s", flag)
		}
	}
}

func TestScoreIsWhole(t *testing.T) {
	for v := Soprano; v <= Bass; v++ {
		notes := line(v, songSeconds)
		if len(notes) != 32 {
			t.Errorf("%v has %d notes", v, len(notes))
		}
		for i, n := range notes {
			if n.End <= n.Start || (i > 0 && n.Start < notes[i-1].End) {
				t.Errorf("%v: note %d from %g to %g", v, i, n.Start, n.End)
			}
			if i < 32 && v > Soprano && n.Pitch > line(v-1, songSeconds)[i].Pitch {
				t.Errorf("%v crosses above %v at note %d", v, v-1, i)
			}
		}
	}
}

func TestRotatedPicturesComeBack(t *testing.T) {
	up := newCanvas(6, 4)
	up.paint(func(x, y float64) rgb { return rgb{x * 20, y * 30, 0} })
	for _, deg := range []int{90, 180, 270} {
		w, h := 6, 4
		if deg != 180 {
			w, h = 4, 6
		}
		stored := newCanvas(w, h)
		up.rotated(deg, stored.f)
		// Turning the stored picture by deg must give up again: turn by the rest.
		back := newCanvas(6, 4)
		stored.rotated(360-deg, back.f)
		for k := range up.f.Planes {
			a, b := up.f.Planes[k], back.f.Planes[k]
			for y := range a.Height {
				if !bytes.Equal(a.Data[y*a.Stride:y*a.Stride+a.Width], b.Data[y*b.Stride:y*b.Stride+b.Width]) {
					t.Fatalf("%d degrees: plane %d row %d differs", deg, k, y)
				}
			}
		}
	}
}
