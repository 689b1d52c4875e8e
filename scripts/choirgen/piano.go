package main

import (
	"math"
	"math/rand/v2"
)

// piano plays the whole setting: stretched partials that die away the faster the
// higher they are, a hammer's knock, bass doubled an octave below.
func piano(r *rand.Rand, seconds, end float64) []float32 {
	out := make([]float32, int(seconds*rate))
	for v := Soprano; v <= Bass; v++ {
		for _, n := range line(v, end) {
			gain := [4]float64{0.5, 0.3, 0.3, 0.42}[v]
			strike(r, out, n, gain)
			if v == Bass && n.Pitch-12 >= 28 && n.First {
				n.Pitch -= 12
				strike(r, out, n, 0.5*gain)
			}
		}
	}
	normalize(out, 0.7)
	return out
}

// strike adds one note.
func strike(r *rand.Rand, out []float32, n Note, gain float64) {
	f0 := 440 * math.Exp2(float64(n.Pitch-69)/12)
	const stiffness = 0.0004
	first := int(n.Start * rate)
	length := int((n.End - n.Start + 0.35) * rate)
	damp := int((n.End - n.Start) * rate)
	for k := 1; k <= 14; k++ {
		f := f0 * float64(k) * math.Sqrt(1+stiffness*float64(k*k))
		if f > 9000 {
			break
		}
		a := gain * math.Exp(-0.28*float64(k-1)) * (1 + 0.1*r.NormFloat64())
		decay := 1.1 + 0.0016*f
		// A rotating phasor that shrinks.
		shrink := math.Exp(-decay / rate)
		sin, cos := math.Sincos(2 * math.Pi * f / rate)
		sin, cos = sin*shrink, cos*shrink
		re, im := a, 0.0
		off := math.Exp(-14.0 / rate)
		for i := range length {
			at := first + i
			if at >= len(out) {
				break
			}
			if at >= 0 {
				e := min(1, float64(i)/96) // 2 ms
				out[at] += float32(im * e)
			}
			re, im = re*cos-im*sin, re*sin+im*cos
			if i > damp {
				re, im = re*off, im*off
			}
		}
	}
	knock(r, out, first, gain)
}

// knock is the hammer: 12 ms of dull noise.
func knock(r *rand.Rand, out []float32, first int, gain float64) {
	low := 0.0
	for i := range rate * 12 / 1000 {
		low += 0.12 * (r.Float64() - 0.5 - low)
		if at := first + i; at >= 0 && at < len(out) {
			out[at] += float32(0.8 * gain * low * math.Exp(-float64(i)/150))
		}
	}
}
