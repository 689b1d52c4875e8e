package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

// script is a run of updates with everything in it that a canvas can meet: new
// pictures, held ones, fades, placeholders, other shapes, pictures for the plain
// variant (grey HLG), wide colour, nothing at all.
func script(seed int64) (Scene, [][]Update) {
	rng := rand.New(rand.NewSource(seed))
	s := Scene{Width: 96, Height: 64, Background: [3]uint8{30, 60, 90}}
	for i := range 6 {
		x, y := i%3*32, i/3*32
		s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(x+i%2, y+1, x+31, y+30), Radius: i % 4, Placeholder: "T"})
	}
	hlg := media.Color{Matrix: media.BT2020, Range: media.Limited, Primaries: media.Primaries2020, Transfer: media.TransferHLG}
	var all [][]Update
	for range 40 {
		var us []Update
		for tile := range s.Tiles {
			u := Update{Tile: tile, Opacity: 1}
			switch n := rng.Intn(24); {
			case n < 10:
				continue
			case n == 10:
				u.Hold, u.Opacity = true, 0.5
			case n == 11: // placeholder
			case n == 12: // another shape
				u.Frame = noise(newFrame(24+2*rng.Intn(3), 40, 1, 1, 8), rng.Int63())
			case n == 13: // wide colour
				u.Frame = noise(newFrame(40, 30, 1, 1, 10), rng.Int63())
				u.Frame.Color = hlg
			case n == 14: // plain
				u.Frame = noise(newFrame(40, 30, 1, 1, 10), rng.Int63())
				u.Frame.Color = hlg
				u.Frame.Planes[1], u.Frame.Planes[2] = media.Plane{}, media.Plane{}
			default:
				u.Frame = noise(newFrame(40, 30, 1, 1, 8), rng.Int63())
				u.Frame.Color = media.CanvasColor
			}
			us = append(us, u)
		}
		all = append(all, us)
	}
	return s, all
}

// TestFormsAreEqual: every form of the fast variant gives the default form's
// pixels, bit for bit, with as many frames under way as it likes.
func TestFormsAreEqual(t *testing.T) {
	s, updates := script(3)
	want := play(t, open(t, Options{}), s, updates, 1)
	for name, tune := range tunings {
		t.Run(name, func(t *testing.T) {
			e := open(t, Options{Tune: tune})
			for _, ahead := range []int{1, max(tune.InFlight, 1), max(tune.InFlight, 1) + 2} {
				for i, got := range play(t, e, s, updates, ahead) {
					if d, at := worst(want[i], got); d != 0 {
						t.Fatalf("%d ahead, frame %d: %d levels apart, %s", ahead, i, d, at)
					}
				}
			}
		})
	}
}

// play renders with ahead frames begun before the first of them is finished.
func play(t *testing.T, e *Engine, s Scene, updates [][]Update, ahead int) (frames []*media.Frame) {
	t.Helper()
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	finish := func() {
		f, release, err := c.Finish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, clone(f))
		release()
	}
	for i, us := range updates {
		us = slices.Clone(us)
		for k, u := range us {
			if u.Frame != nil {
				us[k].Frame = clone(u.Frame)
			}
		}
		if err := c.Begin(t.Context(), us); err != nil {
			t.Fatal(err)
		}
		for _, u := range us {
			if u.Frame != nil { // the caller's again
				clear(u.Frame.Planes[0].Data)
			}
		}
		if i+1-len(frames) == ahead {
			finish()
		}
	}
	for len(frames) < len(updates) {
		finish()
	}
	return frames
}

func TestBeginAndFinishInTurn(t *testing.T) {
	e := open(t, Options{Tune: Tuning{InFlight: 3}})
	c, err := e.NewCanvas(t.Context(), even(16, 16))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.Finish(t.Context()); err == nil || !strings.Contains(err.Error(), "no frame is begun") {
		t.Errorf("Finish before Begin: %v", err)
	}
	if n := c.InFlight(); n != 3 {
		t.Errorf("%d frames in flight, want 3", n)
	}
	if err := c.Begin(t.Context(), []Update{{Frame: flat(16, 16, 100, 128, 128), Opacity: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Render(t.Context(), nil); err != errPending {
		t.Errorf("Render between Begin and Finish: %v, want %v", err, errPending)
	}
	f, release, err := c.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got := get(f, 0, 3, 3); got != 100 {
		t.Errorf("luma %d, want 100", got)
	}
}

// TestContextEnds: a frame is refused or not finished where the context has ended,
// and the canvas goes on as if it had not been asked.
func TestContextEnds(t *testing.T) {
	e := open(t, Options{Tune: Tuning{InFlight: 3}})
	s := Scene{Width: 64, Height: 64, Tiles: []Tile{{Rect: image.Rect(0, 0, 32, 64)}, {Rect: image.Rect(32, 0, 64, 64)}}}
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ended, end := context.WithCancel(t.Context())
	end()
	first := []Update{{Tile: 0, Frame: flat(64, 64, 50, 128, 128), Opacity: 1}}
	second := []Update{{Tile: 1, Frame: flat(64, 64, 90, 128, 128), Opacity: 1}} // a tile's first: waits for all before
	if err := c.Begin(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Begin(ended, second); !errors.Is(err, context.Canceled) {
			t.Fatalf("Begin: %v, want %v", err, context.Canceled)
		}
		if _, _, err := c.Finish(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("Finish: %v, want %v", err, context.Canceled)
		}
	}
	if err := c.Begin(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2]int{{50, 0}, {50, 90}} {
		f, release, err := c.Finish(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := get(f, 0, 5, 5); got != want[0] {
			t.Errorf("frame %d, left: %d, want %d", i, got, want[0])
		}
		if got := get(f, 0, 40, 5); i == 1 && got != want[1] {
			t.Errorf("frame %d, right: %d, want %d", i, got, want[1])
		}
		release()
	}
	if _, _, err := c.Finish(t.Context()); err == nil || !strings.Contains(err.Error(), "no frame is begun") {
		t.Errorf("a third Finish: %v", err)
	}
}

// TestClosedWithFramesUnderWay: a canvas given up in the middle, as by a cell that
// is cancelled, leaves nothing in the next one's way.
func TestClosedWithFramesUnderWay(t *testing.T) {
	e := open(t, Options{Tune: Tuning{InFlight: 3}})
	for round := range 4 {
		c, err := e.NewCanvas(t.Context(), even(64, 64))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			if err := c.Begin(t.Context(), []Update{{Frame: flat(64, 64, float64(50+i), 128, 128), Opacity: 1}}); err != nil {
				t.Fatalf("round %d, frame %d: %v", round, i, err)
			}
			if i != 2 {
				continue
			}
			f, release, err := c.Finish(t.Context())
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if got := get(f, 0, 5, 5); got != 50 {
				t.Errorf("round %d: luma %d, want 50", round, got)
			}
			release()
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTuningIsChecked(t *testing.T) {
	for want, tune := range map[string]Tuning{
		`fetch "magic", want "image" or "sampler"`: {Fetch: "magic"},
		"5 colour targets, want 8 or 4":            {Targets: 5},
		"65 tiles together, want 1 to 64":          {Together: 65},
		"9 frames in flight, want 1 to 8":          {InFlight: 9},
	} {
		open(t, Options{}) // skips where there is no OpenGL
		if e, err := New(t.Context(), Options{Tune: tune}); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			e.Close()
			t.Errorf("%+v: error %v, want one with %q", tune, err, want)
		}
	}
}
