package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

func testChoirs(t *testing.T, b *bench) {
	ctx := t.Context()
	listed := func(limit int) (all []string) {
		t.Helper()
		choirs, err := b.Choirs(ctx, limit)
		b.must(err)
		for _, c := range choirs {
			all = append(all, fmt.Sprint(c.ID, " ", c.Songs, " ", c.Created.Format(time.TimeOnly), " ", c.Updated.Format(time.TimeOnly)))
		}
		return all
	}
	equal(t, "nobody", listed(10), nil)
	b.must(b.Record(ctx, store.Event{Song: song, Stage: store.StageUpload, State: store.TaskDone})) // a song that nobody has
	equal(t, "without a song", listed(10), nil)

	b.must(b.PutSong(ctx, song, nil)) // at 03:04:05
	b.Advance(minute)
	b.must(b.PutSong(ctx, definition.Song{Choir: "ü's", Song: "s"}, nil))
	equal(t, "two", listed(10), []string{"ü's 1 03:05:05 03:05:05", "choir 1 03:04:05 03:04:05"})
	b.Advance(minute)
	b.must(b.PutSong(ctx, song, nil)) // known, and nothing is done
	equal(t, "a song once more", listed(10), []string{"ü's 1 03:05:05 03:05:05", "choir 1 03:04:05 03:04:05"})
	b.must(b.PutSong(ctx, definition.Song{Choir: "choir", Song: "second"}, nil))
	equal(t, "another song", listed(10), []string{"choir 2 03:04:05 03:06:05", "ü's 1 03:05:05 03:05:05"})
	b.Advance(minute)
	b.must(b.Record(ctx, store.Event{Song: definition.Song{Choir: "ü's", Song: "s"}, Stage: store.StageAlign, State: store.TaskRunning}))
	equal(t, "a step", listed(10), []string{"ü's 1 03:05:05 03:07:05", "choir 2 03:04:05 03:06:05"})
	b.Advance(minute)
	b.upload("p", "1")
	equal(t, "a step of the older of two songs", listed(1), []string{"choir 2 03:04:05 03:08:05"})

	songs, err := b.Songs(ctx, "choir", 10)
	b.must(err)
	equal(t, "songs of a choir", len(songs), 2)
	songs, err = b.Songs(ctx, "", 10)
	b.must(err)
	equal(t, "songs of all choirs", len(songs), 3)
}

// Songs of one choir that come at once: it is there once, with all of them.
func testChoirRace(t *testing.T, b *bench) {
	const songs = 8
	var all sync.WaitGroup
	for _, h := range []store.Store{b.Store, b.handle()} {
		for i := range songs {
			all.Go(func() {
				if err := h.PutSong(t.Context(), definition.Song{Choir: "choir", Song: definition.SongID(fmt.Sprint(i))}, nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	choirs, err := b.Choirs(t.Context(), 10)
	b.must(err)
	equal(t, "choirs", len(choirs), 1)
	equal(t, "songs", choirs[0].Songs, songs)
}
