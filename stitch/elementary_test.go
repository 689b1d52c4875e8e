package stitch

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func elementaryOf(t testing.TB, name string) []byte {
	t.Helper()
	r, err := Elementary(bytes.NewReader(load(t, name)))
	if err != nil {
		t.Fatal(name, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(name, err)
	}
	return b
}

// MP4 and Matroska files of the same pictures give the same byte stream.
func TestElementary(t *testing.T) {
	mp4, mkv := elementaryOf(t, "clip.mp4"), elementaryOf(t, "clip.mkv")
	if !bytes.Equal(mp4, mkv) {
		t.Errorf("MP4 gives %d bytes, Matroska %d others", len(mp4), len(mkv))
	}
	if n := len(headers(t, mp4)); n != 6 {
		t.Errorf("%d slices, want 6", n)
	}
	raw := load(t, "cabac-p.r0.s0.h264")
	if got := elementaryOf(t, "cabac-p.r0.s0.h264"); !bytes.Equal(got, raw) {
		t.Error("a byte stream is not as it was")
	}
}

func TestElementaryRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "empty file"},
		{"short", []byte{1}, "neither"},
		{"text", []byte("hello, world"), "neither"},
		{"MP4 cut short", load(t, "clip.mp4")[:40], "no moov"},
		{"sound only", load(t, "tone.m4a"), "no vide track of format [avc1 avc3], only soun/mp4a"},
		{"Matroska cut short", load(t, "clip.mkv")[:60], "matroska"},
	} {
		r, err := Elementary(bytes.NewReader(c.b))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	// every cut of a file with data behind its index is noticed
	for _, name := range []string{"clip.mkv", "clip.mp4"} {
		whole := load(t, name)
		r, err := Elementary(bytes.NewReader(whole[:len(whole)-20]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if name == "clip.mp4" && err == nil {
			t.Errorf("%s: cut short and taken", name)
		}
	}
}

func TestReadAudio(t *testing.T) {
	a, err := ReadAudio(bytes.NewReader(load(t, "tone.m4a")))
	if err != nil {
		t.Fatal(err)
	}
	if a.Rate != 48000 || a.Channels != 1 || a.Priming != 1024 || a.Samples != 28800 {
		t.Errorf("%d Hz, %d channels, %d priming, %d samples, want 48000, 1, 1024, 28800", a.Rate, a.Channels, a.Priming, a.Samples)
	}
	n := 0
	for p, err := range a.Packets {
		if err != nil {
			t.Fatal(err)
		}
		if p.Duration != 1024 || len(p.Data) == 0 {
			t.Errorf("packet %d: %d bytes, %d sample frames", n, len(p.Data), p.Duration)
		}
		n++
	}
	if want := (28800 + 1024 + 1023) / 1024; n != want {
		t.Errorf("%d packets, want %d", n, want)
	}
	if _, err := ReadAudio(bytes.NewReader(load(t, "clip.mp4"))); err == nil {
		t.Error("a file without sound was taken")
	}
}

func FuzzElementary(f *testing.F) {
	for _, name := range []string{"clip.mp4", "clip.mkv", "tone.m4a", "cabac-p.r0.s2.h264"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := Elementary(bytes.NewReader(b)); err == nil {
			n, _ := io.Copy(io.Discard, io.LimitReader(r, 1<<24))
			_ = n
		}
		if a, err := ReadAudio(bytes.NewReader(b)); err == nil {
			n := 0
			for _, err := range a.Packets {
				if n++; err != nil || n > 10000 {
					break
				}
			}
		}
	})
}
