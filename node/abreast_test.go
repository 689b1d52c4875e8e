package node

import (
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

func TestAbreast(t *testing.T) {
	for slots, want := range map[int]int{1: 1, 2: 1, 3: 2, 16: 8} {
		if got := Abreast(slots); got != want {
			t.Errorf("%d slots: %d pictures at once, want %d", slots, got, want)
		}
	}
}
