package main

import (
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/scripts/render-local/drive"
)

// tools builds the programs that the tests run, once.
var tools = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "render-local-tools-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, ".", "../choirgen")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// song makes a small song with flashes and beeps, once. Parts are converted into
// the cache beside it by whoever comes first.
var flashSong = sync.OnceValues(func() (dir string, err error) {
	bin, err := tools()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "render-local-song-"); err != nil {
		return "", err
	}
	out, err := exec.Command(filepath.Join(bin, "choirgen"), "--quiet", "--tiny", "--flash", "--parts", "4", "--seconds", "5", "--out", dir).CombinedOutput()
	if err != nil {
		return dir, fmt.Errorf("choirgen: %w\n%s", err, out)
	}
	return dir, nil
})

var cacheDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "render-local-cache-") })

func TestMain(m *testing.M) {
	code := m.Run()
	for _, made := range []func() (string, error){tools, flashSong, cacheDir} {
		if dir, err := made(); err == nil {
			os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

// must is a value whose error ends the test.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// choir copies the song into a folder of the test's own, with links for the
// recordings.
func choir(t *testing.T) string {
	t.Helper()
	src := must[string](t)(flashSong())
	dir := t.TempDir()
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(src)) {
		if strings.Contains(e.Name(), "+") {
			if err := os.Symlink(filepath.Join(src, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := must[[]byte](t)(os.ReadFile(filepath.Join(src, "song.json")))
	if err := os.WriteFile(filepath.Join(dir, "song.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// small are the arguments that keep a picture cheap.
func small(t *testing.T) []string {
	return []string{"--size", "320x180", "--software", "--cache", must[string](t)(cacheDir())}
}

// shaderDir is a copy of the shaders to be edited.
func shaderDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shaders")
	if err := os.CopyFS(dir, os.DirFS("../../shaders")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// editShader replaces text in a shader file.
func editShader(t *testing.T, dir, name, old, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	b := must[[]byte](t)(os.ReadFile(file))
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), old, text, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// screen starts an X server; without one the test is skipped, or failed where
// there must be one.
func screen(t *testing.T) *drive.Screen {
	t.Helper()
	s, err := drive.Start(1024, 768)
	if errors.Is(err, drive.ErrNoXvfb) && os.Getenv("CHOIR_REQUIRE_GL") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// window runs render-local on a screen.
func openWindow(t *testing.T, s *drive.Screen, args ...string) *drive.Session {
	t.Helper()
	bin := must[string](t)(tools())
	r := must[*drive.Session](t)(s.Run(filepath.Join(bin, "render-local"), append(small(t), args...)...))
	t.Cleanup(r.Kill)
	return r
}

// patience bounds waiting for something that must come; how long it takes is not
// what these tests are about.
const patience = 90 * time.Second

// await asks for the status until it is as wanted.
func await(t *testing.T, r *drive.Session, what string, ok func(drive.Status) bool) drive.Status {
	t.Helper()
	for end := time.Now().Add(patience); ; pause() {
		st := must[drive.Status](t)(r.Status())
		if ok(st) {
			return st
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v: %+v", what, patience, st)
		}
	}
}

// pause lets the program get on.
func pause() { time.Sleep(20 * time.Millisecond) }

func do(t *testing.T, r *drive.Session, command string) {
	t.Helper()
	if _, err := r.Do("%s", command); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

// meanOf is the mean of R, G and B over a rectangle.
func meanOf(m *image.RGBA, r image.Rectangle) float64 {
	sum, n := 0, 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := m.Pix[m.PixOffset(x, y):]
			sum += int(p[0]) + int(p[1]) + int(p[2])
			n += 3
		}
	}
	return float64(sum) / float64(max(1, n))
}
