package node

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/plan"
)

// segmentOf composes one segment of the wandering film, whose GOPs have 25
// pictures, and returns the stream.
func (b *bench) segmentOf(p plan.Picture, first, count int) []byte {
	b.t.Helper()
	p.Segment = plan.Segment{Index: first / count, First: first, Count: count}
	return b.composed(&p)
}

// composed composes a cell and returns the stream.
func (b *bench) composed(p *plan.Picture) []byte {
	b.t.Helper()
	if _, err := b.node.picture(b.t.Context(), b.node.cfg.Buckets, "ff", p, func(float64) {}, func() {}); err != nil {
		b.t.Fatal(err)
	}
	r, _, err := b.objects.Get(b.t.Context(), p.Out.Key, bucket.Range{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// A segment has the same bytes whether its decoders come from the segment before
// or are opened for it.
func TestDecodersGoOnIntoTheNextSegment(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(60)
	p.Height = p.Encoder.CanvasHeight // a whole canvas, which needs no check
	p.Rate.Num *= 2                   // every picture is shown twice, once across a border
	const count = 41                  // borders inside the film's GOPs
	segments := func(each func()) (all []byte) {
		for first := 0; first < 2*60; first += count {
			each()
			all = append(all, b.segmentOf(*p, first, count)...)
		}
		return all
	}
	opened := 0
	alone := segments(func() { b.node.parking.clear(time.Time{}) })
	b.node.parking.clear(time.Time{})
	on := segments(func() {
		if len(b.node.parking.spots) == 0 {
			opened++
		}
	})
	if opened != 1 {
		t.Errorf("decoders were opened for %d of 3 segments, want the first only", opened)
	}
	if !bytes.Equal(alone, on) {
		t.Error("segments differ by whether the decoders go on")
	}
	if n := len(b.node.parking.spots); n != 0 || b.node.parking.pixels != 0 {
		t.Errorf("at the end of the film %d decoders of %d pixels wait, want none", n, b.node.parking.pixels)
	}
}

// While the last pictures of a cell are encoded the next cell is composed, with the
// decoders and the engine of the one before.
func TestNextCellBeginsBeforeTheEncoderIsDone(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(60)
	p.Height = p.Encoder.CanvasHeight
	next := *p
	next.Segment = plan.Segment{Index: 1, First: 20, Count: 20}
	p.Segment.Count = 20
	p.Out.Key, next.Out.Key = "first", "second"
	want := b.segmentOf(next, 20, 20)
	b.node.parking.clear(time.Time{})
	begun := false
	_, err := b.node.picture(t.Context(), b.node.cfg.Buckets, "ff", p, func(float64) {}, func() {
		begun = true
		if n := len(b.node.parking.spots); n != 1 {
			t.Errorf("%d decoders wait for the next cell, want 1", n)
		}
		if n := len(b.node.engines); n != 1 {
			t.Errorf("%d engines wait for the next cell, want 1", n)
		}
		if d := b.node.About().Decoder; d == "" {
			t.Error("the node does not say what decoded the pictures")
		}
		if got := b.composed(&next); !bytes.Equal(got, want) {
			t.Error("the next cell is another than alone")
		}
	})
	if err != nil || !begun {
		t.Errorf("%v, the next cell begun: %v", err, begun)
	}
}

// Nobody comes for the decoders of a song's last segment: they are closed, and before
// the next cell begins, whose own need the memory.
func TestLastSegmentParksNothing(t *testing.T) {
	for _, last := range []bool{false, true} {
		b := newBench(t)
		p := b.wanderingCell(60)
		p.Height = p.Encoder.CanvasHeight
		p.Segment = plan.Segment{Count: 20, Last: last}
		before, want := av.Pictures().Buffers, 1
		if last {
			want = 0
		}
		_, err := b.node.picture(t.Context(), b.node.cfg.Buckets, "ff", p, func(float64) {}, func() {
			held := av.Pictures().Buffers - before
			if n := len(b.node.parking.spots); n != want || (held > 0) == last {
				t.Errorf("last segment %v: %d decoders wait, want %d; %d buffers of pictures are held", last, n, want, held)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		b.node.parking.clear(time.Time{})
	}
}

// Another offset, file or place in time is not what the decoder is for.
func TestParkedDecodersFitOneCell(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(60)
	p.Height = p.Encoder.CanvasHeight
	for name, change := range map[string]func(*plan.Picture){
		"offset":  func(p *plan.Picture) { p.Tiles[0].Offset++ },
		"file":    func(p *plan.Picture) { p.Tiles[0].SHA256 = "other" },
		"segment": func(p *plan.Picture) { p.Segment.First++ },
		"rate":    func(p *plan.Picture) { p.Rate.Num++ },
	} {
		b.node.parking.clear(time.Time{})
		b.segmentOf(*p, 0, 20)
		next := *p
		next.Segment.First = 20
		next.Tiles = []plan.PictureTile{p.Tiles[0]}
		change(&next)
		b.node.parking.openTiles(t.Context(), b.node.cfg.Buckets, &next, decode.Software).Close()
		if n := len(b.node.parking.spots); n != 1 {
			t.Errorf("another %s: %d decoders wait, want the one of before", name, n)
		}
	}
}

// What nobody comes for is closed after a while, and what has no room at once.
func TestParkingIsBounded(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(60)
	p.Height = p.Encoder.CanvasHeight
	b.segmentOf(*p, 0, 20)
	pk := &b.node.parking
	if len(pk.spots) != 1 || pk.pixels != 160*64 {
		t.Fatalf("%d decoders of %d pixels wait, want one of %d", len(pk.spots), pk.pixels, 160*64)
	}
	pk.clear(time.Now().Add(-parkedFor))
	if len(pk.spots) != 1 {
		t.Error("closed too early")
	}
	pk.clear(time.Now())
	if len(pk.spots) != 0 || pk.pixels != 0 {
		t.Error("not closed")
	}
	pk.pixels = parkedPixels
	b.segmentOf(*p, 0, 20)
	if len(pk.spots) != 0 {
		t.Error("parked beyond the bound")
	}
	pk.pixels = 0

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tiles := pk.openTiles(ctx, b.node.cfg.Buckets, p, decode.Software)
	defer tiles.Close()
	tiles.At(0)
	pk.park(tiles, p)
	if len(pk.spots) != 0 {
		t.Error("parked although its cell was cancelled")
	}
}
