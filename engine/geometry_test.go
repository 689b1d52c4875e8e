package engine

import (
	"image"
	"math"
	"testing"

	"github.com/choirless/render/media"
)

func TestTurnMapsCorners(t *testing.T) {
	const w, h = 5, 3
	for _, c := range []struct {
		r              media.Rotation
		upright, store image.Point
	}{
		{0, image.Pt(0, 0), image.Pt(0, 0)},
		{90, image.Pt(h-1, 0), image.Pt(0, 0)}, // top left goes to top right
		{90, image.Pt(h-1, w-1), image.Pt(w-1, 0)},
		{180, image.Pt(0, 0), image.Pt(w-1, h-1)},
		{270, image.Pt(0, w-1), image.Pt(0, 0)}, // top left goes to bottom left
		{270, image.Pt(0, 0), image.Pt(w-1, 0)},
	} {
		m := turnOf(c.r, w, h)
		at := func(v [3]int) int { return v[0]*c.upright.X + v[1]*c.upright.Y + v[2] }
		if got := image.Pt(at(m.x), at(m.y)); got != c.store {
			t.Errorf("%d degrees: upright %v is stored at %v, want %v", c.r, c.upright, got, c.store)
		}
	}
}

func TestPlace(t *testing.T) {
	for name, c := range map[string]struct {
		shape shape
		tile  image.Rectangle
		fit   Fit
		crop  media.Crop
		want  placement
	}{
		"same aspect": {
			shape{width: 640, height: 360, sar: 1},
			image.Rect(8, 4, 328, 184), Cover,
			media.Crop{},
			placement{image.Rect(8, 4, 328, 184), 0, 0, 2, 2},
		},
		"cover crops the sides": {
			shape{width: 640, height: 360, sar: 1},
			image.Rect(0, 0, 180, 180), Cover,
			media.Crop{},
			placement{image.Rect(0, 0, 180, 180), 140, 0, 2, 2},
		},
		"cover crops top and bottom": {
			shape{width: 640, height: 480, sar: 1},
			image.Rect(0, 0, 320, 180), Cover,
			media.Crop{},
			placement{image.Rect(0, 0, 320, 180), 0, 60, 2, 2},
		},
		"contain": {
			shape{width: 640, height: 480, sar: 1},
			image.Rect(0, 0, 320, 180), Contain,
			media.Crop{},
			placement{image.Rect(40, 0, 280, 180), 0, 0, 640.0 / 240, 480.0 / 180},
		},
		"turned": {
			shape{width: 640, height: 360, sar: 1, rotation: 90},
			image.Rect(0, 0, 180, 320), Cover,
			media.Crop{},
			placement{image.Rect(0, 0, 180, 320), 0, 0, 2, 2},
		},
		"wide samples": {
			shape{width: 320, height: 360, sar: 2},
			image.Rect(0, 0, 320, 180), Cover,
			media.Crop{},
			placement{image.Rect(0, 0, 320, 180), 0, 0, 1, 2},
		},
		"wide samples, turned": {
			shape{width: 320, height: 360, sar: 2, rotation: 270},
			image.Rect(0, 0, 180, 320), Cover,
			media.Crop{},
			placement{image.Rect(0, 0, 180, 320), 0, 0, 2, 1},
		},
		"a window, contained": {
			shape{width: 640, height: 480, sar: 1},
			image.Rect(0, 0, 320, 180), Contain,
			media.Crop{0.25, 0.5, 0.5, 0.5},
			placement{image.Rect(40, 0, 280, 180), 160, 240, 320.0 / 240, 240.0 / 180},
		},
		"a window of a turned picture with wide samples, covering": {
			shape{width: 320, height: 360, sar: 2, rotation: 270}, // upright 360x320 samples, 360x640 pixels
			image.Rect(0, 0, 180, 180), Cover,
			media.Crop{0, 0.5, 1, 0.5},
			placement{image.Rect(0, 0, 180, 180), 20, 160, 320.0 / 180, 160.0 / 180},
		},
	} {
		got := place(c.shape, c.tile, c.fit, c.crop)
		if got.shown != c.want.shown || math.Abs(got.x-c.want.x) > 1e-9 || math.Abs(got.y-c.want.y) > 1e-9 ||
			math.Abs(got.scaleX-c.want.scaleX) > 1e-9 || math.Abs(got.scaleY-c.want.scaleY) > 1e-9 {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestChromaRectsPartition: rectangles that tile the canvas share out its
// chroma samples with none left and none twice, wherever their edges are.
func TestChromaRectsPartition(t *testing.T) {
	const n = 16
	for x := -2; x <= n; x++ {
		for y := -2; y <= n; y++ {
			var owner [n / 2][n / 2]int
			for _, r := range []image.Rectangle{image.Rect(-4, -4, x, y), image.Rect(x, -4, n, y), image.Rect(-4, y, x, n), image.Rect(x, y, n, n)} {
				if r.Empty() {
					continue
				}
				c := chromaRect(r).Intersect(image.Rect(0, 0, n/2, n/2))
				for j := c.Min.Y; j < c.Max.Y; j++ {
					for i := c.Min.X; i < c.Max.X; i++ {
						owner[j][i]++
					}
				}
			}
			for j := range owner {
				for i, k := range owner[j] {
					if k != 1 {
						t.Fatalf("cut at %d,%d: chroma sample %d,%d has %d owners", x, y, i, j, k)
					}
				}
			}
		}
	}
}

// TestCopyIsRecognised: a picture shown in its own size is a copy on every axis.
func TestCopyIsRecognised(t *testing.T) {
	s := shape{width: 64, height: 48, chroma: [2]int{32, 24}, subX: 1, subY: 1, sar: 1, siting: media.SitingLeft}
	at := place(s, image.Rect(16, 8, 80, 56), Cover, media.Crop{})
	for plane := range 3 {
		h, v := at.axes(s, plane, grid(min(plane, 1)))
		if !h.identity() || !v.identity() {
			t.Errorf("plane %d: %+v, %+v", plane, h, v)
		}
	}
}
