package golden

import (
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func gray(w, h int, level uint8) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{level, level, level, 255})
		}
	}
	return m
}

func TestCompare(t *testing.T) {
	a := gray(4, 3, 100)
	if d, err := Compare(a, gray(4, 3, 100)); err != nil || d != (Diff{}) {
		t.Errorf("equal pictures: %v, %v", d, err)
	}
	// One everywhere in three of four channels: rms is sqrt(3/4) whatever the size.
	for _, size := range []int{4, 64} {
		d, err := Compare(gray(size, size, 101), gray(size, size, 100))
		if err != nil || d.MaxAbs != 1 || math.Abs(d.RMS-math.Sqrt(0.75)) > 1e-12 {
			t.Errorf("one level everywhere at %d: %v, %v", size, d, err)
		}
	}
	b := gray(4, 3, 100)
	b.SetRGBA(3, 1, color.RGBA{100, 60, 100, 255})
	d, err := Compare(b, a)
	if err != nil || d.MaxAbs != 40 || d.Worst != image.Pt(3, 1) || math.Abs(d.RMS-math.Sqrt(1600.0/48)) > 1e-12 {
		t.Errorf("one pixel: %v, %v", d, err)
	}
	if _, err := Compare(gray(4, 3, 0), gray(3, 4, 0)); err == nil {
		t.Error("different sizes compare")
	}
}

// recorder is a testing.TB that keeps failures to itself.
type recorder struct {
	testing.TB
	dir    string
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) Helper()               {}
func (r *recorder) ArtifactDir() string   { return r.dir }

func TestImageFailsAndLeavesPictures(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := write("testdata/ref.png", gray(4, 4, 50)); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile("testdata/ref.png")
	for _, c := range []struct {
		name  string
		got   image.Image
		tol   Tolerance
		fails bool
		left  []string
	}{
		{"ref", gray(4, 4, 50), Tolerance{}, false, nil},
		{"ref", gray(4, 4, 52), Tolerance{MaxAbs: 2, RMS: 2}, false, nil},
		{"ref", gray(4, 4, 52), Tolerance{MaxAbs: 1, RMS: 9}, true, []string{"ref.got.png", "ref.want.png", "ref.diff.png"}},
		{"ref", gray(4, 4, 52), Tolerance{MaxAbs: 9, RMS: 1}, true, []string{"ref.got.png", "ref.want.png", "ref.diff.png"}},
		{"ref", gray(5, 4, 50), Tolerance{MaxAbs: 255, RMS: 255}, true, []string{"ref.got.png", "ref.want.png", "ref.diff.png"}},
		{"missing", gray(4, 4, 50), Tolerance{MaxAbs: 255, RMS: 255}, true, []string{"missing.got.png"}},
	} {
		r := &recorder{TB: t, dir: t.TempDir()}
		Image(r, c.name, c.got, c.tol)
		if r.failed != c.fails {
			t.Errorf("%s with %+v: failed %v, want %v", c.name, c.tol, r.failed, c.fails)
		}
		left, _ := filepath.Glob(filepath.Join(r.dir, "*.png"))
		if len(left) != len(c.left) {
			t.Errorf("%s: left %v, want %v", c.name, left, c.left)
		}
		for _, f := range c.left {
			if _, err := os.Stat(filepath.Join(r.dir, f)); err != nil {
				t.Error(err)
			}
		}
	}
	if after, _ := os.ReadFile("testdata/ref.png"); string(after) != string(before) {
		t.Error("comparing changed the reference")
	}
	if _, err := os.Stat("testdata/missing.png"); err == nil {
		t.Error("comparing made a reference")
	}
}
