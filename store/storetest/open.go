package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// testOpen has many open a new database at the same moment, as coordinators that start
// together do: its tables are made once, and everybody can use them.
func testOpen(t *testing.T, open Database) {
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			s, err := open()
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.PutSong(t.Context(), song, nil); err != nil {
				t.Error(err)
			}
			if _, err := s.Choirs(t.Context(), 1); err != nil { // of the newest table
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func testTwoHandles(t *testing.T, b *bench) {
	ctx := t.Context()
	other := b.handle()
	if err := other.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	const songs = 6
	for i := range songs {
		id := store.PartID{Song: definition.Song{Choir: "choir", Song: definition.SongID(fmt.Sprint("song", i))}, Part: "p"}
		b.must(b.PutPart(ctx, id, json.RawMessage(`{}`)))
	}
	var mu sync.Mutex
	won := map[string]int{}
	var all sync.WaitGroup
	for _, h := range []store.Store{b.Store, other} {
		for range 2 {
			all.Go(func() {
				for {
					c, err := h.ClaimSong(ctx, "me", minute)
					if err != nil {
						return
					}
					mu.Lock()
					won[string(c.Song.Song.Song)]++
					mu.Unlock()
					if err := h.SongPlanned(ctx, c, ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	equal(t, "songs planned", len(won), songs)
	for id, n := range won {
		equal(t, "times song "+id+" was planned", n, 1)
	}
}
