package fft

import (
	"fmt"
	"math"
)

// Real computes transforms of real signals of one even length n, through a
// complex transform of n/2 points: even samples ride in the real part, odd
// ones in the imaginary part, and the two spectra are told apart by their
// symmetry. Not safe for concurrent use.
type Real struct {
	n    int
	plan *Plan
	// cos and sin of -2π·k/n, k = 0..n/4.
	cos, sin []float32
}

// NewReal returns a Real for n points. n must be even and n/2 must be
// Supported; NewReal panics otherwise.
func NewReal(n int) *Real {
	if n < 2 || n%2 != 0 {
		panic(fmt.Sprintf("fft: real length %d, want an even one", n))
	}
	r := &Real{n: n, plan: New(n / 2), cos: make([]float32, n/4+1), sin: make([]float32, n/4+1)}
	for k := range r.cos {
		s, c := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		r.cos[k], r.sin[k] = float32(c), float32(s)
	}
	return r
}

// Len returns the number of real points.
func (r *Real) Len() int { return r.n }

// Bins returns the number of complex values of the spectrum, Len/2 + 1.
func (r *Real) Bins() int { return r.n/2 + 1 }

// Forward writes bins 0..n/2 of the spectrum of x to re and im, which must
// hold Bins values each. The imaginary parts of the first and last bin are 0.
func (r *Real) Forward(x, re, im []float32) {
	h := r.n / 2
	x, re, im = x[:r.n], re[:h+1], im[:h+1]
	split(x, re[:h], im[:h])
	r.plan.Forward(re[:h], im[:h])
	dc, ny := re[0]+im[0], re[0]-im[0]
	done := unpack(re, im, r.cos, r.sin, h)
	unpackGo(re, im, r.cos, r.sin, h, done)
	re[0], im[0] = dc, 0
	re[h], im[h] = ny, 0
}

// Inverse writes to x the signal whose spectrum is re, im (Bins values each),
// times n/2: divide by Len/2, or fold that factor into the spectrum. It
// overwrites re and im. The imaginary parts of the first and last bin count as 0.
func (r *Real) Inverse(re, im, x []float32) {
	h := r.n / 2
	x, re, im = x[:r.n], re[:h+1], im[:h+1]
	dc, ny := re[0], re[h]
	done := pack(re, im, r.cos, r.sin, h)
	packGo(re, im, r.cos, r.sin, h, done)
	re[0], im[0] = 0.5*(dc+ny), 0.5*(dc-ny)
	r.plan.Inverse(re[:h], im[:h])
	join(re[:h], im[:h], x)
}

// unpackGo turns the spectrum Z of the half-length transform into that of the
// real signal, bins from to h/2 and their mirror images:
// X[k] = E + w·O with E = (Z[k]+Z*[h-k])/2, O = (Z[k]-Z*[h-k])/(2i).
func unpackGo(re, im, cos, sin []float32, h, from int) {
	for k := from; k <= h/2; k++ {
		j := h - k
		er, ei := 0.5*(re[k]+re[j]), 0.5*(im[k]-im[j])
		or, oi := 0.5*(im[k]+im[j]), 0.5*(re[j]-re[k])
		wr, wi := cos[k], sin[k]
		tr, ti := or*wr-oi*wi, or*wi+oi*wr
		re[k], im[k] = er+tr, ei+ti
		re[j], im[j] = er-tr, ti-ei
	}
}

// packGo is the way back.
func packGo(re, im, cos, sin []float32, h, from int) {
	for k := from; k <= h/2; k++ {
		j := h - k
		er, ei := 0.5*(re[k]+re[j]), 0.5*(im[k]-im[j])
		dr, di := 0.5*(re[k]-re[j]), 0.5*(im[k]+im[j])
		wr, wi := cos[k], -sin[k]
		or, oi := dr*wr-di*wi, dr*wi+di*wr
		re[k], im[k] = er-oi, ei+or
		re[j], im[j] = er+oi, or-ei
	}
}
