package local

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/choirless/render/definition"
)

// cached makes a song in a cache that was run some hours ago, with files of 1000
// bytes that are one hour apart, the oldest first.
func cached(t *testing.T, cache, song string, hours, files int) string {
	t.Helper()
	dir := filepath.Join(cache, "c+"+song, definition.BucketFinalParts)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name string, size int, ago time.Duration) {
		if err := os.WriteFile(name, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-ago)
		if err := os.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(cache, "c+"+song, lockName), 0, time.Duration(hours)*time.Hour)
	for i := range files {
		put(filepath.Join(dir, fmt.Sprint(i)), 1000, time.Duration(files-i)*time.Hour)
	}
	return dir
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, e := range list {
		s += e.Name()
	}
	return s
}

func TestTrim(t *testing.T) {
	for _, c := range []struct {
		limit                  int64
		older, old, busy, ours string // files left
	}{
		{0, "01", "01", "01", "0123"},
		{10000, "01", "01", "01", "0123"},
		{8000, "", "01", "01", "0123"},
		{7999, "", "", "01", "0123"},
		{6000, "", "", "01", "0123"},
		{5000, "", "", "01", "123"},
		{1, "", "", "01", ""}, // what another run uses stays
	} {
		cache := t.TempDir()
		older, old := cached(t, cache, "older", 30, 2), cached(t, cache, "old", 20, 2)
		busy, ours := cached(t, cache, "busy", 40, 2), cached(t, cache, "ours", 50, 4)
		other, err := OpenWorkDir(cache, false, definition.Song{Choir: "c", Song: "busy"})
		if err != nil {
			t.Fatal(err)
		}
		w, err := OpenWorkDir(cache, false, definition.Song{Choir: "c", Song: "ours"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Trim(c.limit); err != nil {
			t.Fatal(err)
		}
		w.Close()
		other.Close()
		for _, f := range []struct{ dir, want string }{{older, c.older}, {old, c.old}, {busy, c.busy}, {ours, c.ours}} {
			if got := names(t, f.dir); got != f.want {
				t.Errorf("limit %d: %s holds %q, want %q", c.limit, filepath.Dir(f.dir), got, f.want)
			}
		}
	}
}

// A run counts as a use.
func TestOpenIsUse(t *testing.T) {
	cache := t.TempDir()
	cached(t, cache, "a", 2, 1)
	cached(t, cache, "b", 1, 1)
	w, err := OpenWorkDir(cache, false, definition.Song{Choir: "c", Song: "a"})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	songs, total, err := cachedSongs(cache)
	if err != nil || total != 2000 || len(songs) != 2 || filepath.Base(songs[0].dir) != "c+b" {
		t.Errorf("%d bytes, %+v, %v: want 2000, b first", total, songs, err)
	}
}
