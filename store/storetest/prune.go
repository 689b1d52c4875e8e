package storetest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// Renders that are over, old and neither the newest nor the newest done go, with their steps and the tasks that
// no other names; everything else stays.
func testPrune(t *testing.T, b *bench) {
	ctx := t.Context()
	b.ingest("p", "1") // whose task is over and old
	b.ingest("p", "2")
	over := func(run, name string, tasks ...string) {
		b.rendering(run, name, cells(tasks...)...)
		for _, key := range tasks {
			b.complete(key, nil)
		}
		_, err := b.CancelRender(ctx, run, "enough")
		b.must(err)
	}
	over("1", "auto", "a", "shared")
	over("2", "mine", "c") // the only one of its name
	finished := func(run, name, task string) {
		b.rendering(run, name, cells(task)...)
		b.complete(task, nil)
		r := b.claim(run, store.Checking)
		b.must(b.StackRender(ctx, r.Claim(), nil))
		r = b.claim(run, store.Finishing)
		b.must(b.FinishRender(ctx, r.Claim(), json.RawMessage(`{}`), nil))
	}
	b.rendering("3", "auto", cells("shared", "new", "runs")...)
	b.send()
	b.news("runs", 1)
	over("4", "other", "d")
	finished("8", "made", "g")
	finished("9", "made", "h") // its final is the song's, though the next is newer
	over("10", "made", "i")
	b.Advance(minute)
	before := b.Now()
	over("5", "other", "e")
	over("6", "other", "f") // so that 5 is neither the newest nor old

	prune := func(want int) {
		t.Helper()
		n, err := b.Prune(ctx, before)
		b.must(err)
		equal(t, "removed", n, want)
	}
	prune(3)
	prune(0)
	renders, err := b.Renders(ctx, song, 100)
	b.must(err)
	var runs []string
	for _, r := range renders {
		runs = append(runs, r.Run)
	}
	equal(t, "renders", runs, []string{"6", "5", "10", "9", "3", "2"})
	for key, there := range map[string]bool{
		"a": false, "d": false, "g": false, "ingest-p-1": false,
		"shared": true, "new": true, "runs": true, "c": true, "h": true, "i": true, "e": true, "f": true, "ingest-p-2": true,
	} {
		if _, err := b.Task(ctx, song, key); (err == nil) != there {
			t.Errorf("task %s: %v, is to be there: %t", key, err, there)
		}
	}
	events, err := b.Events(ctx, song, 0, 1000)
	b.must(err)
	for _, run := range []string{"1", "4", "2", "3"} {
		is := slices.ContainsFunc(events, func(e store.Event) bool { return e.Run == run })
		equal(t, "steps of run "+run, is, run == "2" || run == "3")
	}
	// The live render goes on as if nothing had been.
	b.complete("new", nil)
	b.complete("runs", plan.CellResult{})
	b.inState("3", store.Checking)
	_, fresh, err := b.AddRender(ctx, store.NewRender{Run: "7", Song: song, Name: "mine", Key: "choir+song+mine.json", ETag: "1", Definition: json.RawMessage(`{}`)})
	b.must(err)
	equal(t, "another counts", fresh, true)
}
