package align

import (
	"context"
	"math"
	"math/bits"
)

// Two clocks are never equal: 50 ppm move a part by 15 ms in five minutes and
// smear the peak of a whole-file correlation into nothing. So the fine search
// takes short groups, whose peaks stay sharp, and adds them up along straight
// lines: every line is a lag and a drift.
const (
	groupWords  = 128             // words of 64 samples: 0.5 s, in which 100 ppm are one sample
	groupLen    = groupWords * 64 // samples
	leastGroups = 4               // less than two seconds of both say nothing, however alike
	driftMost   = 150.0           // ppm, either way; consumer crystals are within 100
	driftStep   = 1.0             // ppm, at least, in the first search
	// leastSpread is the least deviation of a group's curve; unrelated signals
	// give √8192 = 90. In digital silence it is less, and a few samples of noise
	// at its edge would count as much as a whole group.
	leastSpread = 60.0
)

// line is the best straight line through the group curves.
type line struct {
	lag float64 // samples, at time zero of the part
	ppm float64
	z   float64 // height over what chance gives at one place
	at0 float64 // the same height when no drift is allowed
	// halves are the heights of the two halves of the part along the line.
	halves [2]float64
}

// words returns the one-bit signal from sample at on, 64 samples per word, and
// whether all of it lies inside the recording.
func (f *Features) words(dst []uint64, at int) bool {
	at += whiteHop
	if at < 0 || (at+64*len(dst))>>3+8 >= len(f.bits) || at+64*len(dst) > f.samples+whiteHop {
		return false
	}
	b := f.bits[at>>3:]
	s := uint(at & 7)
	for i := range dst {
		p := b[8*i : 8*i+9]
		w := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		if s > 0 {
			w = w>>s | uint64(p[8])<<(64-s)
		}
		dst[i] = w
	}
	return true
}

// findLine looks for the reference inside the part near a lag, centre±reach
// samples, at any drift up to driftMost. Where ctx ends there is none.
func findLine(ctx context.Context, ref, part *Features, centre, reach int) (line, bool) {
	wide := reach + int(float64(part.samples)*driftMost*1e-6) + 2
	p, r := make([]uint64, groupWords), make([]uint64, groupWords+2*wide/64+2)
	var curves [][]float32 // by group: agreement over chance, in units of its spread
	var starts []int
	for s := 0; s+groupLen <= part.samples; s += groupLen {
		if ctx.Err() != nil {
			return line{}, false
		}
		// l = centre−wide+k ↔ reference from s−l on.
		first := s - centre - wide
		if !part.words(p, s) || !ref.words(r, first) {
			continue
		}
		curve := make([]float32, 2*wide+1)
		shifted := make([]uint64, len(r)-1)
		for bit := range 64 {
			for i := range shifted {
				shifted[i] = r[i]>>bit | r[i+1]<<(64-bit)
			}
			for w := 0; 64*w+bit <= 2*wide; w++ {
				differ := 0
				q := shifted[w : w+groupWords]
				for i, v := range p {
					differ += bits.OnesCount64(v ^ q[i])
				}
				curve[2*wide-64*w-bit] = float32(groupLen - 2*differ)
			}
		}
		spread := deviation(curve)
		if spread < leastSpread {
			continue
		}
		scale := float32(1 / spread)
		for i := range curve {
			curve[i] *= scale
		}
		curves, starts = append(curves, curve), append(starts, s)
	}
	if len(curves) < leastGroups {
		return line{}, false
	}
	return bestLine(curves, starts, part.samples, centre, reach, wide), true
}

// bestLine searches lags and drifts. Lines turn about the middle of the part.
func bestLine(curves [][]float32, starts []int, samples, centre, reach, wide int) line {
	mid := float64(samples) / 2
	step := max(2e6/float64(samples), driftStep) // the former moves the ends by one sample
	n := int(driftMost / step)
	norm := 1 / math.Sqrt(float64(len(curves)))
	height := func(lag int, ppm float64, from, to int) float64 {
		sum := 0.0
		for g := from; g < to; g++ {
			t := float64(starts[g]) + groupLen/2 - mid
			i := lag + wide + int(math.Round(t*ppm*1e-6))
			if i >= 0 && i < len(curves[g]) {
				sum += float64(curves[g][i])
			}
		}
		return sum * norm
	}
	var best, flat line
	bestLag, bestK := 0, 0
	sum := make([]float32, 2*reach+1)
	for k := -n; k <= n; k++ {
		clear(sum)
		for g, c := range curves {
			t := float64(starts[g]) + groupLen/2 - mid
			from := wide - reach + int(math.Round(t*float64(k)*step*1e-6))
			if from >= 0 && from+len(sum) <= len(c) {
				for i, v := range c[from : from+len(sum)] {
					sum[i] += v
				}
			}
		}
		i := argmax(sum)
		h := float64(sum[i]) * norm
		if h > best.z {
			best.z, bestLag, bestK = h, i-reach, k
		}
		if k == 0 {
			flat.z = h
		}
	}
	// Then finer about the best.
	ppm, fine := float64(bestK)*step, 4e5/float64(samples)
	coarse, lag := ppm, bestLag
	for d := -step; d <= step; d += fine {
		for l := lag - 3; l <= lag+3; l++ {
			if h := height(l, coarse+d, 0, len(curves)); h > best.z {
				best.z, bestLag, ppm = h, l, coarse+d
			}
		}
	}
	v := make([]float32, 3)
	for i := range v {
		v[i] = float32(height(bestLag+i-1, ppm, 0, len(curves)))
	}
	dl := vertex(v, 1) - 1
	best.at0 = flat.z
	m := len(curves) / 2
	best.halves = [2]float64{height(bestLag, ppm, 0, m) * math.Sqrt2, height(bestLag, ppm, m, len(curves)) * math.Sqrt2}
	best.ppm = ppm
	best.lag = float64(centre) + float64(bestLag) + dl - mid*best.ppm*1e-6
	return best
}
