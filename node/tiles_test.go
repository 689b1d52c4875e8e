package node

import (
	"testing"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// TestOpacityAt: a part comes from its placeholder where it begins late, goes
// back to it where it ends early or stands still, and fades only there.
func TestOpacityAt(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name      string
		tile      plan.PictureTile
		pt, since time.Duration
		want      float64
	}{
		{"in the middle", plan.PictureTile{End: 20 * s, Fade: s, FreezeAfter: 3 * s}, 10 * s, 10 * s, 1},
		{"no fade in at song time zero", plan.PictureTile{Fade: s}, 0, 0, 1},
		{"late start", plan.PictureTile{Start: 5 * s, Fade: s}, 5*s + s/2, 5 * s, 0.5},
		{"head trimmed", plan.PictureTile{Start: s / 10, Offset: media.Offset(2 * s), Fade: s}, 2 * s, 2 * s, 1},
		{"early end, a moment after", plan.PictureTile{End: 20 * s, Fade: s}, 20*s + s/4, 20 * s, 0.75},
		{"early end, long after", plan.PictureTile{End: 20 * s, Fade: s}, 40 * s, 20 * s, 0},
		{"an end that holds", plan.PictureTile{Fade: s, FreezeAfter: 3 * s}, 22 * s, 20 * s, 1},
		{"standing still", plan.PictureTile{End: 60 * s, Fade: s, FreezeAfter: 3 * s}, 13*s + s/2, 10 * s, 0.5},
		{"and moving again", plan.PictureTile{End: 60 * s, Fade: s, FreezeAfter: 3 * s}, 30 * s, 30 * s, 1},
		{"slides", plan.PictureTile{End: 60 * s, Fade: s}, 30 * s, 10 * s, 1},
		{"without a fade", plan.PictureTile{End: 20 * s, FreezeAfter: 3 * s}, 20*s + 1, 20 * s, 0},
	} {
		src := &tileSource{tile: c.tile}
		if got := src.opacityAt(c.pt, c.since); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}
