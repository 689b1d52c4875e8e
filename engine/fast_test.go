package engine

import (
	"fmt"
	"image"
	"math"
	"math/rand"
	"slices"
	"testing"

	"github.com/choirless/render/media"
)

// noise fills a frame with values that move a lot from sample to sample.
func noise(f *media.Frame, seed int64) *media.Frame {
	rng := rand.New(rand.NewSource(seed))
	for i := range f.Planes {
		fillPlane(f, i, func(x, y int) float64 { return rng.Float64() * (math.Exp2(float64(f.Depth)) - 1) })
	}
	return f
}

// worst returns the largest difference of two canvases.
func worst(a, b *media.Frame) (max int, at string) {
	for i := range a.Planes {
		for y := range a.Planes[i].Height {
			for x := range a.Planes[i].Width {
				if d := get(a, i, x, y) - get(b, i, x, y); d > max || -d > max {
					max, at = int(math.Abs(float64(d))), fmt.Sprintf("plane %d at %d,%d", i, x, y)
				}
			}
		}
	}
	return max, at
}

// TestFastEqualsPlain draws noise, the hardest picture there is, with both
// variants. One level: its weights have 1/392, so only what is near a tie of the
// last rounding differs. Two where the vertical pass does not shrink by 1.75, and
// has weights of 1/196 for the full range of the noise.
func TestFastEqualsPlain(t *testing.T) {
	plain, fast := open(t, Options{Plain: true}), open(t, Options{})
	for _, c := range []struct {
		w, h       int
		subX, subY int
		rect       image.Rectangle
		fit        Fit
		siting     media.Siting
	}{
		{64, 48, 1, 1, image.Rect(0, 0, 64, 48), Cover, 0},
		{64, 48, 1, 1, image.Rect(0, 0, 48, 27), Cover, 0},
		{64, 48, 1, 1, image.Rect(3, 5, 50, 44), Cover, 0},
		{64, 48, 1, 1, image.Rect(7, 2, 90, 70), Contain, media.SitingCenter},
		{128, 96, 1, 1, image.Rect(0, 0, 30, 22), Cover, media.SitingTopLeft},
		{17, 9, 1, 1, image.Rect(2, 2, 101, 75), Cover, 0},
		{160, 120, 1, 1, image.Rect(-20, -10, 70, 60), Cover, 0},
		{40, 30, 1, 0, image.Rect(0, 0, 33, 31), Cover, 0},
		{40, 30, 0, 0, image.Rect(0, 0, 33, 31), Cover, 0},
		{640, 480, 1, 1, image.Rect(0, 0, 120, 68), Cover, 0},
		{2, 2, 1, 1, image.Rect(0, 0, 8, 8), Cover, 0},
		{1, 1, 1, 1, image.Rect(0, 0, 9, 7), Cover, 0},
	} {
		f := noise(newFrame(c.w, c.h, c.subX, c.subY, 8), 1)
		f.Color, f.Siting = media.CanvasColor, c.siting
		s := Scene{Width: 128, Height: 96, Tiles: []Tile{{Rect: c.rect, Fit: c.fit}}}
		u := Update{Frame: f, Opacity: 1}
		if d, at := worst(render(t, plain, s, u), render(t, fast, s, u)); d > 2 || d > 1 && c.h >= 2*c.rect.Dy() {
			t.Errorf("%dx%d into %v: %d levels apart, %s", c.w, c.h, c.rect, d, at)
		}
	}
}

// TestShare: tiles go together as far as their sources fit, and a large one alone.
func TestShare(t *testing.T) {
	f := &fast{together: 3, tuning: Tuning{TogetherTexels: 100}, tiles: map[int]*fastTile{}}
	for i, texels := range []int{40, 60, 1, 101, 1, 1, 1, 1} {
		f.tiles[i] = &fastTile{texels: texels}
	}
	jobs := make([]job, len(f.tiles))
	for i := range jobs {
		jobs[i].tile = i
	}
	var got []int
	for len(jobs) > 0 {
		n := f.share(jobs)
		got, jobs = append(got, n), jobs[n:]
	}
	if want := []int{2, 1, 1, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("drawn %v at a time, want %v", got, want)
	}
}
