package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/local"
)

// A part may be named as the sums of the stems are.
func TestStemsOfAPartNamedDry(t *testing.T) {
	dir, tr := choir(t, "--parts", "1", "--seconds", "1", "--tiny")
	file := tr.Parts[0].File
	dry := file[:strings.LastIndex(file, "+")+1] + "dry" + filepath.Ext(file)
	if err := errors.Join(os.Rename(filepath.Join(dir, file), filepath.Join(dir, dry)), os.Remove(filepath.Join(dir, local.SongFile))); err != nil {
		t.Fatal(err)
	}
	stems := t.TempDir()
	rendered(t, dir, "--size", "320x180", "--no-cache", "--stems", stems)
	files, err := filepath.Glob(filepath.Join(stems, "*.flac"))
	if err != nil || len(files) != 3 {
		t.Errorf("%v, %v, want dry, +dry and wet", files, err)
	}
}
