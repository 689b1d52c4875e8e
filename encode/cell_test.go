package encode_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

func cellOptions() encode.CellOptions {
	return encode.CellOptions{
		Width: 320, Height: 96, Rate: media.FrameRate{Num: 25, Den: 1}, CRF: 20, GOP: 12,
		StripeMV: true, CanvasHeight: 720,
	}
}

func cell(t *testing.T, o encode.CellOptions, pictures int) ([]byte, *encode.Cell) {
	t.Helper()
	var out bytes.Buffer
	c, err := encode.NewCell(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	f := media.NewFrame(o.Width, o.Height)
	for n := range pictures {
		avtest.Number(f, n)
		if err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes(), c
}

// nals returns the types of the NAL units of an Annex B stream.
func nals(data []byte) (types []byte) {
	for {
		i := bytes.Index(data, []byte{0, 0, 1})
		if i < 0 || i+3 >= len(data) {
			return types
		}
		data = data[i+3:]
		types = append(types, data[0]&31)
	}
}

func TestCellIsClosedGOPs(t *testing.T) {
	data, c := cell(t, cellOptions(), 40)
	if c.Frames() != 40 {
		t.Errorf("%d pictures counted, want 40", c.Frames())
	}
	idr, slices, at := 0, 0, []int(nil)
	for _, n := range nals(data) {
		switch n {
		case 5:
			idr++
			at = append(at, slices)
			slices++
		case 1:
			slices++
		}
	}
	if slices != 40 || idr != 4 || at[0] != 0 || at[1] != 12 || at[2] != 24 || at[3] != 36 {
		t.Errorf("%d slices, IDR at %v, want 40 and 0 12 24 36", slices, at)
	}
	if !bytes.HasPrefix(data, []byte{0, 0, 0, 1, 0x67}) {
		t.Errorf("stream begins % x, want a start code and an SPS", data[:6])
	}
}

func TestStripeComesBack(t *testing.T) {
	data, _ := cell(t, cellOptions(), 40)
	rate := media.FrameRate{Num: 25, Den: 1}
	// A plain reader, as from a bucket, and one that can seek.
	for name, src := range map[string]io.Reader{"stream": io.MultiReader(bytes.NewReader(data)), "file": bytes.NewReader(data)} {
		v, err := decode.OpenStripe(t.Context(), src, rate)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; ; n++ {
			f, err := v.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := avtest.ReadNumber(f); got != n || f.Time != rate.Time(n) || f.Width() != 320 || f.Height() != 96 {
				t.Fatalf("%s: picture %d, %dx%d at %v, want %d at %v", name, got, f.Width(), f.Height(), f.Time, n, rate.Time(n))
			}
			if f.Color != media.CanvasColor || f.Siting != media.SitingLeft {
				t.Fatalf("%s: colour %+v, siting %d, want the canvas'", name, f.Color, f.Siting)
			}
		}
		if n != 40 {
			t.Errorf("%s: %d pictures, want 40", name, n)
		}
		v.Close()
	}
}

// x264 (core 164) itself is not deterministic at very small sizes: at 320x96 its
// vector code reads uninitialised memory of its own, with the stock library and
// the ffmpeg program too (MALLOC_PERTURB_ shows it), never at sizes of real
// stripes.
func TestCellIsDeterministic(t *testing.T) {
	o := cellOptions()
	o.Width, o.Height = 1280, 352
	for _, threads := range []int{1, 2} {
		o.Threads = threads
		first, _ := cell(t, o, 20)
		for range 3 {
			if again, _ := cell(t, o, 20); !bytes.Equal(first, again) {
				t.Fatalf("%d threads: the same pictures gave other bytes", threads)
			}
		}
	}
}

// Parameter sets and level belong to the canvas, so that stripes of different
// heights can be joined.
func TestCellLevelIsTheCanvas(t *testing.T) {
	for _, c := range []struct {
		canvas int
		rate   int64
		level  byte
	}{{96, 25, 30}, {720, 25, 31}, {1080, 60, 40}} {
		o := cellOptions()
		o.CanvasHeight, o.Rate.Num = c.canvas, c.rate
		o.Width = 320
		if c.canvas > 700 {
			o.Width = c.canvas * 16 / 9
		}
		if c.canvas == 1080 {
			c.level = 42
		}
		data, _ := cell(t, o, 1)
		if got := data[7]; got != c.level { // start code, NAL header, profile, constraints, level
			t.Errorf("canvas %dx%d at %d fps: level %d, want %d", o.Width, c.canvas, c.rate, got, c.level)
		}
	}
}

func TestStitchableReadsTheSEI(t *testing.T) {
	sei := func(analyse string) []byte {
		return []byte("\x00\x00\x01\x06\x05\xff\x10\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xef" +
			"x264 - core 164 - options: cabac=1 ref=1 analyse=" + analyse + " me=hex\x00\x80")
	}
	for analyse, want := range map[string]bool{"0x3:0x8113": true, "0x3:0x113": false, "0x8003:0x113": false, "": false} {
		if got := encode.Stitchable(sei(analyse)); got != want {
			t.Errorf("analyse=%s: %v, want %v", analyse, got, want)
		}
	}
	if encode.Stitchable([]byte("no SEI at all")) {
		t.Error("a stream without SEI is stitchable")
	}
}

// What is asked for and what is available is told by the stream alone.
func TestStitchableAgreesWithTheEncoder(t *testing.T) {
	data, c := cell(t, cellOptions(), 2)
	if c.Stitchable() != encode.StripeMVAvailable() || encode.Stitchable(data) != c.Stitchable() {
		t.Errorf("cell says %v, stream %v, library %v", c.Stitchable(), encode.Stitchable(data), encode.StripeMVAvailable())
	}
	o := cellOptions()
	o.StripeMV = false
	if data, c := cell(t, o, 2); c.Stitchable() || encode.Stitchable(data) {
		t.Error("stitchable without having asked")
	}
}

func TestCellOptionsAreChecked(t *testing.T) {
	o := encode.CellOptions{Width: 33, Height: 2, CRF: 99, Preset: "warp"}
	_, err := encode.NewCell(io.Discard, o)
	for _, want := range []string{"33x2", "frame rate 0/0", "crf 99", "gop 0", `preset "warp"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestCellReportsTheWriter(t *testing.T) {
	c, err := encode.NewCell(&failingWriter{left: 100}, cellOptions())
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if err = c.Write(media.NewFrame(320, 96)); err != nil {
			break
		}
	}
	if err := errors.Join(err, c.Close()); !errors.Is(err, errFull) {
		t.Errorf("error %v, want the writer's own", err)
	}
	if err := c.Write(media.NewFrame(320, 96)); err == nil {
		t.Error("writing goes on after an error")
	}
}

func ExampleNewCell() {
	var stripe bytes.Buffer
	c, err := encode.NewCell(&stripe, encode.CellOptions{
		Width: 640, Height: 352, CanvasHeight: 1080, Rate: media.FrameRate{Num: 25, Den: 1}, CRF: 20, GOP: 50,
	})
	if err != nil {
		panic(err)
	}
	for range 50 {
		if err := c.Write(media.NewFrame(640, 352)); err != nil {
			panic(err)
		}
	}
	fmt.Println(c.Close(), c.Frames())
	// Output: <nil> 50
}
