package mix

import "math"

// K-weighting, ITU-R BS.1770-4 annex 1: a high shelf for the head and a
// high-pass for the ear (the "RLB" curve). The Recommendation prints
// coefficients for 48 kHz only and asks other rates for the same response. The
// analogue prototypes behind those numbers, found by solving the printed
// coefficients backwards, are a shelf of +4 dB at 1682 Hz and a high-pass at
// 38 Hz; the bilinear transform of them gives the printed digits at 48 kHz.

// biquad is a second-order section, a0 = 1, in direct form II transposed,
// float64: at 38 Hz the poles sit so close to 1 that float32 loses 40 dB.
type biquad struct {
	b0, b1, b2, a1, a2 float64
}

func shelf1770(rate float64) biquad {
	const f0, gainDB, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
	k := math.Tan(math.Pi * f0 / rate)
	vh := math.Pow(10, gainDB/20)
	vb := math.Pow(vh, 0.4996667741545416)
	a0 := 1 + k/q + k*k
	return biquad{
		b0: (vh + vb*k/q + k*k) / a0, b1: 2 * (k*k - vh) / a0, b2: (vh - vb*k/q + k*k) / a0,
		a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0,
	}
}

func highpass1770(rate float64) biquad {
	const f0, q = 38.13547087602444, 0.5003270373238773
	k := math.Tan(math.Pi * f0 / rate)
	a0 := 1 + k/q + k*k
	return biquad{b0: 1, b1: -2, b2: 1, a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0}
}

// powerAt is |H|² at angular frequency w (radians per sample).
func (f biquad) powerAt(w float64) float64 {
	c1, s1, c2, s2 := math.Cos(w), math.Sin(w), math.Cos(2*w), math.Sin(2*w)
	nr, ni := f.b0+f.b1*c1+f.b2*c2, f.b1*s1+f.b2*s2
	dr, di := 1+f.a1*c1+f.a2*c2, f.a1*s1+f.a2*s2
	return (nr*nr + ni*ni) / (dr*dr + di*di)
}

// kFilter is the K-weighting of one channel.
type kFilter struct {
	shelf, high    biquad
	s1, s2, h1, h2 float64
}

func newKFilter(rate float64) kFilter {
	return kFilter{shelf: shelf1770(rate), high: highpass1770(rate)}
}

// energy filters x and returns the sum of the squares.
func (k *kFilter) energy(x []float32) float64 {
	weighted, _, _ := k.measure(x)
	return weighted
}

// measure filters x and returns the sum of the squares with and without the
// weighting, and the highest magnitude. They share a pass, as the processor
// waits for the filters most of the time; for the same reason what a state
// needs of the output just computed comes last.
func (k *kFilter) measure(x []float32) (weighted, plain float64, peak float32) {
	s, h := k.shelf, k.high
	s1, s2, h1, h2 := k.s1, k.s2, k.h1, k.h2
	top := uint32(0)
	for _, v := range x {
		// Magnitudes are ordered as their bits are; a NaN is above infinity.
		if m := math.Float32bits(v) &^ (1 << 31); m > top {
			top = m
		}
		in := float64(v)
		plain += in * in
		y := s.b0*in + s1
		s1 = (s.b1*in + s2) - s.a1*y
		s2 = s.b2*in - s.a2*y
		z := y + h1
		h1 = (h2 - 2*y) - h.a1*z
		h2 = y - h.a2*z
		weighted += z * z
	}
	// Denormals would make silence slow, and a NaN in the input must not stay
	// in the filter for the rest of the song.
	k.s1, k.s2, k.h1, k.h2 = settle(s1), settle(s2), settle(h1), settle(h2)
	if math.IsNaN(weighted) {
		weighted = 0
	}
	peak = math.Float32frombits(top)
	if peak != peak {
		peak = samplePeak(x)
	}
	return weighted, plain, peak
}

func settle(v float64) float64 {
	if math.Abs(v) < 1e-30 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
