// Package storetest holds every implementation of store.Store to the numbered
// list of that interface.
package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// Database opens handles on one database. The suite closes them.
type Database func(options ...store.Option) (store.Store, error)

// Run runs the suite. fresh makes a new, empty database.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	t.Run("opened by many at once", func(t *testing.T) { testOpen(t, fresh(t)) })
	for _, c := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"1 rows", testRows},
		{"1 ids", testIDs},
		{"1 choirs", testChoirs},
		{"1 songs of a choir at once", testChoirRace},
		{"1 edited at once", testEditPart},
		{"1 settings edited at once", testEditSong},
		{"2 uploads", testUploads},
		{"2 what is read", testRead},
		{"2 an upload while another is ingested", testReupload},
		{"3 song claims", testSongClaims},
		{"3 render claims", testRenderClaims},
		{"3 cancelled claims", testCancelledClaims},
		{"4 song due", testSongDue},
		{"5 definitions", testDefinitions},
		{"6 newer cancels older", testNewerCancels},
		{"7 outbox", testOutbox},
		{"7 window", testWindow},
		{"7 requeued while sending", testRequeuedWhileSending},
		{"8 complete once", testCompleteOnce},
		{"9 fan-in", testFanIn},
		{"9 fan-in race", testFanInRace},
		{"9 shared tasks", testSharedTasks},
		{"9 reused tasks", testReused},
		{"9 planned while completing", testPlanRace},
		{"9 stacking", testStacking},
		{"10 retries", testRetries},
		{"10 late failure", testLateFailure},
		{"6 cancelled while running", testCancelledWhileRunning},
		{"10 silence", testSilence},
		{"10 handed back", testReturned},
		{"10 handed back, why", testReturnedWhy},
		{"10 resend", testResend},
		{"10 everything interrupted", testEverything},
		{"11 given up", testGivenUp},
		{"11 ingest given up", testIngestGivenUp},
		{"11 revive", testRevive},
		{"11 without its object", testReplan},
		{"12 growing previews", testGrowth},
		{"13 at rest", testIdle},
		{"14 nodes", testNodes},
		{"15 events", testEvents},
		{"15 events in order under race", testEventOrder},
		{"15 watch", testWatch},
		{"16 prune", testPrune},
		{"redo and refinish", testRedo},
		{"two handles", testTwoHandles},
		{"cancelled context", testContext},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := &Clock{}
			clock.Set(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
			b := &bench{T: t, Clock: clock, open: fresh(t)}
			b.Store = b.handle()
			c.test(t, b)
		})
	}
}

// Clock is a clock that only goes when told. Safe for concurrent use.
type Clock struct{ ns atomic.Int64 }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time { return time.Unix(0, c.ns.Load()) }

// Set sets the clock.
func (c *Clock) Set(t time.Time) { c.ns.Store(t.UnixNano()) }

// Advance sets the clock forward.
func (c *Clock) Advance(d time.Duration) { c.ns.Add(int64(d)) }

// bench is a store with helpers that end the test on errors.
type bench struct {
	*testing.T
	*Clock
	store.Store
	open Database
}

var song = definition.Song{Choir: "choir", Song: "song"}

const minute = time.Minute

// handle opens another handle on the database.
func (b *bench) handle() store.Store {
	b.Helper()
	s, err := b.open(store.WithClock(b.Now))
	if err != nil {
		b.Fatal(err)
	}
	b.T.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) lost(err error) {
	b.Helper()
	if !errors.Is(err, store.ErrLost) {
		b.Fatalf("error %v, want ErrLost", err)
	}
}

func (b *bench) missing(err error) {
	b.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		b.Fatalf("error %v, want ErrNotFound", err)
	}
}

func part(id string) store.PartID { return store.PartID{Song: song, Part: definition.PartID(id)} }

func upload(id, etag string) store.Upload {
	return store.Upload{
		PartID: part(id), Raw: store.Raw{Key: "choir+song+" + id + ".webm", ETag: etag, Size: 7},
		Task: func(p store.Part) (store.NewTask, error) {
			return store.NewTask{Part: p.Part, Assignment: plan.Assignment{
				Key: "ingest-" + id + "-" + p.Raw.ETag, Kind: plan.KindIngest, Song: song, Ingest: &plan.Ingest{Part: p.Part},
			}}, nil
		},
		Debounce: 5 * time.Second,
	}
}

func (b *bench) upload(id, etag string) bool {
	b.Helper()
	fresh, err := b.Uploaded(b.Context(), upload(id, etag))
	b.must(err)
	return fresh
}

func (b *bench) complete(key string, result any) bool {
	b.Helper()
	text, err := json.Marshal(result)
	b.must(err)
	fresh, err := b.CompleteTask(b.Context(), store.Done{Song: song, Key: key, Attempt: 1, Node: "node", Result: text})
	b.must(err)
	return fresh
}

// ingest uploads a part and completes its ingest.
func (b *bench) ingest(id, etag string) {
	b.Helper()
	b.upload(id, etag)
	b.complete("ingest-"+id+"-"+etag, plan.IngestResult{Bytes: 1, SHA256: "sha-" + id + "-" + etag})
}

func newRender(run, name, etag string) store.NewRender {
	return store.NewRender{
		Run: run, Song: song, Name: name, Key: "choir+song+" + name + ".json", ETag: etag,
		Definition: json.RawMessage(`{"etag":"` + etag + `"}`),
	}
}

func (b *bench) add(run, name, etag string) store.Render {
	b.Helper()
	r, _, err := b.AddRender(b.Context(), newRender(run, name, etag))
	b.must(err)
	return r
}

// claim claims a render in the given state and checks that it is the one meant.
func (b *bench) claim(run string, state store.RenderState) store.Render {
	b.Helper()
	r, err := b.ClaimRender(b.Context(), "owner", minute, state)
	b.must(err)
	if r.Run != run {
		b.Fatalf("claimed run %s, want %s", r.Run, run)
	}
	return r
}

func cells(keys ...string) []store.NewTask {
	var all []store.NewTask
	for i, k := range keys {
		all = append(all, store.NewTask{Stripe: i, Assignment: plan.Assignment{
			Key: k, Kind: plan.KindPicture, Song: song,
			Picture: &plan.Picture{Stripe: i},
		}})
	}
	return all
}

// rendering adds a render and plans it with the given tasks.
func (b *bench) rendering(run, name string, tasks ...store.NewTask) store.Render {
	b.Helper()
	b.add(run, name, "etag-"+run)
	r := b.claim(run, store.Queued)
	b.must(b.PlanRender(b.Context(), r.Claim(), store.Planned{Plan: json.RawMessage(`{"plan":1}`), Tasks: tasks}))
	return b.render(run)
}

func (b *bench) render(run string) store.Render {
	b.Helper()
	r, err := b.Render(b.Context(), run)
	b.must(err)
	return r
}

func (b *bench) inState(run string, want store.RenderState) {
	b.Helper()
	if got := b.render(run); got.State != want {
		b.Fatalf("run %s is %s (%s), want %s", run, got.State, got.Error, want)
	}
}

func (b *bench) task(key string) store.Task {
	b.Helper()
	t, err := b.Task(b.Context(), song, key)
	b.must(err)
	return t
}

func (b *bench) taskIs(key string, state store.TaskState, attempt int) {
	b.Helper()
	if t := b.task(key); t.State != state || t.Attempt != attempt {
		b.Fatalf("task %s is %s at attempt %d, want %s at %d", key, t.State, t.Attempt, state, attempt)
	}
}

func (b *bench) part(id string) store.Part {
	b.Helper()
	p, err := b.Part(b.Context(), part(id))
	b.must(err)
	return p
}

// send takes all messages that are due and marks them sent; it returns their keys
// with attempts.
func (b *bench) send() []string {
	b.Helper()
	out, err := b.Outgoing(b.Context(), 1000, 1000, minute)
	b.must(err)
	b.must(b.Sent(b.Context(), out))
	var keys []string
	for _, m := range out {
		keys = append(keys, fmt.Sprintf("%s#%d", m.Key, m.Attempt))
	}
	return keys
}

func (b *bench) news(key string, attempt int) bool {
	b.Helper()
	live, err := b.TaskNews(b.Context(), store.News{Song: song, Key: key, Attempt: attempt, Node: "node"})
	b.must(err)
	return live
}

func (b *bench) fail(key string, attempt int, change func(*store.Failure)) store.Verdict {
	b.Helper()
	f := store.Failure{Song: song, Key: key, Attempt: attempt, Node: "node", Reason: "it broke", Limit: 3, Delay: 10 * time.Second}
	if change != nil {
		change(&f)
	}
	v, err := b.FailTask(b.Context(), f)
	b.must(err)
	return v
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s is %s, want %s", what, g, w)
	}
}
