package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/store"
)

// TestChoirsOfEarlierSongs takes a database back to before there were choirs: opened
// again, it has those of the songs it holds.
func TestChoirsOfEarlierSongs(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "db")
		testChoirsOfEarlierSongs(t, "sqlite", path, func(o ...store.Option) (store.Store, error) {
			return store.OpenSQLite(t.Context(), path, o...)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		address := testserver.Postgres(t)(t)
		testChoirsOfEarlierSongs(t, "pgx", address, func(o ...store.Option) (store.Store, error) {
			return store.OpenPostgres(t.Context(), address, o...)
		})
	})
}

func testChoirsOfEarlierSongs(t *testing.T, driver, address string, open func(...store.Option) (store.Store, error)) {
	ctx := t.Context()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	list := func(then func(store.Store)) string {
		t.Helper()
		s, err := open(store.WithClock(func() time.Time { return now }))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		then(s)
		all, err := s.Choirs(ctx, 10)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(all)
	}
	before := list(func(s store.Store) {
		for _, id := range []definition.Song{{Choir: "a", Song: "1"}, {Choir: "b", Song: "1"}, {Choir: "a", Song: "2"}} {
			if err := s.PutSong(ctx, id, nil); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
		}
	})
	raw, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`DROP TABLE choirs`, `DELETE FROM migrations WHERE name = '0007_choirs.sql'`} {
		if _, err := raw.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	if after := list(func(store.Store) {}); after != before {
		t.Errorf("choirs are %s, were %s", after, before)
	}
}
