package engine

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

// flat is a frame of one colour in canvas codes.
func flat(w, h int, y, cb, cr float64) *media.Frame {
	f := newFrame(w, h, 1, 1, 8)
	f.Color = media.CanvasColor
	for i, v := range []float64{y, cb, cr} {
		fillPlane(f, i, func(int, int) float64 { return v })
	}
	return f
}

// TestIdentity: a picture in canvas colour shown in its own size is untouched,
// wherever its tile lies, chroma included as long as the place is even.
func TestIdentity(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		f := noise(newFrame(24, 16, 1, 1, 8), 7)
		f.Color = media.CanvasColor
		for _, at := range []image.Point{{0, 0}, {2, 6}, {10, 14}, {7, 3}, {-4, -2}} {
			r := image.Rectangle{at, at.Add(image.Pt(24, 16))}
			out := render(t, e, Scene{Width: 40, Height: 32, Tiles: []Tile{{Rect: r}}}, Update{Frame: f, Opacity: 1})
			for p := range 3 {
				if p > 0 && (at.X%2 != 0 || at.Y%2 != 0) {
					continue
				}
				sub := min(p, 1)
				for y := max(at.Y, 0) >> sub; y < (at.Y+16)>>sub; y++ {
					for x := max(at.X, 0) >> sub; x < (at.X+24)>>sub; x++ {
						if got, want := get(out, p, x, y), get(f, p, x-at.X>>sub, y-at.Y>>sub); got != want {
							t.Fatalf("at %v: plane %d sample %d,%d = %d, want %d", at, p, x, y, got, want)
						}
					}
				}
			}
		}
	})
}

// TestUpdatesTouchOnlyTheirTiles renders changes one by one into frames that
// are held for different times, and compares each with a canvas of its own.
func TestUpdatesTouchOnlyTheirTiles(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		s := Scene{Width: 64, Height: 48, Background: [3]uint8{30, 60, 90}}
		for i := range 4 {
			x, y := i%2*32, i/2*24
			s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(x+1, y+1, x+31, y+23), Radius: i, Placeholder: "T"})
		}
		s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(20, 12, 45, 37), Border: 1}) // over all four
		c, err := e.NewCanvas(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		now := map[int]Update{}
		type held struct {
			f, copied *media.Frame
			release   func()
		}
		var holding []held
		for i := range 24 {
			tile := i * 7 % 5
			u := Update{Tile: tile, Frame: noise(newFrame(40, 30, 1, 1, 8), int64(i)), Opacity: 1 - float64(i%3)/2}
			u.Frame.Color = media.CanvasColor
			if i%11 == 10 {
				u.Frame = nil
			}
			now[tile] = u
			f, release, err := c.Render(t.Context(), []Update{u})
			if err != nil {
				t.Fatal(err)
			}
			var all []Update
			for _, v := range now {
				all = append(all, v)
			}
			if d, at := worst(f, render(t, e, s, all...)); d != 0 {
				t.Fatalf("frame %d: %d levels off, %s", i, d, at)
			}
			holding = append(holding, held{f, clone(f), release})
			if len(holding) > i%4 {
				old := holding[0]
				holding = holding[1:]
				if d, at := worst(old.f, old.copied); d != 0 {
					t.Fatalf("a frame changed while it was held: %d, %s", d, at)
				}
				old.release()
			}
		}
	})
}

// TestOpacityAndHold: a picture fades over its placeholder, and keeps its
// pixels meanwhile.
func TestOpacityAndHold(t *testing.T) {
	e := open(t, Options{})
	s := even(16, 16)
	card := get(render(t, e, s), 0, 5, 5)
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, step := range []struct {
		u    Update
		want float64 // of the picture's luma, the rest the card's
	}{
		{Update{Frame: flat(8, 8, 216, 128, 128), Opacity: 1}, 1},
		{Update{Hold: true, Opacity: 0.5}, 0.5},
		{Update{Hold: true, Opacity: 0.25}, 0.25},
		{Update{Hold: true, Opacity: 0}, 0},
		{Update{Hold: true, Opacity: 1}, 1},
		{Update{}, 0},
		{Update{Hold: true, Opacity: 1}, 0}, // the card stays
	} {
		f, release, err := c.Render(t.Context(), []Update{step.u})
		if err != nil {
			t.Fatal(err)
		}
		want := int(216*step.want + float64(card)*(1-step.want))
		if step.u == (Update{}) {
			want = 16 // of the card, nothing
		}
		if got := get(f, 0, 5, 5); got < want-1 || got > want+1 {
			t.Errorf("%+v: luma %d, want %d", step.u, got, want)
		}
		release()
	}
}

// TestFadeOfALetterboxedPicture: beside a picture that does not fill its tile
// the placeholder goes as the picture comes, to the background in the end.
func TestFadeOfALetterboxedPicture(t *testing.T) {
	e := open(t, Options{})
	s := even(64, 32)
	s.Tiles[0].Fit = Contain
	card := get(render(t, e, s), 0, 1, 16)
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, opacity := range []float64{1, 0.75, 0.25, 0} {
		f, release, err := c.Render(t.Context(), []Update{{Frame: flat(32, 32, 200, 128, 128), Opacity: opacity}})
		if err != nil {
			t.Fatal(err)
		}
		want := int(16*opacity + float64(card)*(1-opacity))
		if got := get(f, 0, 1, 16); got < want-1 || got > want+1 {
			t.Errorf("opacity %g: luma %d beside the picture, want %d", opacity, got, want)
		}
		release()
	}
}

// TestChangeOfFormIsLetterboxed: a 4:3 picture that turns into a tall one is
// shown whole in its tile, with the background beside it, by a canvas that begins
// with it too, as that of a later cell does.
func TestChangeOfFormIsLetterboxed(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		s := even(64, 48)
		s.Tiles[0].Aspect = 64.0 / 48
		tall := flat(24, 48, 150, 128, 128)
		if got := get(render(t, e, s, Update{Frame: tall, Opacity: 1}), 0, 1, 24); got != 16 {
			t.Errorf("first picture of a canvas: %d at the edge, want 16", got)
		}
		c, err := e.NewCanvas(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i, step := range []struct {
			f        *media.Frame
			at       int // luma of the left edge, middle row
			atMiddle int
		}{
			{flat(64, 48, 200, 128, 128), 200, 200},
			{flat(32, 24, 180, 128, 128), 180, 180}, // another size, one form
			{tall, 16, 150},
			{flat(64, 48, 140, 128, 128), 140, 140},
		} {
			f, release, err := c.Render(t.Context(), []Update{{Frame: step.f, Opacity: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if a, b := get(f, 0, 1, 24), get(f, 0, 32, 24); a != step.at || b != step.atMiddle {
				t.Errorf("step %d: %d at the edge, %d in the middle, want %d and %d", i, a, b, step.at, step.atMiddle)
			}
			release()
		}
	})
}

// TestCrop: of a picture whose quarters differ only the window is shown, in its place,
// however the picture is turned, and all of one that has another form.
func TestCrop(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		for _, rotation := range []media.Rotation{0, 90, 180, 270} {
			// Upright 64x48: 60, 100 over 140, 180, Cb alike.
			w, h := 64, 48
			if rotation.Swaps() {
				w, h = h, w
			}
			f := newFrame(w, h, 1, 1, 8)
			f.Color, f.Siting, f.Rotation = media.CanvasColor, media.SitingLeft, rotation
			for p := range 3 {
				m := turnOf(rotation, f.Planes[p].Width, f.Planes[p].Height)
				uw, uh := 64>>min(p, 1), 48>>min(p, 1)
				for y := range uh {
					for x := range uw {
						v := 60
						if x >= uw/2 {
							v += 40
						}
						if y >= uh/2 {
							v += 80
						}
						set(f, p, m.x[0]*x+m.x[1]*y+m.x[2], m.y[0]*x+m.y[1]*y+m.y[2], float64(v))
					}
				}
			}
			s := Scene{Width: 64, Height: 48, Tiles: []Tile{{Rect: image.Rect(8, 8, 56, 40), Aspect: 4.0 / 3, Crop: media.Crop{0.5, 0.25, 0.5, 0.5}}}}
			for _, fit := range []Fit{Cover, Contain} {
				s.Tiles[0].Fit = fit
				out := render(t, e, s, Update{Frame: f, Opacity: 1})
				for _, at := range []struct{ x, y, want int }{{20, 14, 100}, {44, 14, 100}, {20, 34, 180}, {44, 34, 180}} {
					if y, cb := get(out, 0, at.x, at.y), get(out, 1, at.x/2, at.y/2); max(y-at.want, at.want-y) > 1 || max(cb-at.want, at.want-cb) > 1 {
						t.Errorf("turned %d, fit %d: luma %d and Cb %d at %d,%d, want %d", rotation, fit, y, cb, at.x, at.y, at.want)
					}
				}
			}
		}
		s := Scene{Width: 64, Height: 48, Tiles: []Tile{{Rect: image.Rect(0, 0, 64, 48), Aspect: 4.0 / 3, Crop: media.Crop{0, 0, 0.5, 0.5}}}}
		tall := flat(24, 48, 150, 128, 128)
		fillPlane(tall, 0, func(x, _ int) float64 { return 150 + 50*float64(x/12) })
		out := render(t, e, s, Update{Frame: tall, Opacity: 1})
		if a, b, c := get(out, 0, 4, 24), get(out, 0, 25, 24), get(out, 0, 40, 24); a != 16 || b != 150 || c != 200 {
			t.Errorf("another form: %d, %d, %d, want background, 150 and 200", a, b, c)
		}
	})
}

func TestOverlayAndBackdrop(t *testing.T) {
	e := open(t, Options{})
	paint := func(c color.Color) image.Image {
		m := image.NewRGBA(image.Rect(0, 0, 8, 8))
		draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		return m
	}
	s := Scene{
		Width: 32, Height: 32, Backdrop: paint(color.White),
		Tiles:    []Tile{{Rect: image.Rect(0, 0, 16, 32)}},
		Overlays: []Overlay{{Image: paint(color.Black), Rect: image.Rect(8, 8, 24, 24), Opacity: 0.5}},
	}
	f := render(t, e, s, Update{Frame: flat(16, 32, 126, 128, 128), Opacity: 1})
	for at, want := range map[image.Point]int{
		{4, 4}: 126, {20, 4}: 235, {12, 12}: 71, {20, 20}: 125, {28, 28}: 235,
	} {
		if got := get(f, 0, at.X, at.Y); got < want-1 || got > want+1 {
			t.Errorf("luma at %v = %d, want %d", at, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	e := open(t, Options{})
	for want, s := range map[string]Scene{
		"canvas is 3x2":           {Width: 3, Height: 2},
		"tile 0 is empty":         {Width: 8, Height: 8, Tiles: []Tile{{}}},
		"outside the canvas":      {Width: 8, Height: 8, Tiles: []Tile{{Rect: image.Rect(8, 0, 12, 4)}}},
		"overlay 0 has no image":  {Width: 8, Height: 8, Overlays: []Overlay{{}}},
		"crop [0.5 0 0.6 1] is n": {Width: 8, Height: 8, Tiles: []Tile{{Rect: image.Rect(0, 0, 8, 8), Crop: media.Crop{0.5, 0, 0.6, 1}}}},
		"radius -1 and border 0 ": {Width: 8, Height: 8, Tiles: []Tile{{Rect: image.Rect(0, 0, 8, 8), Radius: -1}}},
	} {
		if _, err := e.NewCanvas(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	c, err := e.NewCanvas(t.Context(), even(8, 8))
	if err != nil {
		t.Fatal(err)
	}
	short := flat(8, 8, 16, 128, 128)
	short.Planes[1].Data = short.Planes[1].Data[:3]
	deep := flat(8, 8, 16, 128, 128)
	deep.Depth = 17
	for want, u := range map[string]Update{
		"update of tile 1: the scene has 1 tiles": {Tile: 1},
		"opacity 1.5, want 0 to 1":                {Opacity: 1.5},
		"do not hold 4x4 samples":                 {Frame: short},
		"17 bits per sample, want 8 to 16":        {Frame: deep},
	} {
		if _, _, err := c.Render(t.Context(), []Update{u}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Render(ctx, []Update{{Frame: flat(8, 8, 1, 1, 1), Opacity: 1}}); err == nil {
		t.Error("rendering on an ended context worked")
	}
	c.Close()
	c.Close()
	if _, _, err := c.Render(t.Context(), nil); err != ErrClosed {
		t.Errorf("Render after Close: %v, want %v", err, ErrClosed)
	}
	c, err = e.NewCanvas(t.Context(), even(8, 8))
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if _, _, err := c.Render(t.Context(), []Update{{Frame: flat(8, 8, 1, 1, 1), Opacity: 1}}); err == nil || !strings.Contains(err.Error(), ErrClosed.Error()) {
		t.Errorf("Render on a closed engine: %v, want %v", err, ErrClosed)
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing a canvas after its engine: %v", err)
	}
}

// TestTwoEngines work side by side, on goroutines of their own.
func TestTwoEngines(t *testing.T) {
	f := noise(newFrame(40, 30, 1, 1, 8), 3)
	a, b := open(t, Options{}), open(t, Options{})
	want := render(t, a, even(32, 24), Update{Frame: f, Opacity: 1})
	done := make(chan int)
	for _, e := range []*Engine{a, b} {
		go func() {
			worstOf := 0
			for range 10 {
				d, _ := worst(want, render(t, e, even(32, 24), Update{Frame: f, Opacity: 1}))
				worstOf = max(worstOf, d)
			}
			done <- worstOf
		}()
	}
	if d := []int{<-done, <-done}; slices.Max(d) != 0 {
		t.Errorf("differences %v", d)
	}
}

// TestMemoryIsFlat renders a thousand frames, changing size now and then, and
// makes and closes canvases; what the process holds must not grow.
func TestMemoryIsFlat(t *testing.T) {
	e := open(t, Options{})
	s := Scene{Width: 256, Height: 144, Tiles: []Tile{{Rect: image.Rect(0, 0, 128, 144)}, {Rect: image.Rect(128, 0, 256, 144)}}}
	c, err := e.NewCanvas(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	frames := []*media.Frame{flat(160, 120, 50, 90, 90), flat(128, 96, 50, 90, 90), flat(160, 120, 90, 50, 60)}
	frames[2].Color = media.Color{Matrix: media.BT2020, Primaries: media.Primaries2020, Transfer: media.TransferHLG}
	round := func(n int) {
		for i := range n {
			_, release, err := c.Render(t.Context(), []Update{{Tile: i % 2, Frame: frames[i/50%3], Opacity: 1}})
			if err != nil {
				t.Fatal(err)
			}
			release()
			if i%100 == 0 {
				render(t, e, s, Update{Frame: frames[0], Opacity: 1})
			}
		}
	}
	round(300)
	before := resident(t)
	round(1000)
	if after := resident(t); after > before+8<<20 {
		t.Errorf("%d MiB before, %d MiB after a thousand frames", before>>20, after>>20)
	}
}

// resident returns the memory the process has, bytes.
func resident(t *testing.T) int {
	runtime.GC()
	debug.FreeOSMemory()
	return residentNow(t)
}

func TestReleaseTwicePanics(t *testing.T) {
	e := open(t, Options{})
	c, err := e.NewCanvas(t.Context(), even(8, 8))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, release, err := c.Render(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
	defer func() {
		if recover() == nil {
			t.Error("releasing twice went unnoticed")
		}
	}()
	release()
}

// TestSliver: a tile of one column at an odd place has no chroma sample.
func TestSliver(t *testing.T) {
	e := open(t, Options{})
	s := Scene{Width: 16, Height: 16, Tiles: []Tile{{Rect: image.Rect(5, 4, 6, 12)}}}
	for _, opacity := range []float64{1, 0.5} {
		out := render(t, e, s, Update{Frame: flat(16, 16, 200, 128, 128), Opacity: opacity})
		if a, b := get(out, 0, 5, 6), get(out, 0, 6, 6); a < 50 || b != 16 {
			t.Errorf("opacity %g: %d in the tile and %d beside it, want the picture and 16", opacity, a, b)
		}
	}
}
