// Package golden compares pictures made by tests with references kept in
// testdata. It is for tests only.
package golden

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden references instead of comparing with them")

// Tolerance bounds a difference in levels of 0..255, per channel. State at the
// call where it comes from.
type Tolerance struct {
	// MaxAbs is the largest difference of any channel of any pixel.
	MaxAbs int
	// RMS is the root of the mean square over all channels of all pixels.
	RMS float64
}

// Diff is how far two pictures are apart.
type Diff struct {
	MaxAbs int
	RMS    float64
	// Worst is the first pixel with the largest difference.
	Worst image.Point
}

func (d Diff) String() string {
	return fmt.Sprintf("max %d at %v, rms %.3f", d.MaxAbs, d.Worst, d.RMS)
}

// Compare measures the difference of two pictures of one size, alpha included.
func Compare(got, want image.Image) (Diff, error) {
	g, w := rgba(got), rgba(want)
	if g.Rect.Size() != w.Rect.Size() {
		return Diff{}, fmt.Errorf("size is %v, want %v", g.Rect.Size(), w.Rect.Size())
	}
	d := Diff{}
	sum := 0.0
	for i := range g.Pix {
		e := int(g.Pix[i]) - int(w.Pix[i])
		sum += float64(e * e)
		if e = max(e, -e); e > d.MaxAbs {
			d.MaxAbs = e
			d.Worst = image.Pt(i%g.Stride/4, i/g.Stride)
		}
	}
	d.RMS = math.Sqrt(sum / float64(max(len(g.Pix), 1)))
	return d, nil
}

// Image compares got with testdata/<name>.png of the test's package. On failure
// it writes name.got.png, name.want.png and name.diff.png (differences times
// 16) into the test's artifact directory. With -update it writes the reference
// and compares nothing; nothing else ever writes one.
func Image(t testing.TB, name string, got image.Image, tol Tolerance) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name)+".png")
	if *update {
		if err := write(path, got); err != nil {
			t.Fatalf("golden: %v", err)
		}
		t.Logf("golden: wrote %s", path)
		return
	}
	want, err := read(path)
	if err != nil {
		save(t, name, got, nil)
		t.Errorf("golden: %v (run with -update to make it, then look at it)", err)
		return
	}
	d, err := Compare(got, want)
	if err != nil {
		save(t, name, got, want)
		t.Errorf("golden: %s: %v", name, err)
		return
	}
	if d.MaxAbs > tol.MaxAbs || d.RMS > tol.RMS {
		save(t, name, got, want)
		t.Errorf("golden: %s: %v; want max %d, rms %g", name, d, tol.MaxAbs, tol.RMS)
	}
}

// save leaves what a person needs to see a failure.
func save(t testing.TB, name string, got, want image.Image) {
	t.Helper()
	dir := t.ArtifactDir()
	base := filepath.Join(dir, filepath.FromSlash(name))
	pictures := map[string]image.Image{"got": got}
	if want != nil {
		pictures["want"], pictures["diff"] = want, diffImage(got, want)
	}
	for kind, img := range pictures {
		if err := write(base+"."+kind+".png", img); err != nil {
			t.Logf("golden: %v", err)
		}
	}
	t.Logf("golden: pictures in %s", dir)
}

// diffImage shows differences times 16 around mid grey, opaque.
func diffImage(got, want image.Image) image.Image {
	g, w := rgba(got), rgba(want)
	r := image.Rectangle{Max: g.Rect.Size()}.Union(image.Rectangle{Max: w.Rect.Size()})
	out := image.NewRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			a, b := g.RGBAAt(x, y), w.RGBAAt(x, y)
			d := func(p, q uint8) uint8 { return uint8(min(max(128+16*(int(p)-int(q)), 0), 255)) }
			out.SetRGBA(x, y, color.RGBA{d(a.R, b.R), d(a.G, b.G), d(a.B, b.B), 255})
		}
	}
	return out
}

// rgba returns the picture as RGBA with its origin at zero.
func rgba(m image.Image) *image.RGBA {
	r := image.Rectangle{Max: m.Bounds().Size()}
	out := image.NewRGBA(r)
	draw.Draw(out, r, m, m.Bounds().Min, draw.Src)
	return out
}

func read(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return png.Decode(f)
}

func write(path string, m image.Image) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return png.Encode(f, m)
}
