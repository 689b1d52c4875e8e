package node

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/plan"
)

// With the only place taken a picture waits, another kind of work does not, and a
// node that is to stop hands the picture back instead of waiting on.
func TestPictureWaitsForAPlace(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	leave, err := b.node.takePlace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.send(plan.Assignment{Key: "picture", Kind: plan.KindPicture})
	leases, err := b.assignments.Receive(t.Context(), 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan outcome, 1)
	go func() { ended <- b.node.handle(t.Context(), leases[0]) }()

	b.send(stackAssignment(30))
	other, err := b.assignments.Receive(t.Context(), 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if how := b.node.handle(t.Context(), other[0]); how != outcomeDone {
		t.Errorf("what is no picture ends as %s while one is composed", how)
	}
	select {
	case how := <-ended:
		t.Fatalf("the picture ended as %s, want it to wait", how)
	default:
	}
	b.node.Drain()
	if how := <-ended; how != outcomeHanded {
		t.Errorf("the waiting picture ends as %s", how)
	}
	if visible, _, err := b.assignments.Depth(t.Context()); err != nil || visible != 1 {
		t.Errorf("%d messages wait, %v, want the picture", visible, err)
	}
	leave()
	if leave, err = b.node.takePlace(t.Context()); err != nil {
		t.Fatalf("a free place is not given: %v", err)
	}
	leave()
}

// A cell that is composed while the one before has the encoder still waits for it with
// a few pictures, and not longer than it is wanted.
func TestCellWaitsForTheEncoder(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(60)
	p.Height = p.Encoder.CanvasHeight
	p.Segment.Count = 40
	want := b.composed(p)
	b.node.parking.clear(time.Time{})

	leave, err := b.node.takeEncoder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unwanted := errors.New("not wanted any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	far, waits := 0.0, make(chan struct{})
	full := sync.OnceFunc(func() { close(waits) })
	ended := make(chan error)
	go func() {
		_, err := b.node.picture(ctx, b.node.cfg.Buckets, "ff", p, func(percent float64) {
			if far = percent; far >= 100.0*framesInFlight/40 {
				full()
			}
		}, func() { t.Error("all is composed without an encoder") })
		ended <- err
	}()
	<-waits
	time.Sleep(200 * time.Millisecond) // for a cell that would go on
	cancel(unwanted)
	if err := <-ended; !errors.Is(err, unwanted) {
		t.Errorf("cancelled while it waits: %v", err)
	}
	if most := 100.0 * framesInFlight / 40; far > most {
		t.Errorf("%.0f %% are composed without an encoder, want at most %.0f", far, most)
	}
	leave()
	if !bytes.Equal(b.composed(p), want) {
		t.Error("the cell is another after all that")
	}
	if n := len(b.node.encoders); n != 0 {
		t.Errorf("%d encoders are taken at the end", n)
	}
}

func TestAbreast(t *testing.T) {
	for slots, want := range map[int]int{1: 1, 2: 1, 3: 2, 16: 8} {
		if got := Abreast(slots); got != want {
			t.Errorf("%d slots: %d pictures at once, want %d", slots, got, want)
		}
	}
}
