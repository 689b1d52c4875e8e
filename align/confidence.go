package align

import (
	"math"
	"slices"
)

// evidence returns what the confidence is computed from, for the peak at index k:
//
//	0     1
//	1     log odds against the best lag elsewhere, at most 15
//	2     height of the combined curve in units of its spread elsewhere
//	3     how many of the features have a peak here, 0…4
//	4     support in the middle one of three thirds of the part, so in two of them
//	5–7   correlation coefficient of note beginnings, chords, loudness
//
// Chance makes coefficients and heights in proportion to 1/√time, so 1, 2 and 5–7
// count less where the recordings overlap by less than fullOverlap.
func (c *comparison) evidence(k int) []float64 {
	const apart, near = 20, 7 // 200 and 70 ms
	at, rest := float64(c.total[k]), elsewhere(c.total, k, apart)
	margin := float64(c.odds[k] - slices.Max(elsewhere(c.odds, k, apart)))
	peak := func(x []float32, w int) float64 {
		return float64(slices.Max(x[max(0, k-w):min(len(x), k+w+1)]))
	}
	agree := 0.0
	for _, r := range c.robust {
		agree += min(max((peak(r, near)-1.5)/2.5, 0), 1)
	}
	thirds := make([]float64, 3)
	for i, t := range c.third {
		thirds[i] = min(peak(t, 6), 10)
	}
	slices.Sort(thirds)
	share := math.Sqrt(min(c.overlap(k)/fullOverlap, 1))
	return []float64{
		1, share * min(margin, 15), share * min(at/(deviation(rest)+1e-9), 15), agree, thirds[1],
		share * peak(c.curve[byNote], near), share * peak(c.curve[byChord], near), share * peak(c.curve[byLoud], near),
	}
}

// elsewhere returns the values of x farther than apart from index k.
func elsewhere(x []float32, k, apart int) []float32 {
	return slices.Concat(x[:max(0, k-apart)], x[min(len(x), k+apart+1):])
}

// fullOverlap, in seconds, was settled on the first 4, 6, 10 and 16 s of 98 parts,
// beside as many wrong songs.
const fullOverlap = 25.0

// overlap returns for how long both recordings sound at index k, in seconds.
func (c *comparison) overlap(k int) float64 {
	l := k - c.m
	return float64(max(0, min(c.part, c.ref+l)-max(0, l))) / frameRate
}

// confidenceWeight was fitted by logistic regression; see README.md.
var confidenceWeight = []float64{-9.5, 0.34, 0.46, 0.90, 0.15, 12.6, 5.0, 4.75}

// logistic returns 1/(1+exp(−w·x)).
func logistic(w, x []float64) float64 {
	sum := 0.0
	for i := range w {
		sum += w[i] * x[i]
	}
	return 1 / (1 + math.Exp(-sum))
}

// confidence returns the probability that the peak at index k is the right place.
func (c *comparison) confidence(k int) float64 {
	return logistic(confidenceWeight, c.evidence(k))
}
