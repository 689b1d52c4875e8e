package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// numbered is an H.264 file with so many numbered pictures.
func numbered(t *testing.T, pictures int) string {
	t.Helper()
	var out bytes.Buffer
	c, err := encode.NewCell(&out, encode.CellOptions{
		Width: 320, Height: 96, Rate: media.FrameRate{Num: 25, Den: 1}, CRF: 30, GOP: 250, StripeMV: encode.StripeMVAvailable(),
	})
	if err != nil {
		t.Fatal(err)
	}
	f := media.NewFrame(320, 96)
	for n := range pictures {
		avtest.Number(f, n)
		if err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stripe.h264")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whatever is not as in the stripes is found, pictures that lack at the end too.
func TestVerifyStitch(t *testing.T) {
	ten, twelve := numbered(t, 10), numbered(t, 12)
	out := filepath.Join(t.TempDir(), "out.mp4")
	code, o, e := command(t, "stitch", ten, "--out", out, "--verify", "--fps", "25/1")
	if code != exitOK || !strings.Contains(o, "10 pictures of 320x96, 0.40 s") || !strings.Contains(o, "verified") {
		t.Fatalf("exit %d: %s%s", code, o, e)
	}
	rate := media.FrameRate{Num: 25, Den: 1}
	for name, stripe := range map[string]string{"a longer stripe": twelve, "a shorter stripe": numbered(t, 9)} {
		if err := verifyStitch(t.Context(), []string{stripe}, out, rate); err == nil || !strings.Contains(err.Error(), "verify: stripe 0") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
