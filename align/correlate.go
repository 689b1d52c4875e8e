package align

import (
	"math"

	"github.com/choirless/render/mix/fft"
)

// correlateSpans correlates part against ref, the spans of the part between
// consecutive cuts apart: out[s][l+m] is the sum over the values t of span s of
// part[t]·ref[t−l], for lags −m…m, channels added up. Inside it goes in short
// blocks, so that the transforms stay in the cache.
func correlateSpans(ref, part [][]float32, m int, cuts []int) [][]float32 {
	n := 4
	for n < 5*m || n < 1024 {
		n *= 2
	}
	block := n - 2*m
	c := correlator{plan: fft.New(n), m: m, block: block}
	for _, p := range []*[]float32{&c.ar, &c.ai, &c.br, &c.bi, &c.cr, &c.ci} {
		*p = make([]float32, n)
	}
	out := make([][]float32, len(cuts)-1)
	for s := range out {
		out[s] = make([]float32, 2*m+1)
		for at := cuts[s]; at < cuts[s+1]; at += block {
			c.add(out[s], ref, part, at, min(block, cuts[s+1]-at))
		}
	}
	return out
}

// correlator holds the scratch space of correlateSpans.
type correlator struct {
	plan                   *fft.Plan
	m, block               int
	ar, ai, br, bi, cr, ci []float32
}

// add adds the correlation of part[at:at+n] to curve.
func (c *correlator) add(curve []float32, ref, part [][]float32, at, n int) {
	clear(c.cr)
	clear(c.ci)
	for k := 0; k < len(part); k += 2 {
		// Two channels ride in one complex transform: the real part of the
		// result is the sum of their correlations.
		copyWindow(c.ar, ref[k], at-c.m, n+2*c.m)
		copyWindow(c.br, part[k], at, n)
		clear(c.ai)
		clear(c.bi)
		if k+1 < len(part) {
			copyWindow(c.ai, ref[k+1], at-c.m, n+2*c.m)
			copyWindow(c.bi, part[k+1], at, n)
		}
		c.plan.Forward(c.ar, c.ai)
		c.plan.Forward(c.br, c.bi)
		multiplyConj(c.cr, c.ci, c.ar, c.ai, c.br, c.bi)
	}
	c.plan.Inverse(c.cr, c.ci)
	for i := range curve {
		curve[i] += c.cr[2*c.m-i] / float32(c.plan.Len())
	}
}

// copyWindow copies n values of x from index at on into dst, zeros where there are none.
func copyWindow(dst, x []float32, at, n int) {
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
