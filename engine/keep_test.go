package engine

import (
	"fmt"
	"image"
	"slices"
	"testing"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
)

// TestNothingOfEarlierCanvasesShows: canvases of all geometries, one after the
// other in one engine, show what each does in an engine of its own.
func TestNothingOfEarlierCanvasesShows(t *testing.T) {
	type piece struct {
		scene   Scene
		updates [][]Update
		want    []*media.Frame
	}
	var pieces []piece
	row := func(rects ...image.Rectangle) func(*Scene) {
		return func(s *Scene) {
			s.Width, s.Tiles = 256, s.Tiles[:len(rects)]
			for i, r := range rects {
				s.Tiles[i].Rect = r
			}
		}
	}
	for i, change := range []func(s *Scene){
		row(image.Rect(0, 0, 100, 60)),
		row(image.Rect(0, 0, 100, 60), image.Rect(110, 0, 230, 60)), // another beside it
		row(image.Rect(0, 0, 100, 60), image.Rect(190, 0, 250, 60)),
		row(image.Rect(0, 0, 140, 60), image.Rect(190, 0, 250, 60)), // wider than the result had room for it
		func(*Scene) {},
		func(*Scene) {},                          // the same once more
		func(s *Scene) { s.Tiles = s.Tiles[:3] }, // fewer, the others left free
		func(s *Scene) { s.Tiles = s.Tiles[:1] },
		func(s *Scene) { // more than before, elsewhere
			for i := range s.Tiles {
				s.Tiles[i].Rect = s.Tiles[i].Rect.Add(image.Pt(3, -2))
			}
		},
		func(s *Scene) { // larger
			s.Width, s.Height = 160, 128
			for i := range s.Tiles {
				r := s.Tiles[i].Rect
				s.Tiles[i].Rect = image.Rect(r.Min.X*3/2, r.Min.Y*2, r.Max.X*3/2, r.Max.Y*2)
			}
		},
		func(s *Scene) { s.Height = 48 }, // smaller, cut off
	} {
		s, updates := script(int64(20 + i))
		change(&s)
		updates = updates[:12]
		for j := range updates {
			updates[j] = slices.DeleteFunc(updates[j], func(u Update) bool { return u.Tile >= len(s.Tiles) })
		}
		pieces = append(pieces, piece{s, updates, play(t, open(t, Options{}), s, updates, 1)})
	}
	forms := map[string]Tuning{"default": {}}
	for name, tune := range tunings {
		forms[name] = tune
	}
	for name, tune := range forms {
		t.Run(name, func(t *testing.T) {
			e := open(t, Options{Tune: tune})
			for i, p := range pieces {
				for j, got := range play(t, e, p.scene, p.updates, e.Tuning().InFlight) {
					if d, at := worst(p.want[j], got); d != 0 {
						t.Fatalf("canvas %d, frame %d: %d levels off, %s", i, j, d, at)
					}
				}
			}
		})
	}
}

// storage is what a canvas draws with, as far as it is kept.
type storage struct {
	result, mid *gl.Texture
	memory      *byte
	sources     []*gl.Row // by tile
	tables      int
}

// drawOnce draws a frame in every tile of a canvas, closes it and returns what it
// drew with.
func drawOnce(t *testing.T, e *Engine, s Scene, frames ...*media.Frame) (st storage) {
	t.Helper()
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var us []Update
	for i, f := range frames {
		us = append(us, Update{Tile: i, Frame: f, Opacity: 1})
	}
	_, release, err := c.Render(t.Context(), us)
	if err != nil {
		t.Fatal(err)
	}
	release()
	f := c.fast
	st = storage{result: f.result[0], mid: f.mid, memory: &f.memory[0], tables: len(f.tables)}
	for i := range frames {
		st.sources = append(st.sources, f.tiles[i].sources[0])
	}
	return st
}

// TestStorageIsKept: a canvas of the geometry of the one before makes nothing anew,
// a smaller one nothing either but weights; a larger one what it must.
func TestStorageIsKept(t *testing.T) {
	e := open(t, Options{Tune: Tuning{InFlight: 1}})
	scene := func(height int) Scene {
		return Scene{Width: 256, Height: height, Tiles: []Tile{{Rect: image.Rect(0, 0, 100, height)}, {Rect: image.Rect(110, 0, 250, height)}}}
	}
	small, large := flat(64, 48, 90, 100, 110), flat(160, 120, 90, 100, 110)
	first := drawOnce(t, e, scene(144), small, large)
	same := drawOnce(t, e, scene(144), small, large)
	if fmt.Sprint(same) != fmt.Sprint(first) {
		t.Errorf("the same again: drawn with %v, at first %v", same, first)
	}
	lower := drawOnce(t, e, scene(120), large, small)
	if lower.result != first.result || lower.mid != first.mid || lower.memory != first.memory {
		t.Errorf("a smaller one: drawn with %v, at first %v", lower, first)
	}
	if lower.sources[0] != first.sources[1] || lower.sources[1] != first.sources[0] {
		t.Errorf("sources changed round: drawn with %v, at first %v", lower.sources, first.sources)
	}
	higher := drawOnce(t, e, scene(200), large, large)
	if higher.result == first.result || higher.sources[0] != first.sources[1] && higher.sources[1] != first.sources[1] {
		t.Errorf("a larger one: drawn with %v, at first %v", higher, first)
	}
}

// TestMoreTilesThanBefore: after a canvas of one tile, two go through the passes
// together again, and the one that stays as it was is drawn all the same.
func TestMoreTilesThanBefore(t *testing.T) {
	e := open(t, Options{Tune: Tuning{Together: 2}})
	s := Scene{Width: 256, Height: 64, Tiles: []Tile{{Rect: image.Rect(0, 0, 100, 60)}, {Rect: image.Rect(110, 0, 230, 60)}}}
	u := Update{Frame: noise(newFrame(160, 120, 1, 1, 8), 5), Opacity: 1}
	want := render(t, e, s, u)
	e = open(t, Options{Tune: Tuning{Together: 2}})
	one := s
	one.Tiles = s.Tiles[:1]
	render(t, e, one, u)
	if d, at := worst(want, render(t, e, s, u)); d != 0 {
		t.Errorf("%d levels off, %s", d, at)
	}
	if e.kept.together != 2 {
		t.Errorf("%d tiles together, want 2", e.kept.together)
	}
}

// TestKeptStorageIsBounded: whatever canvases there were, an engine keeps as many
// sources as the last one had tiles, and nothing for shaders it has no more.
func TestKeptStorageIsBounded(t *testing.T) {
	e := open(t, Options{})
	for i := range 12 {
		s := Scene{Width: 64, Height: 64}
		var frames []*media.Frame
		for k := range 1 + i*5%4 {
			s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(16*k, i, 16*k+16, 64)})
			frames = append(frames, flat(16+32*(i*k%5), 16+8*i, 90, 100, 110))
		}
		drawOnce(t, e, s, frames...)
		n := len(e.kept.spare)
		for _, tile := range e.kept.tiles {
			n += len(tile.sources)
		}
		if most := len(s.Tiles) * e.Tuning().InFlight; n > most {
			t.Errorf("canvas %d: %d sources kept, want at most %d", i, n, most)
		}
	}
	if err := e.SetShaders(t.Context(), e.options.Shaders); err != nil {
		t.Fatal(err)
	}
	if e.kept != nil {
		t.Error("what was drawn with other shaders is kept")
	}
}
