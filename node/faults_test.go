package node

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/choirless/render/internal/avtest"
)

// What is wrong with the sound of a part is found at ingest, for a person to read.
func TestIngestReportsFaults(t *testing.T) {
	seed := uint32(1)
	noise := func() float32 {
		seed = seed*1664525 + 1013904223
		return float32(seed>>8)/(1<<24) - 0.5
	}
	sing := func(i int) float32 { // a second on, a second off
		if i/48000%2 == 1 {
			return 0
		}
		return float32(0.25 * math.Sin(2*math.Pi*440*float64(i)/48000))
	}
	for _, c := range []struct {
		want  string // how the one warning begins; "" for none
		sound func(i, ch int) float32
	}{
		{"", func(i, _ int) float32 { return sing(i) + 0.0002*noise() }},
		{"sound: clipped: ", func(i, _ int) float32 { return max(-1, min(1, 8*sing(i))) }},
		{"sound: noisy: ", func(i, _ int) float32 { return sing(i) + 0.1*noise() }},
		{"sound: silent: ", func(i, _ int) float32 { return 0.0005 * sing(i) }},
	} {
		res, _, err := ingest(t, avtest.Movie{Audio: "flac", Rate: 48000, Channels: 1, Samples: 6 * 48000, Sound: c.sound}.Bytes(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		is := slices.ContainsFunc(res.Facts.Warnings, func(w string) bool { return c.want != "" && strings.HasPrefix(w, c.want) })
		if is != (c.want != "") || len(res.Facts.Warnings) > 1 {
			t.Errorf("warnings %q, want one that begins with %q; level %+v", res.Facts.Warnings, c.want, res.Level)
		}
	}
}
