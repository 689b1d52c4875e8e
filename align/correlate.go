package align

import (
	"math"

	"github.com/choirless/render/mix/fft"
)

// blockCurves correlates part against ref block by block: curve[b][l+m] is the
// sum over the values t of block b of part[t]·ref[t−l], for lags −m…m, channels
// added up. Blocks are short so that transforms stay in the cache and so that
// the support of a lag can be followed over time.
func blockCurves(ref, part [][]float32, m, block int) [][]float32 {
	n := 1
	for n < block+2*m {
		n *= 2
	}
	plan := fft.New(n)
	ar, ai, br, bi := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	cr, ci := make([]float32, n), make([]float32, n)
	length := len(part[0])
	var out [][]float32
	for s := 0; s < length; s += block {
		clear(cr)
		clear(ci)
		for c := 0; c < len(part); c += 2 {
			// Two channels ride in one complex transform: the real part of the
			// result is the sum of their correlations.
			d := min(c+1, len(part)-1)
			window(ar, ref[c], s-m, block+2*m)
			window(br, part[c], s, block)
			clear(ai)
			clear(bi)
			if d > c {
				window(ai, ref[d], s-m, block+2*m)
				window(bi, part[d], s, block)
			}
			plan.Forward(ar, ai)
			plan.Forward(br, bi)
			multiplyConj(cr, ci, ar, ai, br, bi)
		}
		plan.Inverse(cr, ci)
		curve := make([]float32, 2*m+1)
		for i := range curve {
			curve[i] = cr[2*m-i] / float32(n)
		}
		out = append(out, curve)
	}
	return out
}

// window copies n values of x from index at on into dst, zeros where there are none.
func window(dst, x []float32, at, n int) {
	clear(dst)
	a, b := max(at, 0), min(at+n, len(x))
	if a < b {
		copy(dst[a-at:], x[a:b])
	}
}

// multiplyConj adds a·conj(b) to c.
func multiplyConj(cr, ci, ar, ai, br, bi []float32) {
	n := len(cr)
	ci, ar, ai, br, bi = ci[:n], ar[:n], ai[:n], br[:n], bi[:n]
	for i := range cr {
		cr[i] += ar[i]*br[i] + ai[i]*bi[i]
		ci[i] += ai[i]*br[i] - ar[i]*bi[i]
	}
}

// energies returns the running sum of squares over all channels.
func energies(s [][]float32) []float64 {
	sum := make([]float64, len(s[0])+1)
	for i := range s[0] {
		var e float32
		for _, c := range s {
			e += c[i] * c[i]
		}
		sum[i+1] = sum[i] + float64(e)
	}
	return sum
}

// leastOverlap is the share of a recording's energy below which a shorter
// overlap is no longer made up for: chance agreement of a few notes must not
// beat the agreement of the whole song.
const leastOverlap = 0.3

// normalise divides a curve by the energies inside the overlap at each lag.
func normalise(curve []float32, ea, eb []float64) []float32 {
	m := (len(curve) - 1) / 2
	na, nb := len(ea)-1, len(eb)-1
	out := make([]float32, len(curve))
	clamp := func(v, hi int) int { return min(max(v, 0), hi) }
	for i, c := range curve {
		l := i - m
		a0, a1 := clamp(-l, na), clamp(nb-l, na)
		b0, b1 := clamp(l, nb), clamp(na+l, nb)
		sa := max(ea[max(a1, a0)]-ea[a0], leastOverlap*ea[na])
		sb := max(eb[max(b1, b0)]-eb[b0], leastOverlap*eb[nb])
		out[i] = c / float32(math.Sqrt(sa*sb)+1e-12)
	}
	return out
}
