package node

import (
	"math"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
)

// The way of the gate through the house: the rests of the backing are found when
// it is ingested, and lower the noise of another part there by the stated amount.
func TestGateFromIngestToSum(t *testing.T) {
	const rate, from, to = 48000, 3 * 48000, 6 * 48000
	note := func(i int, f float64) float32 { return float32(0.2 * math.Sin(2*math.Pi*f*float64(i)/rate)) }
	rests := func(i int) bool { return i >= from && i < to }
	seed := uint32(1)
	noise := func() float32 {
		seed = seed*1664525 + 1013904223
		return (float32(seed>>8)/(1<<24) - 0.5) * 0.01
	}
	movie := func(sound func(i, ch int) float32) []byte {
		return avtest.Movie{Audio: "flac", Rate: rate, Channels: 1, Samples: 9 * rate, Sound: sound}.Bytes(t)
	}
	backing, _, err := ingest(t, movie(func(i, _ int) float32 {
		if rests(i) {
			return 0
		}
		return note(i, 262)
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(backing.Rests); n != 1 || math.Abs(backing.Rests[0].From.Seconds()-3) > 0.15 || math.Abs(backing.Rests[0].To.Seconds()-6) > 0.15 {
		t.Fatalf("the backing rests in %v, want 3 s to 6 s", backing.Rests)
	}
	part, objects, err := ingest(t, movie(func(i, _ int) float32 {
		if i >= 2*rate && i < to {
			return noise()
		}
		return note(i, 440) + noise()
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(cleanup ...string) []float32 {
		voices, err := Voices(t.Context(), objects, plan.Sound{Rests: backing.Rests, Voices: []plan.Voice{{
			Part: "p", Source: plan.Ref{Bucket: "converted", Key: definition.ConvertedKey(ingestSong, "p", part.SHA256)}, Gain: 1, Send: 1,
			Cleanup: cleanup, GateDB: mix.GateThreshold(part.Level),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		var out []float32
		err = mix.Sum(t.Context(), voices, 9*int64(media.MixRate), func(dry, _ [][]float32) error {
			out = append(out, dry[0]...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	open, gated := sum(), sum("gate")
	energy := func(x []float32) (e float64) {
		for _, v := range x {
			e += float64(v) * float64(v)
		}
		return e
	}
	lo, hi := from+rate, to-rate/2
	if db := 10 * math.Log10(energy(gated[lo:hi])/energy(open[lo:hi])); math.Abs(db+mix.GateDepthDB) > 0.01 {
		t.Errorf("the noise in the rest changes by %.2f dB, want -%d", db, mix.GateDepthDB)
	}
	for i := range open {
		if !rests(i) && gated[i] != open[i] { // the noise of the second before too: the backing plays
			t.Fatalf("sample %d outside of the rest is %g, was %g", i, gated[i], open[i])
		}
	}
}
