package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// What a node has handed back waits as long as it takes, counts as nothing lost, and is
// sent again when nobody has read it for long.
func testReturned(t *testing.T, b *bench) {
	ctx := t.Context()
	sweep := store.Sweep{Silent: minute, Resend: 10 * minute, Losses: 1}
	b.rendering("1", "mine", cells("a")...)
	b.send()
	// say reports the first attempt of one delivery.
	say := func(what func(context.Context, store.News) (bool, error), delivery, node string) bool {
		t.Helper()
		is, err := what(ctx, store.News{Song: song, Key: "a", Attempt: 1, Node: node, Delivery: delivery})
		b.must(err)
		return is
	}
	say(b.TaskNews, "1", "node")
	older, err := b.ReturnTask(ctx, store.News{Song: song, Key: "a", Node: "node", Delivery: "1"})
	b.must(err)
	equal(t, "an older attempt handed back", older, false)
	b.taskIs("a", store.TaskRunning, 1)
	equal(t, "handed back", say(b.ReturnTask, "1", "node"), true)
	equal(t, "handed back again", say(b.ReturnTask, "1", "node"), false)
	b.taskIs("a", store.TaskQueued, 1)
	equal(t, "late news counts", say(b.TaskNews, "1", "node"), false)
	b.taskIs("a", store.TaskQueued, 1)
	// The other way round: it is handed back before anybody has heard that it began.
	equal(t, "handed back", say(b.ReturnTask, "2", "node"), true)
	equal(t, "late news counts", say(b.TaskNews, "2", "node"), false)
	b.taskIs("a", store.TaskQueued, 1)
	// Another node is faster than the news of the first.
	say(b.TaskNews, "3", "node")
	say(b.TaskNews, "4", "other")
	equal(t, "handed back", say(b.ReturnTask, "3", "node"), true)
	b.taskIs("a", store.TaskRunning, 1)
	equal(t, "handed back", say(b.ReturnTask, "4", "other"), true)
	b.taskIs("a", store.TaskQueued, 1)

	b.Advance(5 * minute)
	swept, err := b.Sweep(ctx, sweep)
	b.must(err)
	equal(t, "swept", swept, store.Swept{})
	equal(t, "messages", len(b.send()), 0)
	b.Advance(6 * minute)
	swept, err = b.Sweep(ctx, sweep)
	b.must(err)
	equal(t, "swept", swept, store.Swept{Resent: 1})
	equal(t, "messages", b.send(), []string{"a#1"})

	say(b.TaskNews, "5", "other")
	b.taskIs("a", store.TaskRunning, 1)
	equal(t, "node, losses and failures", []any{b.task("a").Node, b.task("a").Losses, b.task("a").Failures}, []any{"other", 0, 0})
	equal(t, "since", b.task("a").Started, time.Unix(0, b.Now().UnixNano()))
	b.Advance(2 * minute)
	swept, err = b.Sweep(ctx, sweep)
	b.must(err)
	equal(t, "swept when it went silent", swept, store.Swept{GivenUp: 1})
}

// Why something was handed back can be read in the song's history, and while it waits.
func testReturnedWhy(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("a")...)
	b.send()
	n := store.News{Song: song, Key: "a", Attempt: 1, Node: "node", Delivery: "1"}
	_, err := b.TaskNews(ctx, n)
	b.must(err)
	n.Reason = "engine: no driver"
	_, err = b.ReturnTask(ctx, n)
	b.must(err)
	all, err := b.Events(ctx, song, 0, 100)
	b.must(err)
	equal(t, "last step", all[len(all)-1].Text, "handed back by node: engine: no driver")
	counts, err := b.Counts(ctx, "1")
	b.must(err)
	equal(t, "counts", counts, []store.Count{{Kind: plan.KindPicture, State: store.TaskQueued, Tasks: 1, Error: "engine: no driver"}})
	_, err = b.TaskNews(ctx, store.News{Song: song, Key: "a", Attempt: 1, Node: "other", Delivery: "2"})
	b.must(err)
	counts, err = b.Counts(ctx, "1")
	b.must(err)
	equal(t, "counts once it has begun again", counts, []store.Count{{Kind: plan.KindPicture, State: store.TaskRunning, Tasks: 1}})
}
