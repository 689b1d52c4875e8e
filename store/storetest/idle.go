package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

func testIdle(t *testing.T, b *bench) {
	ctx := t.Context()
	var told store.Idle
	idle := func(since time.Time) bool {
		t.Helper()
		told = store.Idle{}
		called := false
		is, err := b.WhileIdle(ctx, song, since, func(u store.Idle) error { told, called = u, true; return nil })
		b.must(err)
		equal(t, "called", called, is)
		return is
	}
	_, err := b.WhileIdle(ctx, definition.Song{Choir: "no", Song: "body"}, time.Time{}, func(store.Idle) error { return nil })
	b.missing(err)
	if _, err := b.Song(ctx, definition.Song{Choir: "no", Song: "body"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the question has made the song: %v", err)
	}
	began := b.Clock.Now()
	b.upload("p", "1")
	equal(t, "idle with a recording on its way", idle(began), false)
	b.ingest("p", "1")
	equal(t, "idle with a change to be planned", idle(began), false)
	b.Advance(minute)
	c, err := b.ClaimSong(ctx, "me", minute)
	b.must(err)
	b.must(b.SongPlanned(ctx, c, ""))
	equal(t, "idle", idle(began), true)
	equal(t, "renders", told.Renders, 0)
	equal(t, "takes", told.Takes, map[string]bool{"ingest-p-1": true, "sha-p-1": true})

	b.rendering("1", "mine", cells("a", "b")...)
	equal(t, "idle while it is rendered", idle(began), false)
	b.news("a", 1)
	_, err = b.CancelRender(ctx, "1", "a person")
	b.must(err)
	equal(t, "idle while a node works", idle(began), false)
	b.complete("a", nil)
	equal(t, "idle after it has ended", idle(began), true)
	equal(t, "renders", told.Renders, 1)
	var keys []string
	for k := range told.Tasks {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	equal(t, "tasks", keys, []string{"a", "b"})
	b.Advance(2 * minute)
	equal(t, "idle", idle(b.Clock.Now().Add(-minute)), true)
	equal(t, "renders of the last minute", told.Renders, 0)
	equal(t, "their tasks", len(told.Tasks), 0)

	wrong := errors.New("wrong")
	if is, err := b.WhileIdle(ctx, song, began, func(store.Idle) error { return wrong }); is || !errors.Is(err, wrong) {
		t.Errorf("after an error of the caller's: %t, %v", is, err)
	}

	// What begins meanwhile waits.
	other, began2 := b.handle(), make(chan struct{})
	done := make(chan error, 1)
	_, err = b.WhileIdle(ctx, song, began, func(store.Idle) error {
		go func() {
			close(began2)
			_, _, err := other.AddRender(ctx, newRender("2", "mine", "etag-2"))
			done <- err
		}()
		<-began2
		select {
		case err := <-done:
			t.Errorf("a render began while the song was kept at rest (%v)", err)
		case <-time.After(100 * time.Millisecond):
		}
		return nil
	})
	b.must(err)
	b.must(<-done)
	equal(t, "idle with a new render", idle(began), false)
}
