package engine

import (
	"slices"
	"testing"

	"github.com/choirless/render/media"
)

// TestPictureMemoryIsKept: a canvas has the memory of pictures of the one before,
// also of those given back after that was closed, but none that somebody still
// reads; nothing of what they showed is left.
func TestPictureMemoryIsKept(t *testing.T) {
	e := open(t, Options{})
	s := even(64, 48)
	s.Tiles[0].Rect.Max.X = 40
	old, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(c *Canvas, u ...Update) (*media.Frame, func()) {
		t.Helper()
		f, release, err := c.Render(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		return f, release
	}
	pixels := noise(newFrame(64, 48, 1, 1, 8), 1)
	before, releaseBefore := frame(old, Update{Frame: pixels, Opacity: 1})
	after, releaseAfter := frame(old)
	reading, releaseReading := frame(old)
	was := clone(reading)
	releaseBefore()
	old.Close()
	releaseAfter()

	s = even(64, 48)
	s.Tiles[0].Rect.Min.X = 44
	s.Background = [3]uint8{200, 100, 50}
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := render(t, open(t, Options{}), s)
	kept := map[*byte]bool{&before.Planes[0].Data[0]: true, &after.Planes[0].Data[0]: true}
	for i := range 3 {
		f, release := frame(c)
		defer release()
		if got := kept[&f.Planes[0].Data[0]]; got != (i < 2) {
			t.Errorf("picture %d: in memory of the canvas before: %v", i, got)
		}
		if d, at := worst(f, want); d != 0 {
			t.Errorf("picture %d: %d levels off, %s", i, d, at)
		}
	}
	if d, at := worst(reading, was); d != 0 {
		t.Errorf("a frame changed while it was held: %d, %s", d, at)
	}
	releaseReading()
}

// TestPictureMemoryIsBounded: few pictures are kept, of the size given back last.
func TestPictureMemoryIsBounded(t *testing.T) {
	e := open(t, Options{})
	var releases []func()
	for _, width := range []int{64, 32} {
		c, err := e.NewCanvas(t.Context(), even(width, 16))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 * maxFree {
			_, release, err := c.Render(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
		}
		c.Close()
	}
	for _, release := range releases {
		release()
	}
	var widths []int
	for _, p := range e.pictures.free {
		widths = append(widths, p.rect.Dx())
	}
	if want := slices.Repeat([]int{32}, maxFree); !slices.Equal(widths, want) {
		t.Errorf("widths of the pictures kept: %v, want %v", widths, want)
	}
}
