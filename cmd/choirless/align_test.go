package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The exit code says that a person is needed, however the lines are printed; a file
// that is not there is no part that needs a look.
func TestAlignExitCodes(t *testing.T) {
	dir, tr := choir(t, "--parts", "2", "--seconds", "4", "--tiny")
	ref, part := filepath.Join(dir, tr.Parts[0].File), filepath.Join(dir, tr.Parts[1].File)
	text := filepath.Join(t.TempDir(), "words.mp4")
	if err := os.WriteFile(text, []byte("this is not a film\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{ref, part}, exitOK},
		{[]string{ref, part, "--json"}, exitOK},
		{[]string{ref, part, text}, exitReview},
		{[]string{ref, part, text, "--json"}, exitReview},
		{[]string{ref, text, "--each", "--json"}, exitReview},
		{[]string{ref, part, filepath.Join(dir, "gone.mp4")}, exitInput},
		{[]string{ref, filepath.Join(dir, "gone.mp4"), "--json"}, exitInput},
		{[]string{filepath.Join(dir, "gone.mp4"), part}, exitInput},
	} {
		code, out, errOut := command(t, append([]string{"align"}, c.args...)...)
		if code != c.code {
			t.Errorf("align %v: exit %d, want %d\n%s%s", c.args, code, c.code, out, errOut)
		}
		if c.code == exitReview && !strings.Contains(out, "words.mp4") {
			t.Errorf("align %v: no line of the part: %s", c.args, out)
		}
	}
}
