package encode

import "github.com/choirless/render/media"

// limits is a row of table A-1 of ITU-T H.264: the level's name, macroblocks
// per second, per picture, and in the decoded picture buffer.
type limits struct {
	name            string
	rate, size, dpb int64
}

var levels = []limits{
	{"3.0", 40500, 1620, 8100},
	{"3.1", 108000, 3600, 18000},
	{"3.2", 216000, 5120, 20480},
	{"4.0", 245760, 8192, 32768},
	{"4.2", 522240, 8704, 34816},
	{"5.0", 589824, 22080, 110400},
	{"5.1", 983040, 36864, 184320},
	{"5.2", 2073600, 36864, 184320},
	{"6.0", 4177920, 139264, 696320},
	{"6.1", 8355840, 139264, 696320},
	{"6.2", 16711680, 139264, 696320},
}

// presetReferences is how many reference pictures each preset of x264 asks for.
var presetReferences = map[string]int64{
	"ultrafast": 1, "superfast": 1, "veryfast": 1, "faster": 2, "fast": 2,
	"medium": 3, "slow": 5, "slower": 8, "veryslow": 16, "placebo": 16,
}

// Presets lists x264's presets, the quickest first.
func Presets() []string {
	return []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"}
}

// pyramidPictures is what x264 keeps at least when B pictures are referenced.
const pyramidPictures = 4

// level returns the lowest level that a canvas fits into. It is set and not left
// to x264, which would choose it by the stripe.
func level(width, height int, rate media.FrameRate, preset string) string {
	w, h := int64(width+15)/16, int64(height+15)/16
	size := w * h
	perSecond := (size*rate.Num + rate.Den - 1) / rate.Den
	dpb := size * max(presetReferences[preset], pyramidPictures)
	for _, l := range levels {
		// Neither side may exceed √(8·size), clause A.3.1.
		if size <= l.size && perSecond <= l.rate && dpb <= l.dpb && w*w <= 8*l.size && h*h <= 8*l.size {
			return l.name
		}
	}
	return levels[len(levels)-1].name
}
