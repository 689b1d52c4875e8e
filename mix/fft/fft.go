// Package fft computes discrete Fourier transforms of float32 signals.
//
// The transform is a Stockham autosort FFT (no bit reversal) with radix-4
// passes and at most one each of radix 2, plus passes of radix 3, 5 and 7 for
// the lengths that sample-rate conversion needs (147 : 160 and its kin).
// Real and imaginary parts live in two slices, which keeps the inner loops
// free of shuffles, for the compiler as for SIMD. The result of float32
// arithmetic is good to about 135 dB below the signal at 2^14 points, which is
// more than a 24-bit file holds; float64 would cost half the speed.
//
// Two kernels, the radix-4 butterfly and the complex multiply-add, have a
// second implementation for GOEXPERIMENT=simd (amd64 with AVX2); Kernel names
// the one that was built. Results may differ in the last bit between the two.
//
// Complexity allowed, alternatives rejected: gonum and go-dsp are float64 and
// 5 to 20 times slower; split radix saves 10 % of the multiplications and
// loses them again to its irregular memory access.
package fft

import (
	"fmt"
	"math"
	"math/bits"
)

// Plan computes complex transforms of one length. Not safe for concurrent
// use: it owns scratch space. Plans of one length may be made freely.
type Plan struct {
	n      int
	passes []pass
	tmp1   []float32 // scratch, real parts
	tmp2   []float32 // scratch, imaginary parts
}

// pass is one Stockham pass: the remaining length n is divided by radix.
type pass struct {
	radix int
	n     int // length before this pass
	s     int // stride, the product of the radices before
	// tw holds cos and sin of the twiddles w^(j·p), j = 1..radix-1, as
	// 2·(radix-1) slices indexed by p.
	tw [][]float32
}

// New returns a Plan for n points. n must be positive and have no prime
// factors other than 2, 3, 5 and 7; New panics otherwise, because lengths are
// chosen by the program, never by its input.
func New(n int) *Plan {
	if !Supported(n) {
		panic(fmt.Sprintf("fft: length %d has a prime factor above 7", n))
	}
	p := &Plan{n: n, tmp1: make([]float32, n), tmp2: make([]float32, n)}
	rest, s := n, 1
	for _, r := range radices(n) {
		p.passes = append(p.passes, pass{radix: r, n: rest, s: s, tw: twiddles(rest, r)})
		rest /= r
		s *= r
	}
	return p
}

// Supported reports whether New accepts n.
func Supported(n int) bool {
	if n < 1 {
		return false
	}
	for _, r := range []int{2, 3, 5, 7} {
		for n%r == 0 {
			n /= r
		}
	}
	return n == 1
}

// radices factors n for the passes: fours first, since the first pass (stride
// 1) has a kernel of its own, then a two, then the odd ones.
func radices(n int) []int {
	var out []int
	two := bits.TrailingZeros(uint(n))
	n >>= two
	for ; two >= 2; two -= 2 {
		out = append(out, 4)
	}
	if two == 1 {
		out = append(out, 2)
	}
	for _, r := range []int{3, 5, 7} {
		for ; n%r == 0; n /= r {
			out = append(out, r)
		}
	}
	return out
}

// twiddles returns cos and sin of -2π·j·p/n for j = 1..radix-1, p < n/radix,
// computed in float64.
func twiddles(n, radix int) [][]float32 {
	m := n / radix
	out := make([][]float32, 2*(radix-1))
	for j := 1; j < radix; j++ {
		c, s := make([]float32, m), make([]float32, m)
		for p := range m {
			si, co := math.Sincos(-2 * math.Pi * float64(j*p%n) / float64(n))
			c[p], s[p] = float32(co), float32(si)
		}
		out[2*j-2], out[2*j-1] = c, s
	}
	return out
}

// Len returns the number of points.
func (p *Plan) Len() int { return p.n }

// Forward computes X[k] = Σ x[t]·exp(-2πi·k·t/n) in place. re and im must each
// hold exactly Len values.
func (p *Plan) Forward(re, im []float32) {
	if len(re) != p.n || len(im) != p.n {
		panic(fmt.Sprintf("fft: %d and %d values, want %d", len(re), len(im), p.n))
	}
	p.run(re, im, p.tmp1, p.tmp2)
}

// run transforms (re, im) in place, with (ur, ui) as scratch of equal length.
func (p *Plan) run(re, im, ur, ui []float32) {
	xr, xi, yr, yi := re, im, ur, ui
	for i := range p.passes {
		p.passes[i].run(xr, xi, yr, yi)
		xr, xi, yr, yi = yr, yi, xr, xi
	}
	if len(p.passes)%2 == 1 {
		copy(re, xr)
		copy(im, xi)
	}
}

// Inverse computes x[t] = Σ X[k]·exp(+2πi·k·t/n) in place, without the factor
// 1/n: fold it into something that is multiplied anyway.
func (p *Plan) Inverse(re, im []float32) { p.Forward(im, re) }

func (q *pass) run(xr, xi, yr, yi []float32) {
	switch q.radix {
	case 4:
		if q.s == 1 {
			first4(xr, xi, yr, yi, q.n, q.tw)
		} else {
			radix4(xr, xi, yr, yi, q.n, q.s, q.tw)
		}
	case 2:
		radix2(xr, xi, yr, yi, q.n, q.s, q.tw)
	case 3:
		radix3(xr, xi, yr, yi, q.n, q.s, q.tw)
	case 5:
		radix5(xr, xi, yr, yi, q.n, q.s, q.tw)
	case 7:
		radix7(xr, xi, yr, yi, q.n, q.s, q.tw)
	}
}

// MulAdd adds the complex product a·b to y, element by element. All six slices
// must have the length of yr. It is the inner loop of partitioned convolution.
func MulAdd(yr, yi, ar, ai, br, bi []float32) {
	n := len(yr)
	mulAdd(yr, yi[:n], ar[:n], ai[:n], br[:n], bi[:n])
}
