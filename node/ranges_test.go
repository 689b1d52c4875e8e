package node

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/plan"
)

// A cell in the middle of a long part reads the part's head, its index and what
// lies around its own segment, not the part.
func TestCellReadsOnlyItsSegment(t *testing.T) {
	const seconds, fps = 120, 10
	seed := uint32(1)
	noise := func(int, int) float32 { // so that sound takes as many bytes as it can
		seed = seed*1664525 + 1013904223
		return float32(seed>>8)/(1<<24) - 0.5
	}
	in, bs, err := ingest(t, avtest.Movie{
		Video: "libx264", VideoOptions: []av.Option{{Key: "g", Value: "20"}}, Times: avtest.Steady(seconds*fps, fps),
		Audio: "flac", Samples: seconds * 48000, Sound: noise,
	}.Bytes(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	// Not a folder, whose files are read in place, but what answers with ranges.
	remote := &flaky{Bucket: bs[definition.BucketConverted], fails: 1 << 40}
	b := newBench(t)
	defer b.node.closeEngines()
	var read atomic.Int64
	s := supply(bucket.Buckets{definition.BucketConverted: remote, "b": b.objects}, func(in, _ int) { read.Add(int64(in)) })
	const first = seconds / 2 * 25
	p := &plan.Picture{
		Segment: plan.Segment{Index: 30, First: first, Count: 50}, Width: 160, Height: 96, Rate: testRate, Encoder: testEncoder,
		Tiles: []plan.PictureTile{{
			Part: "p", Source: plan.Ref{Bucket: definition.BucketConverted, Key: definition.ConvertedKey(ingestSong, "p", in.SHA256)},
			W: 160, H: 96, Fit: plan.Cover, End: time.Hour,
		}},
		Out: plan.Ref{Bucket: "b", Key: "cell.h264"},
	}
	p.Encoder.CanvasHeight = p.Height
	res, err := b.node.picture(t.Context(), s.Buckets, "key", p, func(float64) {}, func() {})
	if err != nil || res.Frames != 50 || len(res.Warnings) > 0 {
		t.Fatalf("result %+v, %v", res, err)
	}
	if got := read.Load(); got == 0 || got > in.Bytes/4 {
		t.Errorf("%d bytes of %d were read for 2 of %d s, want at most a quarter", got, in.Bytes, seconds)
	}
	cell, err := openRef(t.Context(), s.Buckets, p.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer cell.Close()
	v, err := decode.OpenStripe(t.Context(), cell, testRate)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	f, err := v.Read()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := avtest.ReadNumber(f), seconds/2*fps%256; got != want {
		t.Errorf("the cell begins with picture %d, want %d", got, want)
	}
}
