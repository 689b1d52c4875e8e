package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/local"
)

// What song.json says and nobody can use is said by plan as by render.
func TestNotesOnTheSongFile(t *testing.T) {
	dir, tr := choir(t, "--parts", "1", "--seconds", "1", "--tiny")
	id := tr.Parts[0].Part
	doc := `{"output":{"size":[320,180]},"parts":[{"partId":"` + id + `","partType":"backing","offset":500,"offset_locked":true},{"partId":"nobody"}]}`
	if err := os.WriteFile(filepath.Join(dir, local.SongFile), []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"plan", dir, "--no-cache"},
		{"render", dir, "--no-cache", "--out", filepath.Join(t.TempDir(), "final.mp4")},
	} {
		code, o, e := command(t, args...)
		for _, want := range []string{"note: part \"" + id + "\": the backing's time is the song's", `note: part "nobody": there is no recording`} {
			if all := o + e; code != exitOK || strings.Count(all, want[len("note: "):]) != 1 || !strings.Contains(all, want) {
				t.Errorf("%s: exit %d, want %q once:\n%s", args[0], code, want, all)
			}
		}
	}
}
