package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/local"
)

// A song with nothing to hear says so, and not that it is at full scale.
func TestSongWithoutSound(t *testing.T) {
	dir, tr := choir(t, "--parts", "1", "--seconds", "1", "--tiny")
	setVolume(t, filepath.Join(dir, local.SongFile), tr.Parts[0].Part, 0)
	out := filepath.Join(t.TempDir(), "final.mp4")
	code, o, e := command(t, "render", dir, "--out", out, "--size", "320x180", "--no-cache")
	if code != exitOK || !strings.Contains(o, "frames, no sound\n") || strings.Contains(o, "LUFS") {
		t.Errorf("exit %d:\n%s%s", code, o, e)
	}
}
