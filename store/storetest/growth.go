package storetest

import (
	"fmt"
	"testing"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// grid is the work of a render of two stripes and three segments, and a sound.
func grid() []store.NewTask {
	sound := cells("sound")[0]
	sound.Kind, sound.Assignment.Kind = plan.KindSound, plan.KindSound
	all := []store.NewTask{sound}
	for seg := range 3 {
		for row := range 2 {
			n := cells(fmt.Sprintf("%d-%d", seg, row))[0]
			n.Segment, n.Stripe = seg, row
			all = append(all, n)
		}
	}
	return all
}

func testGrowth(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", grid()...)
	none := func() {
		t.Helper()
		_, err := b.ClaimGrowth(ctx, minute)
		b.missing(err)
	}
	claim := func(ready, grown int) store.Growth {
		t.Helper()
		g, err := b.ClaimGrowth(ctx, minute)
		b.must(err)
		equal(t, "run, ready and grown", []any{g.Run, g.Ready, g.Grown}, []any{"1", ready, grown})
		return g
	}
	b.complete("0-0", nil)
	b.complete("0-1", nil)
	none() // without its sound
	b.complete("sound", nil)
	g := claim(1, -1)
	none() // it is claimed
	b.must(b.Grown(ctx, g, 0, 0))
	g = claim(1, 0)
	b.complete("2-0", nil)
	b.complete("2-1", nil)
	b.must(b.Grown(ctx, g, 1, 0))
	b.lost(b.Grown(ctx, g, 1, 0))
	none() // segment 1 is not there, 2 can wait
	b.complete("1-0", nil)
	none()
	equal(t, "grown", b.render("1").Grown, 1)
	b.complete("1-1", nil) // the last: the finish completes the preview
	b.inState("1", store.Checking)
	none()

	// In the second stage stacks are what is waited for.
	r := b.claim("1", store.Checking)
	stacks := cells("stack0", "stack2")
	stacks[1].Segment = 2
	b.must(b.StackRender(ctx, r.Claim(), stacks))
	none()
	b.complete("stack0", nil)
	g = claim(2, 1)

	// A claim ends with its lease, and after a failure it rests.
	b.Advance(2 * minute)
	other := claim(2, 1)
	b.lost(b.Grown(ctx, g, 2, 0))
	b.must(b.Grown(ctx, other, 1, minute))
	none()
	b.Advance(2 * minute)
	g = claim(2, 1)
	b.must(b.Grown(ctx, g, 2, 0))

	// A render that is planned anew grows anew.
	b.add("2", "other", "etag")
	b.must(b.PlanRender(ctx, b.claim("2", store.Queued).Claim(), store.Planned{Plan: []byte(`{}`), Tasks: grid()}))
	b.inState("2", store.Checking)
	none() // all was known: nobody waits for a preview
}
