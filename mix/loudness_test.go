package mix

import (
	"fmt"
	"math"
	"testing"

	"github.com/choirless/render/media"
)

// seg is a stretch of a 1 kHz tone; db -Inf is silence.
type seg struct{ db, seconds float64 }

const fs = float64(media.MixRate)

// ebuTone makes stretches of one continuous 1 kHz tone at the levels given, peak
// level in dBFS as EBU Tech 3341 counts.
func ebuTone(segs ...seg) []float32 {
	var x []float32
	for _, s := range segs {
		n := int(math.Round(s.seconds * fs))
		a := GainOf(s.db)
		for range n {
			x = append(x, float32(a*math.Sin(2*math.Pi*1000*float64(len(x))/fs)))
		}
	}
	return x
}

var silence = math.Inf(-1)

// meterOf runs a stereo meter over x in both channels, in uneven runs.
func meterOf(x []float32) *Meter {
	m := NewMeter(media.MixRate, 2)
	for at, n := 0, 997; at < len(x); at, n = at+n, n%5000+997 {
		b := x[at:min(at+n, len(x))]
		m.Write([][]float32{b, b})
	}
	return m
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %.3f, want %.2f ± %.2f", what, got, want, tolerance)
	}
}

// EBU Tech 3341, table 1, cases 1 to 5: tolerance ±0.1 LU.
func TestIntegrated3341(t *testing.T) {
	for i, c := range []struct {
		segs []seg
		want float64
	}{
		{[]seg{{-23, 20}}, -23},
		{[]seg{{-33, 20}}, -33},
		{[]seg{{-36, 10}, {-23, 60}, {-36, 10}}, -23},
		{[]seg{{-72, 10}, {-36, 10}, {-23, 60}, {-36, 10}, {-72, 10}}, -23},
		{[]seg{{-26, 20}, {-20, 20.1}, {-26, 20}}, -23},
	} {
		m := meterOf(ebuTone(c.segs...))
		near(t, fmt.Sprintf("case %d: integrated", i+1), float64(m.Integrated()), c.want, 0.1)
		if i < 2 {
			near(t, fmt.Sprintf("case %d: momentary", i+1), float64(m.Momentary()), c.want, 0.1)
			near(t, fmt.Sprintf("case %d: short-term", i+1), float64(m.ShortTerm()), c.want, 0.1)
		}
	}
}

// Case 6: 5.0, surrounds weighted by 1.41.
func TestIntegratedSurround3341(t *testing.T) {
	var ch [][]float32
	for _, db := range []float64{-28, -28, -24, -30, -30} {
		ch = append(ch, ebuTone(seg{db, 20}))
	}
	m := NewMeter(media.MixRate, 5)
	m.Write(ch)
	near(t, "5.0", float64(m.Integrated()), -23, 0.1)
	// The same in 5.1: the LFE does not count.
	m = NewMeter(media.MixRate, 6)
	m.Write([][]float32{ch[0], ch[1], ch[2], ebuTone(seg{0, 20}), ch[3], ch[4]})
	near(t, "5.1", float64(m.Integrated()), -23, 0.1)
}

// Cases 9 and 12: short-term and momentary loudness stay put while the level
// alternates within their windows.
func TestConstantShortTermAndMomentary3341(t *testing.T) {
	var s9, s12 []seg
	for range 5 {
		s9 = append(s9, seg{-20, 1.34}, seg{-30, 1.66})
	}
	for range 25 {
		s12 = append(s12, seg{-20, 0.18}, seg{-30, 0.22})
	}
	check := func(name string, x []float32, after float64, read func(*Meter) LUFS) {
		m := NewMeter(media.MixRate, 2)
		for at := 0; at+480 <= len(x); at += 480 {
			m.Write([][]float32{x[at : at+480], x[at : at+480]})
			if float64(at) >= after*fs {
				near(t, fmt.Sprintf("%s at %.2f s", name, float64(at)/fs), float64(read(m)), -23, 0.1)
			}
		}
	}
	check("case 9, short-term", ebuTone(s9...), 3, (*Meter).ShortTerm)
	check("case 12, momentary", ebuTone(s12...), 1, (*Meter).Momentary)
}

// Cases 10, 11, 13, 14: the largest value wherever the tone begins.
func TestMaxima3341(t *testing.T) {
	for i := range 20 {
		f := float64(i)
		m := meterOf(ebuTone(seg{silence, 0.15 * f}, seg{-23, 3}, seg{silence, 1}))
		near(t, fmt.Sprintf("case 10, segment %d", i), float64(m.MaxShortTerm()), -23, 0.1)
		m = meterOf(ebuTone(seg{silence, 0.15 * f}, seg{-38 + f, 3}, seg{silence, 3 - 0.15*f}))
		near(t, fmt.Sprintf("case 11, segment %d", i), float64(m.MaxShortTerm()), -38+f, 0.1)
		m = meterOf(ebuTone(seg{silence, 0.02 * f}, seg{-23, 0.4}, seg{silence, 1}))
		near(t, fmt.Sprintf("case 13, segment %d", i), float64(m.MaxMomentary()), -23, 0.1)
		m = meterOf(ebuTone(seg{silence, 0.02 * f}, seg{-38 + f, 0.4}, seg{silence, 0.4 - 0.02*f}))
		near(t, fmt.Sprintf("case 14, segment %d", i), float64(m.MaxMomentary()), -38+f, 0.1)
	}
}

// EBU Tech 3342, cases 1 to 4: tolerance ±1 LU.
func TestRange3342(t *testing.T) {
	for i, c := range []struct {
		levels []float64
		want   float64
	}{
		{[]float64{-20, -30}, 10},
		{[]float64{-20, -15}, 5},
		{[]float64{-40, -20}, 20},
		{[]float64{-50, -35, -20, -35, -50}, 15},
	} {
		var s []seg
		for _, l := range c.levels {
			s = append(s, seg{l, 20})
		}
		near(t, fmt.Sprintf("case %d", i+1), meterOf(ebuTone(s...)).Range(), c.want, 1)
	}
}

// The printed coefficients of BS.1770-4, tables 1 and 2.
func TestKWeightingCoefficients(t *testing.T) {
	s, h := shelf1770(48000), highpass1770(48000)
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"shelf b0", s.b0, 1.53512485958697},
		{"shelf b1", s.b1, -2.69169618940638},
		{"shelf b2", s.b2, 1.19839281085285},
		{"shelf a1", s.a1, -1.69065929318241},
		{"shelf a2", s.a2, 0.73248077421585},
		{"high a1", h.a1, -1.99004745483398},
		{"high a2", h.a2, 0.99007225036621},
	} {
		near(t, c.name, c.got, c.want, 1e-9)
	}
}

// Other rates must read the same: a 997 Hz tone is 0.0 dB LUFS-relative by
// BS.1770-4 annex 1 (-3.01 LKFS at 0 dBFS in one channel).
func TestMeterRates(t *testing.T) {
	for _, rate := range []media.SampleRate{8000, 16000, 44100, 48000, 96000} {
		m := NewMeter(rate, 1)
		m.Write([][]float32{tone(5*int(rate), float64(rate), 997, 1)})
		near(t, fmt.Sprint(rate), float64(m.Integrated()), -3.01, 0.05)
	}
}

func TestMeterSilenceAndNonsense(t *testing.T) {
	m := NewMeter(media.MixRate, 2)
	if i := float64(m.Integrated()); !math.IsInf(i, -1) {
		t.Errorf("no input: %v", i)
	}
	z := make([]float32, 48000)
	m.Write([][]float32{z, z})
	if !math.IsInf(float64(m.Integrated()), -1) || !math.IsInf(float64(m.TruePeak()), -1) || m.Range() != 0 {
		t.Errorf("silence: %v LUFS, %v dBTP, range %v", m.Integrated(), m.TruePeak(), m.Range())
	}
	bad := make([]float32, 48000)
	bad[100], bad[200] = float32(math.NaN()), float32(math.Inf(1))
	m.Write([][]float32{bad, z})
	x := ebuTone(seg{-23, 10})
	m.Write([][]float32{x, x})
	if math.IsNaN(float64(m.Integrated())) {
		t.Error("a NaN in the input stays in the meter")
	}
}

// faded rounds off both ends: the hard edge of a tone is itself a peak between
// samples, and not the one under test.
func faded(x []float32) []float32 {
	const n = 480
	for i := range n {
		g := float32(0.5 - 0.5*math.Cos(math.Pi*float64(i)/n))
		x[i] *= g
		x[len(x)-1-i] *= g
	}
	return x
}

// Tech 3341, cases 15 to 19: tolerance +0.2/-0.4 dB.
func TestTruePeak3341(t *testing.T) {
	for i, c := range []struct{ divisor, degrees, amplitude, want float64 }{
		{4, 0, 0.5, -6}, {4, 45, 0.5, -6}, {6, 60, 0.5, -6}, {8, 67.5, 0.5, -6}, {4, 45, 1.41, 3},
	} {
		x := make([]float32, 48000)
		for n := range x {
			x[n] = float32(c.amplitude * math.Sin(2*math.Pi*float64(n)/c.divisor+c.degrees*math.Pi/180))
		}
		got := float64(meterOf(faded(x)).TruePeak())
		if got > c.want+0.2 || got < c.want-0.4 {
			t.Errorf("case %d: %.2f dBTP, want %.1f +0.2/-0.4", i+15, got, c.want)
		}
	}
}

// In the manner of cases 20 to 23: one peak of 0 dBTP made at four times the
// rate, sampled at each of the four places between samples.
func TestTruePeakBetweenSamples3341(t *testing.T) {
	for place := range 4 {
		x := make([]float32, 4800)
		for n := range x {
			// A burst at fs/6 under a Hann window of 24 samples: band limited.
			d := float64(n-2400) - float64(place)/4
			if math.Abs(d) < 12 {
				x[n] = float32(math.Cos(2*math.Pi*d/6) * (0.5 + 0.5*math.Cos(math.Pi*d/12)))
			}
		}
		got := float64(meterOf(x).TruePeak())
		if got > 0.2 || got < -0.4 {
			t.Errorf("offset %d/4: %.2f dBTP, want 0 +0.2/-0.4", place, got)
		}
	}
}

// Passing over quiet runs must not change the answer.
func TestTruePeakShortcut(t *testing.T) {
	x := make([]float32, 20000)
	seed := uint32(1)
	for i := range x {
		seed = seed*1664525 + 1013904223
		x[i] = (float32(seed>>8)/(1<<23) - 1) * float32(i%4000) / 4000
	}
	var quick truePeak
	quick.write(x)
	slow := float32(0)
	padded := append(make([]float32, tpHist), x...)
	for i := range x {
		slow = max(slow, peakOf(padded[i:i+tpTaps], 0))
	}
	if quick.max != slow {
		t.Errorf("%v, want %v", quick.max, slow)
	}
}

func BenchmarkMeter(b *testing.B) {
	x := ebuTone(seg{-20, 1})
	reportCPU(b)
	for b.Loop() { // a stereo minute
		m := NewMeter(media.MixRate, 2)
		for range 60 {
			m.Write([][]float32{x, x})
		}
	}
}
