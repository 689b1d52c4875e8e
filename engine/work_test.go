package engine

import (
	"image"
	"testing"
	"time"

	"github.com/choirless/render/media"
)

// TestWork: passes are measured when asked for, bytes always.
func TestWork(t *testing.T) {
	f := newFrame(96, 64, 1, 1, 8)
	f.Color = media.CanvasColor
	scene := Scene{Width: 64, Height: 64, Tiles: []Tile{{Rect: image.Rect(0, 0, 64, 64)}}}
	const samples = 96*64 + 2*48*32
	const repeated = 2 * (96 + 2*48) // a row above and one below
	for name, c := range map[string]struct {
		options  Options
		passes   []string
		uploaded int64
	}{
		"fast":         {Options{Timed: true}, []string{"vertical", "horizontal"}, samples + repeated},
		"plain":        {Options{Timed: true, Plain: true}, []string{"plain"}, samples},
		"not measured": {Options{}, nil, samples + repeated},
	} {
		t.Run(name, func(t *testing.T) {
			canvas, err := open(t, c.options).NewCanvas(t.Context(), scene)
			if err != nil {
				t.Fatal(err)
			}
			defer canvas.Close()
			for range 3 {
				_, release, err := canvas.Render(t.Context(), []Update{{Frame: f, Opacity: 1}})
				if err != nil {
					t.Fatal(err)
				}
				release()
			}
			w, err := canvas.Work(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(w.Passes) != len(c.passes) {
				t.Errorf("passes %v, want %v", w.Passes, c.passes)
			}
			for _, p := range c.passes {
				if w.Passes[p] <= 0 || w.Passes[p] > time.Minute {
					t.Errorf("%s took %v", p, w.Passes[p])
				}
			}
			if w.Uploaded != 3*c.uploaded || w.ReadBack < 3*64*64*3/2 {
				t.Errorf("%d bytes uploaded, want %d; %d read back", w.Uploaded, 3*c.uploaded, w.ReadBack)
			}
		})
	}
}
