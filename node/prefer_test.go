package node

import (
	"testing"
	"time"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// A node whose decoders wait takes the cell that goes on there, and hands back the
// one that it got before; without such a cell it does what it got.
func TestCellsFollowTheirDecoders(t *testing.T) {
	b := newBench(t)
	own := b.wanderingCell(60)
	own.Height = own.Encoder.CanvasHeight
	b.segmentOf(*own, 0, 20)
	own.Segment = plan.Segment{Index: 1, First: 20, Count: 20}
	others := *own
	others.Tiles = []plan.PictureTile{own.Tiles[0]}
	others.Tiles[0].SHA256 = "another part"
	cell := func(p *plan.Picture, key string) plan.Assignment {
		return plan.Assignment{Key: key, Kind: plan.KindPicture, Picture: p}
	}
	receive := func() queue.Lease {
		t.Helper()
		l, err := b.assignments.Receive(t.Context(), 1, time.Minute)
		if err != nil || len(l) != 1 {
			t.Fatalf("%d messages, %v", len(l), err)
		}
		return l[0]
	}
	expect := func(what, want string, visible int) {
		t.Helper()
		got := b.node.prefer(t.Context(), receive())
		if p := cellOf(got); want == "own" && p.Tiles[0].SHA256 == "another part" || want == "other's" && p.Tiles[0].SHA256 != "another part" {
			t.Errorf("%s: not the %s cell", what, want)
		}
		if n, leased, err := b.assignments.Depth(t.Context()); err != nil || n != visible || leased != 1 {
			t.Errorf("%s: %d visible and %d leased, %v, want %d and 1", what, n, leased, err, visible)
		}
		if err := got.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	}
	b.send(cell(&others, "a"))
	b.send(cell(own, "b"))
	expect("another's first", "own", 1)
	expect("another's alone", "other's", 0)
	b.send(cell(own, "b"))
	b.send(cell(&others, "a"))
	expect("its own first", "own", 1)
	b.send(cell(&others, "c"))
	expect("two of another", "other's", 1)
	b.node.parking.clear(time.Time{})
	b.send(cell(own, "b"))
	expect("nothing waits", "other's", 1)
}
