package align

import (
	"math"
	"slices"
)

// evidence returns what the confidence is computed from, for the peak at index k.
func (c *comparison) evidence(k int) []float64 {
	const apart, near = 40, 14
	rest := make([]float32, 0, len(c.total))
	for i, v := range c.total {
		if i < k-apart || i > k+apart {
			rest = append(rest, v)
		}
	}
	if len(rest) == 0 {
		rest = c.total
	}
	s := deviation(rest) + 1e-9
	best := float64(rest[argmax(rest)])
	at := float64(c.total[k])
	peak := func(x []float32, w int) float64 {
		lo, hi := max(0, k-w), min(len(x), k+w+1)
		return float64(x[lo+argmax(x[lo:hi])])
	}
	agree := 0.0
	for _, r := range c.robust {
		agree += min(max((peak(r, near)-1.5)/2.5, 0), 1)
	}
	sup := make([]float64, 3)
	for i, t := range c.third {
		sup[i] = peak(t, 12)
	}
	slices.Sort(sup)
	return []float64{1, (at - best) / s, at / s, agree, sup[0], sup[1], sup[2], peak(c.curve[byNote], near), peak(c.robust[byNote], near)}
}

// confidenceWeight was fitted by logistic regression; see README.md.
var confidenceWeight = []float64{-7.688518, 0.349744, 0.299051, 0.799545, 0.502366, 0.346082, 0.100208, 0, 0}

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
