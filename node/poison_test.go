package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
)

var testEncoder = plan.Encoder{Preset: "veryfast", CRF: 22, MezzanineCRF: 12, GOP: 25, CanvasHeight: 128}

// wandering is a film of the pictures that provoke motion across the borders.
func wandering(t testing.TB, frames int) []byte {
	t.Helper()
	var stream bytes.Buffer
	c, err := encode.NewCell(&stream, encode.CellOptions{Width: 160, Height: 64, Rate: testRate, CRF: 10, GOP: 25})
	if err != nil {
		t.Fatal(err)
	}
	f := media.NewFrame(160, 64)
	for i := range frames {
		wander(f, i)
		if err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	film := &avtest.Buffer{}
	if _, err := stitch.WriteMP4(t.Context(), film, stitch.Movie{
		Rate: testRate, Segments: []stitch.Segment{{Stripes: []stitch.Opener{inMemory(stream.Bytes())}, Frames: frames}},
	}); err != nil {
		t.Fatal(err)
	}
	return film.Data
}

// wanderingCell is the upper of two stripes, which shows that film.
func (b *bench) wanderingCell(frames int) *plan.Picture {
	b.t.Helper()
	if _, err := b.objects.Put(b.t.Context(), "film.mp4", bytes.NewReader(wandering(b.t, frames)), bucket.PutOptions{}); err != nil {
		b.t.Fatal(err)
	}
	return &plan.Picture{
		Segment: plan.Segment{Count: frames}, Width: 160, Height: 64, Rate: testRate, Encoder: testEncoder,
		Tiles: []plan.PictureTile{{Part: "p", Source: plan.Ref{Bucket: "b", Key: "film.mp4"}, W: 160, H: 64, Fit: plan.Cover, End: time.Hour}},
		Out:   plan.Ref{Bucket: "b", Key: "cell.h264"},
	}
}

func needStripeMV(t testing.TB) {
	t.Helper()
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
}

// The first cell of a render and the sample are checked, and pass; with Verify
// all are.
func TestCellsAreChecked(t *testing.T) {
	needStripeMV(t)
	b := newBench(t)
	p := b.wanderingCell(30)
	for _, c := range []struct {
		name, key string
		first     int
		verify    bool
		want      bool
	}{
		{"first cell", "ff", 0, false, true},
		{"one of the others", "ff", 25, false, false},
		{"sampled", "10", 25, false, true},
		{"all", "ff", 25, true, true},
	} {
		b.node.cfg.Verify = c.verify
		p.Segment.First = c.first
		res, err := b.node.picture(t.Context(), b.node.cfg.Buckets, c.key, p, func(float64) {}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		if res.Checked != c.want || res.Leaks != 0 || !res.Stitchable {
			t.Errorf("%s: %+v, want checked %t", c.name, res, c.want)
		}
	}
	p.Height = p.Encoder.CanvasHeight
	res, err := b.node.picture(t.Context(), b.node.cfg.Buckets, "00", p, func(float64) {}, func() {})
	if err != nil || res.Checked || !res.Stitchable {
		t.Errorf("the whole canvas: %+v, %v, want it unchecked and joinable", res, err)
	}
}

// The distribution's library takes the option in silence. That its streams may
// not be joined is seen three times over: in its SEI, by the pictures that
// provoke it, and by the check of a cell.
func TestStockLibraryIsCaught(t *testing.T) {
	if os.Getenv("CHOIR_STOCK_CHILD") != "" {
		stockChild(t)
		return
	}
	libs, err := filepath.Glob("/usr/lib/*/libx264.so.16*")
	if err != nil || len(libs) == 0 {
		t.Skip("no libx264 of the distribution: install libx264-dev")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStockLibraryIsCaught$", "-test.v")
	cmd.Env = append(os.Environ(), "CHOIR_STOCK_CHILD=1", "LD_PRELOAD="+libs[0])
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), stockCaught) {
		t.Errorf("with %s: %v\n%s", libs[0], err, out)
	}
}

const stockCaught = "the stock library was caught three times"

func stockChild(t *testing.T) {
	b := newBench(t)
	if b.node.stripeMV {
		t.Fatal("the stock library's SEI was taken for a promise")
	}
	p := b.wanderingCell(30)
	res, err := b.node.picture(t.Context(), b.node.cfg.Buckets, "00", p, func(float64) {}, func() {})
	if err != nil || res.Checked || res.Stitchable {
		t.Errorf("as it is: %+v, %v, want neither checked nor joinable", res, err)
	}
	b.node.stripeMV = true // as if it had said so
	if keeps, err := b.node.keepsMotion(t.Context(), testEncoder); keeps || err != nil {
		t.Errorf("provoked, it is trusted: %t, %v", keeps, err)
	}
	b.node.trust.keeps[testEncoder] = true // as if it had passed
	res, err = b.node.picture(t.Context(), b.node.cfg.Buckets, "00", p, func(float64) {}, func() {})
	if err != nil || !res.Checked || res.Leaks < 20 || res.Stitchable {
		t.Errorf("checked: %+v, %v, want most of 30 pictures to leak", res, err)
	}
	if _, err := b.objects.Stat(t.Context(), "cell.h264"); err != nil {
		t.Errorf("the cell is not there for its segment to be stacked: %v", err)
	}
	if keeps, _ := b.node.keepsMotion(t.Context(), testEncoder); keeps {
		t.Error("trusted after a cell has failed")
	}
	if !t.Failed() {
		fmt.Println(stockCaught)
	}
}

// BenchmarkPoison is the check beside what it checks: one cell of a quarter of
// the canvas, ten seconds long.
func BenchmarkPoison(b *testing.B) {
	needStripeMV(b)
	const frames = 250
	o := encode.CellOptions{Width: 1920, Height: 272, Rate: testRate, CRF: 22, GOP: 50, CanvasHeight: 1080, StripeMV: true}
	var stripe bytes.Buffer
	encodeCell := func(w io.Writer) {
		c, err := encode.NewCell(w, o)
		if err != nil {
			b.Fatal(err)
		}
		f := media.NewFrame(o.Width, o.Height)
		for i := range frames {
			wander(f, i/5)
			err = errors.Join(err, c.Write(f))
		}
		if err := errors.Join(err, c.Close()); err != nil {
			b.Fatal(err)
		}
	}
	encodeCell(&stripe)
	n := &Node{}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			encodeCell(io.Discard)
		}
	})
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if leaks, err := n.poisoned(b.Context(), stripe.Bytes(), o, frames, frames); leaks != 0 || err != nil {
				b.Fatal(leaks, err)
			}
		}
	})
}
