package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

func testOutbox(t *testing.T, b *bench) {
	ctx := t.Context()
	b.upload("p", "1")
	first, err := b.Outgoing(ctx, 10, 100, minute)
	b.must(err)
	equal(t, "messages", len(first), 1)
	equal(t, "kind", first[0].Kind, plan.KindIngest)
	equal(t, "song", first[0].Song, song)
	equal(t, "attempt", first[0].Attempt, 1)
	if first[0].Ingest == nil {
		t.Fatal("the assignment has lost its ingest")
	}
	second, err := b.Outgoing(ctx, 10, 100, minute)
	b.must(err)
	equal(t, "messages while another sender has them", len(second), 0)
	b.Advance(2 * minute)
	second, err = b.Outgoing(ctx, 10, 100, minute)
	b.must(err)
	equal(t, "messages after that sender disappeared", len(second), 1)
	b.must(b.Sent(ctx, second))
	b.must(b.Sent(ctx, first)) // the first sender was only slow
	b.Advance(2 * minute)
	equal(t, "messages after sending", b.send(), nil)
}

func testWindow(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("a", "b", "c", "d", "e")...)
	out, err := b.Outgoing(ctx, 10, 2, minute)
	b.must(err)
	equal(t, "messages", len(out), 2)
	b.must(b.Sent(ctx, out))
	more, err := b.Outgoing(ctx, 10, 2, minute)
	b.must(err)
	equal(t, "messages with a full window", len(more), 0)
	b.news(out[0].Key, 1)
	more, err = b.Outgoing(ctx, 10, 2, minute)
	b.must(err)
	equal(t, "messages with room for one", len(more), 1)
	unsent, sent, running, err := b.Pending(ctx)
	b.must(err)
	equal(t, "pending", []int{unsent, sent, running}, []int{3, 1, 1})
}

func testRequeuedWhileSending(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("a")...)
	out, err := b.Outgoing(ctx, 10, 100, minute)
	b.must(err)
	b.fail("a", 1, func(f *store.Failure) { f.Delay = 0 }) // by a node that got it from an earlier sender
	b.must(b.Sent(ctx, out))
	equal(t, "messages", b.send(), []string{"a#2"})
}

func testCompleteOnce(t *testing.T, b *bench) {
	ctx := t.Context()
	_, err := b.CompleteTask(ctx, store.Done{Song: song, Key: "none"})
	b.missing(err)
	b.rendering("1", "mine", cells("a", "b")...)
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			fresh, err := b.CompleteTask(ctx, store.Done{Song: song, Key: "a", Attempt: 1, Result: json.RawMessage(fmt.Sprint(i))})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if fresh {
				won++
			}
		})
	}
	all.Wait()
	equal(t, "completions that counted", won, 1)
	before := b.task("a")
	b.complete("a", "another result")
	equal(t, "result", string(b.task("a").Result), string(before.Result))
	equal(t, "late news count", b.news("a", 1), false)
	equal(t, "a late failure", b.fail("a", 1, nil), store.Ignored)
	b.taskIs("a", store.TaskDone, 1)
	b.inState("1", store.Rendering)
	// The first attempt turns out to have been alive after all.
	b.fail("b", 1, nil)
	b.taskIs("b", store.TaskQueued, 2)
	b.complete("b", nil)
	b.inState("1", store.Checking)
	equal(t, "messages for what is done", len(b.send()), 0)
}

func testFanIn(t *testing.T, b *bench) {
	for n := 1; n <= 12; n++ {
		run := fmt.Sprint("run", n)
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("n%d-%d", n, i))
		}
		b.rendering(run, run, cells(keys...)...)
		rand.New(rand.NewPCG(1, uint64(n))).Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, k := range keys {
			b.inState(run, store.Rendering)
			b.complete(k, nil)
		}
		b.inState(run, store.Checking)
	}
	b.rendering("none", "none") // nothing to do at all
	b.inState("none", store.Checking)
	b.rendering("known", "known", cells("n3-0", "n3-1")...)
	b.inState("known", store.Checking)
}

func testFanInRace(t *testing.T, b *bench) {
	ctx := t.Context()
	handles := []store.Store{b.Store, b.handle()}
	const n = 24
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprint("cell", i))
	}
	b.rendering("1", "mine", cells(keys...)...)
	var all sync.WaitGroup
	for i, k := range keys {
		for h := range handles { // every result twice, at two coordinators
			all.Go(func() {
				if _, err := handles[h].CompleteTask(ctx, store.Done{Song: song, Key: k, Attempt: 1, Node: fmt.Sprint(i, h)}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	b.inState("1", store.Checking)
	events, err := b.Events(ctx, song, 0, 1000)
	b.must(err)
	moved, done := 0, 0
	for _, e := range events {
		if e.Run == "1" && e.Legacy == "composited" {
			moved++
		} else if e.Stage == store.StagePicture && e.State == store.TaskDone {
			done++
		}
	}
	equal(t, "times the render moved on", moved, 1)
	equal(t, "cells done", done, n)
}

func testSharedTasks(t *testing.T, b *bench) {
	b.rendering("1", "one", cells("shared", "own1")...)
	b.rendering("2", "two", cells("shared", "own2")...)
	b.complete("own1", nil)
	b.complete("own2", nil)
	b.inState("1", store.Rendering)
	b.inState("2", store.Rendering)
	b.complete("shared", nil)
	b.inState("1", store.Checking)
	b.inState("2", store.Checking)
	equal(t, "messages", len(b.send()), 0)
}

// A task that is completed at the very moment a second render is planned on it
// must not be waited for in vain.
func testPlanRace(t *testing.T, b *bench) {
	ctx := t.Context()
	for i := range 20 {
		key, first, second := fmt.Sprint("shared", i), fmt.Sprint("first", i), fmt.Sprint("second", i)
		b.rendering(first, first, cells(key)...)
		b.add(second, second, "etag")
		r := b.claim(second, store.Queued)
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := b.CompleteTask(ctx, store.Done{Song: song, Key: key, Attempt: 1}); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			if err := b.PlanRender(ctx, r.Claim(), store.Planned{Tasks: cells(key)}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		b.inState(first, store.Checking)
		b.inState(second, store.Checking)
	}
}

func testStacking(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("a")...)
	b.complete("a", plan.CellResult{Frames: 5})
	r := b.claim("1", store.Checking)
	b.must(b.StackRender(ctx, r.Claim(), cells("s1", "s2")))
	b.inState("1", store.Stacking)
	b.complete("s1", nil)
	b.inState("1", store.Stacking)
	tasks, err := b.Tasks(ctx, "1")
	b.must(err)
	equal(t, "tasks", tasks[0].Key+tasks[1].Key+tasks[2].Key, "as1s2")
	counts, err := b.Counts(ctx, "1")
	b.must(err)
	equal(t, "counts", counts, []store.Count{{Kind: plan.KindPicture, State: store.TaskDone, Tasks: 2, Percent: 200}, {Kind: plan.KindPicture, State: store.TaskQueued, Tasks: 1}})
	b.complete("s2", nil)
	b.inState("1", store.Finishing)
}

// What was done before a render is counted apart from what was done since.
func testReused(t *testing.T, b *bench) {
	b.rendering("1", "mine", cells("a", "b")...)
	b.complete("a", nil)
	b.Advance(minute)
	b.rendering("2", "other", cells("a", "b", "c")...)
	b.Advance(minute)
	b.complete("b", nil)
	counts, err := b.Counts(t.Context(), "2")
	b.must(err)
	equal(t, "counts", counts, []store.Count{
		{Kind: plan.KindPicture, State: store.TaskDone, Tasks: 2, Percent: 200, Reused: 1},
		{Kind: plan.KindPicture, State: store.TaskQueued, Tasks: 1},
	})
}

func testRetries(t *testing.T, b *bench) {
	b.rendering("1", "mine", cells("a", "b")...)
	b.send()
	equal(t, "news of the attempt count", b.news("a", 1), true)
	equal(t, "the first failure", b.fail("a", 1, nil), store.Retried)
	equal(t, "the same failure again", b.fail("a", 1, nil), store.Ignored)
	equal(t, "news of the old attempt count", b.news("a", 1), false)
	b.taskIs("a", store.TaskQueued, 2)
	equal(t, "messages before the delay is over", b.send(), nil)
	b.Advance(11 * time.Second)
	equal(t, "messages", b.send(), []string{"a#2"})
	equal(t, "the second failure", b.fail("a", 2, nil), store.Retried)
	b.Advance(minute)
	out, err := b.Outgoing(t.Context(), 10, 100, minute)
	b.must(err)
	equal(t, "failures of what goes out", []int{len(out), out[0].Faults}, []int{1, 2})
	b.must(b.Sent(t.Context(), out))
	equal(t, "the third failure", b.fail("a", 3, nil), store.GivenUp)
	b.taskIs("a", store.TaskFailed, 3)
	b.inState("1", store.Failed)
	equal(t, "error", b.render("1").Error, "it broke")
	b.taskIs("b", store.TaskCancelled, 1)
	// Whoever asks for the same work later gets a new chance.
	b.rendering("2", "mine", cells("a")...)
	b.taskIs("a", store.TaskQueued, 4)
	equal(t, "failures", b.task("a").Failures, 0)
}

// An attempt that was given up on has no say in what becomes of the next.
func testLateFailure(t *testing.T, b *bench) {
	b.rendering("1", "mine", cells("a")...)
	b.send()
	b.fail("a", 1, nil)
	b.Advance(minute)
	b.send()
	b.news("a", 2)
	for _, change := range []func(*store.Failure){
		func(f *store.Failure) { f.Permanent = true },
		func(f *store.Failure) { f.Gone = true },
	} {
		equal(t, "a failure of the first attempt", b.fail("a", 1, change), store.Ignored)
		b.taskIs("a", store.TaskRunning, 2)
		b.inState("1", store.Rendering)
	}
	equal(t, "the same of the second", b.fail("a", 2, func(f *store.Failure) { f.Permanent = true }), store.GivenUp)
	b.inState("1", store.Failed)
}

// What runs for a cancelled render may end, and is not begun again.
func testCancelledWhileRunning(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("done", "fails", "silent", "back", "shared")...)
	b.rendering("2", "other", cells("shared")...)
	b.upload("p", "1")
	b.send()
	for _, key := range []string{"done", "fails", "silent", "back", "shared", "ingest-p-1"} {
		b.news(key, 1)
	}
	ended, err := b.CancelRender(ctx, "1", "by a person")
	b.must(err)
	equal(t, "cancelled", ended, true)
	b.complete("done", nil)
	b.taskIs("done", store.TaskDone, 1)
	equal(t, "a failure", b.fail("fails", 1, nil), store.Orphaned)
	equal(t, "a failure of what another render needs", b.fail("shared", 1, nil), store.Retried)
	_, err = b.ReturnTask(ctx, store.News{Song: song, Key: "back", Attempt: 1, Node: b.task("back").Node, Delivery: "1"})
	b.must(err)
	b.Advance(2 * minute)
	swept, err := b.Sweep(ctx, store.Sweep{Silent: minute, Resend: minute, Losses: 3})
	b.must(err)
	equal(t, "swept", swept, store.Swept{Requeued: 1}) // the ingest
	for _, key := range []string{"fails", "silent", "back"} {
		b.taskIs(key, store.TaskCancelled, 1)
	}
	equal(t, "messages", b.send(), []string{"shared#2", "ingest-p-1#2"})
	// A later render that needs it has it made.
	b.rendering("3", "mine", cells("fails")...)
	equal(t, "messages", b.send(), []string{"fails#2"})
}

func testSilence(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("a")...)
	sweep := store.Sweep{Silent: minute, Resend: time.Hour, Losses: 3}
	for attempt := 1; attempt <= 3; attempt++ {
		b.send()
		b.news("a", attempt)
		b.Advance(50 * time.Second)
		b.news("a", attempt)
		b.Advance(50 * time.Second)
		swept, err := b.Sweep(ctx, sweep)
		b.must(err)
		equal(t, "swept while there is news", swept, store.Swept{})
		b.Advance(30 * time.Second)
		swept, err = b.Sweep(ctx, sweep)
		b.must(err)
		if attempt < 3 {
			equal(t, "swept", swept, store.Swept{Requeued: 1})
			b.taskIs("a", store.TaskQueued, attempt+1)
			equal(t, "failures", b.task("a").Failures, 0)
		} else {
			equal(t, "swept", swept, store.Swept{GivenUp: 1})
		}
	}
	b.inState("1", store.Failed)
}

func testResend(t *testing.T, b *bench) {
	ctx := t.Context()
	b.rendering("1", "mine", cells("a", "b")...)
	sweep := store.Sweep{Silent: time.Hour, Resend: minute, Losses: 3}
	b.send()
	b.news("b", 1)
	resent := func(want int) {
		t.Helper()
		swept, err := b.Sweep(ctx, sweep)
		b.must(err)
		equal(t, "swept", swept, store.Swept{Resent: want})
	}
	resent(0)
	b.Advance(minute + time.Second)
	resent(1)
	resent(0) // it is in the outbox
	equal(t, "messages", b.send(), []string{"a#1"})
	b.Advance(minute + time.Second)
	resent(0) // twice as long this time
	b.Advance(minute + time.Second)
	resent(1)
	b.news("a", 1) // found its way at last
	equal(t, "messages", b.send(), nil)
}

func testEverything(t *testing.T, b *bench) {
	b.rendering("1", "mine", cells("a", "b", "c", "d")...)
	b.send()
	b.news("a", 1)
	b.complete("c", nil)
	b.fail("d", 1, nil) // waits for its next attempt
	swept, err := b.Sweep(t.Context(), store.Sweep{Silent: time.Hour, Resend: time.Hour, Losses: 1, Everything: true})
	b.must(err)
	equal(t, "swept", swept, store.Swept{Requeued: 1, Resent: 1})
	equal(t, "losses", b.task("a").Losses, 0)
	equal(t, "messages", b.send(), []string{"a#2", "b#1"})
	b.Advance(minute)
	equal(t, "messages", b.send(), []string{"d#2"})
}

func testGivenUp(t *testing.T, b *bench) {
	ctx := t.Context()
	b.ingest("p", "1")
	b.ingest("q", "1")
	b.Advance(minute)
	claim, err := b.ClaimSong(ctx, "me", minute)
	b.must(err)
	b.must(b.SongPlanned(ctx, claim, ""))

	own := cells("cell", "other")
	own[0].Part = "p" // the task's own part to blame
	b.rendering("auto1", "auto", own...)
	b.rendering("mine1", "mine", cells("cell")...)
	b.rendering("away", "away", cells("elsewhere")...)
	equal(t, "verdict", b.fail("cell", 1, func(f *store.Failure) { f.Permanent = true }), store.GivenUp)
	equal(t, "dropped", b.part("p").Dropped, "it broke")
	b.inState("auto1", store.Cancelled) // a new definition follows
	b.inState("mine1", store.Queued)    // planned again
	b.inState("away", store.Rendering)
	b.taskIs("other", store.TaskCancelled, 1)
	if _, err := b.ClaimSong(ctx, "me", minute); err != nil {
		t.Errorf("the song is not to be planned again: %v", err)
	}
	r := b.claim("mine1", store.Queued)
	b.must(b.PlanRender(ctx, r.Claim(), store.Planned{Tasks: cells("without p"), Warnings: []store.Warning{{Part: "p", Text: "left out"}}}))
	b.complete("without p", nil)
	b.inState("mine1", store.Checking)

	// A definition made by a person under the automatic name is planned again too.
	b.must(b.SetAuto(ctx, song, false))
	b.rendering("auto2", "auto", cells("cell2")...)
	b.fail("cell2", 1, func(f *store.Failure) { f.Permanent, f.Blame = true, "q" })
	b.inState("auto2", store.Queued)
}

func testIngestGivenUp(t *testing.T, b *bench) {
	b.upload("p", "1")
	b.send()
	b.fail("ingest-p-1", 1, nil)
	equal(t, "state", b.part("p").State, store.PartIngesting)
	b.fail("ingest-p-1", 2, nil)
	b.fail("ingest-p-1", 3, nil)
	p := b.part("p")
	equal(t, "state", p.State, store.PartFailed)
	equal(t, "error", p.Error, "it broke")
	b.complete("ingest-p-1", plan.IngestResult{SHA256: "late"}) // and yet it was done
	equal(t, "state", b.part("p").State, store.PartReady)
}
