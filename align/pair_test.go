package align

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/media"
)

const songSeconds = 24

var (
	tune    = melody(7, 60, songSeconds)
	refSong = record(plucked, tune, songSeconds, 0, 0, 1)
)

// The sign: a part whose events come later in its file has a positive offset.
func TestSign(t *testing.T) {
	ref := extracted(t, refSong)
	for _, ms := range []float64{700, -700, 2900} {
		part := extracted(t, record(sung, human(tune, 1, 0.02), songSeconds, ms/1000, 0, 2))
		r := pairOf(t, ref, part)
		near(t, "sung part", r.Offset, ms, 20)
		if r.Method != MethodFeatures || r.NeedsReview || r.Confidence < 0.9 {
			t.Errorf("%+v", r)
		}
		for _, c := range r.Candidates[1:] { // only one place can be right
			if c.Confidence+r.Confidence > 1 {
				t.Errorf("another candidate, %+v, beside one at %.3f", c, r.Confidence)
			}
		}
	}
}

// A recording shifted by x moves its offset by x, within 0.1 ms.
func TestShift(t *testing.T) {
	ref := extracted(t, refSong)
	x := record(sung, human(tune, 1, 0.02), songSeconds, 0.4, 0, 2)
	base := pairOf(t, ref, extracted(t, x)).Offset.MS()
	for _, n := range []int{1, 5, 16, 37, 53, 80, 121, 160, 1999, -333} { // samples taken from the head
		y := x
		if n > 0 {
			y = x[n:]
		} else {
			y = append(make([]float32, -n), x...)
		}
		r := pairOf(t, ref, extracted(t, y))
		if r.Method != MethodFeatures {
			t.Fatalf("method %s", r.Method)
		}
		near(t, "shifted", r.Offset, base-float64(n)*1000/testRate, 0.1)
	}
}

// The same signal, shifted, is found exactly: by bleed.
func TestShiftOfItself(t *testing.T) {
	ref := extracted(t, refSong)
	for _, ms := range []float64{0, 0.21, 33.3, -1234.5, 3900} {
		r := pairOf(t, ref, extracted(t, record(plucked, tune, songSeconds, ms/1000, 0, 9)))
		near(t, "itself", r.Offset, ms, 0.1)
		if r.Method != MethodBleed {
			t.Errorf("method %s", r.Method)
		}
	}
}

func TestSwapFlipsSign(t *testing.T) {
	ref, part := extracted(t, refSong), extracted(t, record(sung, human(tune, 1, 0.03), songSeconds, 0.4321, 0, 2))
	a, b := pairOf(t, ref, part), pairOf(t, part, ref)
	near(t, "swapped", b.Offset, -a.Offset.MS(), 0.1)
}

func TestGainAndPolarity(t *testing.T) {
	ref := extracted(t, refSong)
	x := record(sung, human(tune, 1, 0.03), songSeconds, 0.25, 0, 2)
	want := pairOf(t, ref, extracted(t, x)).Offset.MS()
	for _, gain := range []float32{0.003, -1, 1.9} {
		near(t, "gain", pairOf(t, ref, extracted(t, add(make([]float32, len(x)), x, gain))).Offset, want, 0.05)
	}
}

// The reference heard at −30 dB places a part within 0.5 ms, whatever is sung.
func TestBleed(t *testing.T) {
	ref := extracted(t, refSong)
	voice := recordIn(sung, human(tune, 3, 0.06), songSeconds, 0.1234+0.04, 0, 2, 0.0002)
	heard := recordIn(plucked, tune, songSeconds, 0.1234, 0, 5, 0)
	gain := float32(math.Sqrt(power(voice)/power(heard)) * math.Pow(10, -30.0/20))
	r := pairOf(t, ref, extracted(t, add(voice, heard, gain)))
	near(t, "bleed", r.Offset, 123.4, 0.1)
	if r.Method != MethodBleed || r.DriftPPM != 0 || r.Confidence < 0.99 {
		t.Errorf("%+v", r)
	}
}

func power(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(x))
}

// Drift is measured where bleed proves it, and the offset holds at song time 0.
func TestDrift(t *testing.T) {
	const seconds = 40
	notes := melody(8, 60, seconds)
	ref := extracted(t, record(plucked, notes, seconds, 0, 0, 1))
	for _, ppm := range []float64{80, -45} {
		voice := recordIn(sung, human(notes, 3, 0.03), seconds, 0.7, ppm, 2, 0.0002)
		part := extracted(t, add(voice, recordIn(plucked, notes, seconds, 0.7, ppm, 5, 0), 0.05))
		r := pairOf(t, ref, part)
		if math.Abs(r.DriftPPM-ppm) > 2 {
			t.Errorf("drift %.1f ppm, want %.0f", r.DriftPPM, ppm)
		}
		near(t, "drifting", r.Offset, 700, 0.1)
		// A person's offset does not stop the clock.
		for off, want := range map[float64]float64{650: r.DriftPPM, -300: 0} {
			rs, err := Choir(t.Context(), 0, []*Features{ref, part}, map[int]media.Offset{1: media.OffsetMS(off)}, Options{})
			if err != nil || rs[1].Method != MethodLocked || rs[1].DriftPPM != want {
				t.Errorf("locked at %.0f ms: %+v (%v), want %.1f ppm", off, rs[1], err, want)
			}
		}
	}
	voice := pairOf(t, ref, extracted(t, record(sung, human(notes, 3, 0.03), seconds, 0.7, 80, 2)))
	if voice.DriftPPM != 0 {
		t.Errorf("drift %.1f ppm without proof", voice.DriftPPM)
	}
}

// A song that repeats itself fits in many places: a singer starts with it, so that the
// nearest is meant. What is clearly heard is believed far off too: see TestReach.
func TestNearest(t *testing.T) {
	const bar = 1.2
	var bars []tone
	for b := 0.0; b < songSeconds/bar; b++ {
		for i, midi := range []int{60, 64, 67} {
			at := bar*b + []float64{0, 0.3, 0.75}[i]
			bars = append(bars, tone{at, at + 0.28, midi})
		}
	}
	ref := extracted(t, record(plucked, bars, songSeconds, 0, 0, 1))
	for i, ms := range []float64{-400, 350} {
		r := pairOf(t, ref, extracted(t, record(sung, human(bars, uint64(i), 0.02), songSeconds, ms/1000, 0, 2)))
		near(t, "repeating song", r.Offset, ms, 30)
	}
}

// What does not belong is not trusted, and the reason is given.
func TestNeedsReview(t *testing.T) {
	ref := extracted(t, refSong)
	wrong := map[string][]float32{}
	r := rand.New(rand.NewPCG(1, 1))
	noise := make([]float32, songSeconds*testRate)
	for i := range noise {
		noise[i] = float32(0.1 * r.NormFloat64())
	}
	wrong["noise"] = noise
	for seed := range uint64(2) {
		other := slower(melody(90+seed, 55, songSeconds), 0.87+0.05*float64(seed))
		wrong[fmt.Sprint("another song ", seed)] = record(sung, other, songSeconds, 0, 0, 2)
		read := func(x []float64, _ []tone, _, rate float64) { spoken(x, seed, rate) }
		wrong[fmt.Sprint("speech ", seed)] = record(read, nil, songSeconds, 0, 0, 2)
	}
	part := extracted(t, record(sung, human(tune, 1, 0.02), songSeconds, 0.3, 0, 2))
	for what, x := range wrong {
		f := extracted(t, x)
		got := pairOf(t, ref, f)
		if !got.NeedsReview || got.Confidence >= ThresholdDefault || len(got.Candidates) < 2 ||
			!strings.Contains(got.Reason, "another song, speech") {
			t.Errorf("%s: %+v", what, got)
		}
		// In a choir it stays where the recorder put it, beside voices that belong.
		o := Options{Fallback: map[int]media.Offset{2: media.OffsetMS(70)}}
		rs, err := Choir(t.Context(), 0, []*Features{ref, part, f}, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if c := rs[2]; !c.NeedsReview || c.Reason == "" || c.Method != MethodFallback || c.Offset != o.Fallback[2] {
			t.Errorf("%s in a choir: %+v", what, c)
		}
		if rs[1].NeedsReview {
			t.Errorf("beside %s: %+v", what, rs[1])
		}
	}
}

func TestReach(t *testing.T) {
	ref := extracted(t, refSong)
	part := extracted(t, record(sung, human(tune, 1, 0.02), songSeconds+8, 6.5, 0, 2))
	r, err := Pair(t.Context(), ref, part, Options{Reach: 8 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "far off", r.Offset, 6500, 20)
	if r := pairOf(t, ref, part); !r.NeedsReview {
		t.Errorf("out of reach, but trusted: %+v", r)
	}
	if _, err := Pair(t.Context(), ref, nil, Options{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("missing features: %v", err)
	}
}

// Bleed of −30 dB may stand no higher than this; of the same height, what is alike in
// one half of the part only is none.
func TestWeakBleed(t *testing.T) {
	for _, c := range []struct {
		l    line
		want bool
	}{
		{line{z: 6.3, at0: 6.3, halves: [2]float64{5.9, 3.1}}, true},
		{line{z: 5.3, at0: 5.3, halves: [2]float64{4.9, 2.6}}, true},
		{line{z: 7.1, at0: 3, halves: [2]float64{5.6, 4.5}}, true},
		{line{z: 6.3, at0: 6.3, halves: [2]float64{8, 0.9}}, false},
		{line{z: 6.6, at0: 5.1, halves: [2]float64{5.1, 4.3}}, false},
	} {
		if got := c.l.isBleed(); got != c.want {
			t.Errorf("%+v: bleed %v", c.l, got)
		}
	}
}

// A few notes fit in many places: what is short is trusted less, and what only
// overlaps by a second not at all.
func TestShortIsDoubted(t *testing.T) {
	ref := extracted(t, refSong)
	x := record(sung, human(tune, 1, 0.02), songSeconds, 0.3, 0, 2)
	last := 1.0
	for _, seconds := range []int{songSeconds, 8, 3} {
		r := pairOf(t, ref, extracted(t, x[:seconds*testRate]))
		if r.Confidence >= last {
			t.Errorf("%d s: confidence %.4f, not below %.4f", seconds, r.Confidence, last)
		}
		last = r.Confidence
	}
	for seed := range uint64(8) { // bursts of noise in two rhythms
		if r := pairOf(t, bursts(t, 3000, seed), bursts(t, 3700+100*int(seed), 100+seed)); !r.NeedsReview {
			t.Errorf("noise %d: %+v", seed, r)
		}
	}
}

// bursts returns three seconds of noise with rests.
func bursts(t *testing.T, beat int, seed uint64) *Features {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	x := make([]float32, 3*testRate)
	for i := range x {
		if i/beat%3 != 1 {
			x[i] = float32(0.1 * r.NormFloat64())
		}
	}
	return extracted(t, x)
}
