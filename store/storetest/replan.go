package storetest

import (
	"testing"

	"github.com/choirless/render/store"
)

// A task that lacks an object is cancelled and blames nobody; renders that wait for it
// are planned again, and ask for it once more.
func testReplan(t *testing.T, b *bench) {
	ctx := t.Context()
	b.ingest("p1", "etag")
	b.must(b.SetAuto(ctx, song, false))
	b.rendering("1", "mine", cells("a", "b")...)
	b.rendering("2", "other", cells("b")...)
	b.send()
	b.news("a", 1)
	gone := func(f *store.Failure) { f.Gone, f.Blame, f.Limit = true, "p1", 1 }
	equal(t, "without its object", b.fail("a", 1, gone), store.Replanned)
	equal(t, "said again", b.fail("a", 1, gone), store.Ignored)
	b.taskIs("a", store.TaskCancelled, 1)
	b.inState("1", store.Queued)
	b.inState("2", store.Rendering)
	equal(t, "dropped", b.part("p1").Dropped, "")
	r := b.claim("1", store.Queued)
	b.must(b.PlanRender(ctx, r.Claim(), store.Planned{Tasks: cells("a", "b")}))
	equal(t, "messages", b.send(), []string{"a#2"})
	b.complete("a", nil)
	b.complete("b", nil)
	b.inState("1", store.Checking)
	b.inState("2", store.Checking)
	equal(t, "failures", b.task("a").Failures, 0)
}
