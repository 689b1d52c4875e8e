package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

func testEvents(t *testing.T, b *bench) {
	ctx := t.Context()
	b.ingest("p", "1")
	b.must(b.Record(ctx, store.Event{
		Song: song, Part: "p", Stage: store.StageAlign, State: store.TaskDone,
		Legacy: definition.StatusAligned, Stripe: 1, Segment: 2, Attempt: 3, Text: "found",
	}))
	elsewhere := definition.Song{Choir: "choir", Song: "other"}
	b.must(b.Record(ctx, store.Event{Song: elsewhere, Stage: store.StageAlign, State: store.TaskRunning}))
	all, err := b.Events(ctx, song, 0, 100)
	b.must(err)
	var steps []string
	for i, e := range all {
		steps = append(steps, fmt.Sprint(e.Stage, " ", e.State, " ", e.Legacy))
		if i > 0 && e.Seq <= all[i-1].Seq {
			t.Errorf("event %d follows %d", e.Seq, all[i-1].Seq)
		}
		if !e.At.Equal(b.Now()) {
			t.Errorf("event at %v, want %v", e.At, b.Now())
		}
	}
	equal(t, "steps", steps, []string{"upload done new", "ingest running ", "ingest done converted", "align done aligned"})
	last := all[3]
	equal(t, "event", fmt.Sprint(last.Part, last.Stripe, last.Segment, last.Attempt, last.Text), "p1 2 3found")
	later, err := b.Events(ctx, definition.Song{}, all[2].Seq, 100)
	b.must(err)
	equal(t, "later events of all songs", len(later), 2)
	few, err := b.Events(ctx, song, 0, 1)
	b.must(err)
	equal(t, "limited events", len(few), 1)
	legacy, err := b.Legacy(ctx, song, "", 2)
	b.must(err)
	equal(t, "newest old statuses", legacy[0].Legacy+legacy[1].Legacy, "alignedconverted")
	legacy, err = b.Legacy(ctx, definition.Song{}, definition.StatusNew, 50)
	b.must(err)
	equal(t, "old status new", len(legacy), 1)
}

// A reader that follows by sequence number must see every event.
func testEventOrder(t *testing.T, b *bench) {
	const writers, each = 4, 15
	ctx, cancel := context.WithTimeout(t.Context(), minute)
	defer cancel()
	var all sync.WaitGroup
	for w := range writers {
		id := song
		id.Song += definition.SongID(fmt.Sprint(w))
		all.Go(func() {
			for i := range each {
				if err := b.Record(ctx, store.Event{Song: id, Stage: store.StageAlign, State: store.TaskDone, Text: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]bool{}
	var after int64
	for len(seen) < writers*each {
		events, err := b.Events(ctx, definition.Song{}, after, 7)
		b.must(err)
		for _, e := range events {
			seen[fmt.Sprint(e.Song.Song, e.Text)] = true
			after = e.Seq
		}
	}
	all.Wait()
}

func testWatch(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	changed := b.Watch(ctx, song)
	all := b.Watch(ctx, definition.Song{})
	other := b.Watch(ctx, definition.Song{Choir: song.Choir, Song: "other"})
	heard := func(what string) {
		t.Helper()
		select {
		case _, ok := <-changed:
			if !ok {
				t.Fatalf("the channel closed before %s", what)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing heard of %s", what)
		}
	}
	b.upload("p", "1")
	heard("an upload")
	if _, ok := <-all; !ok {
		t.Fatal("the channel of all songs closed")
	}
	b.send()
	b.news("ingest-p-1", 1)
	heard("news")
	woken := 0
	for i := range 5 {
		b.upload("q", fmt.Sprint(i))
		heard("another upload")
		select {
		case <-other:
			woken++
		default:
		}
	}
	if woken > 1 { // PostgreSQL wakes everybody once, when it has begun to listen
		t.Errorf("a watcher of another song was woken %d times", woken)
	}
	cancel()
	for open := true; open; {
		select {
		case _, open = <-changed:
		case <-time.After(30 * time.Second):
			t.Fatal("the channel is not closed after its context")
		}
	}
	closed := b.handle()
	changed = closed.Watch(t.Context(), song)
	b.must(closed.Close())
	for open := true; open; {
		select {
		case _, open = <-changed:
		case <-time.After(30 * time.Second):
			t.Fatal("the channel is not closed with the store")
		}
	}
}
