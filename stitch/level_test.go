package stitch

import (
	"testing"

	"github.com/choirless/render/media"
)

func TestLevelFor(t *testing.T) {
	r := func(num, den int64) media.FrameRate { return media.FrameRate{Num: num, Den: den} }
	for _, c := range []struct {
		name                     string
		level, width, rows, kept uint32
		rate                     media.FrameRate
		want                     uint32
	}{
		{"1080p30 as told", 40, 120, 68, 4, r(30, 1), 40},
		{"1080p30 from a stripe's own level", 21, 120, 68, 4, r(30, 1), 40},
		{"1080p30, five kept", 40, 120, 68, 5, r(30, 1), 50},
		{"1080p60", 40, 120, 68, 4, r(60, 1), 42},
		{"720p30", 10, 80, 45, 3, r(30, 1), 31},
		{"720p30000/1001", 10, 80, 45, 3, r(30000, 1001), 31},
		{"higher than needed stays", 51, 80, 45, 3, r(30, 1), 51},
		{"2160p30", 40, 240, 135, 3, r(30, 1), 51},
		{"no timing", 10, 120, 68, 4, media.FrameRate{}, 40},
		{"narrow and high", 10, 4, 300, 1, r(1, 1), 50},
		{"beyond all levels", 40, 1055, 1055, 16, r(60, 1), 62},
	} {
		if got := levelFor(c.level, c.width, c.rows, c.kept, c.rate); got != c.want {
			t.Errorf("%s: level %d, want %d", c.name, got, c.want)
		}
	}
}
