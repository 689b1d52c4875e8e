package engine

// Resizing one axis.
//
// The kernel is the Catmull-Rom cubic (Keys 1981, a = -1/2), radius 2. When an
// axis shrinks by s, the kernel is stretched by s, so that it also takes out
// what the smaller grid cannot hold; the popular "bicubic in 5 fetches" does
// not, and aliases worse than bilinear. Stretched Lanczos-3 was tried: it costs
// half as much again and rings on faces against bright windows.
//
// Sample i of the result lies at position step*i + start of the source, counted
// in source samples with sample 0 at 0.0. Everything that moves a picture (crop,
// chroma siting, sample aspect) is in these two numbers and nowhere else.
//
// Taps beyond the edge are folded onto the edge sample, which is what repeating
// the edge for ever gives, without reading outside the plane.

import "math"

// catmullRom is the kernel: 1 at 0, 0 at every other whole number.
func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// kernelRadius is where catmullRom ends.
const kernelRadius = 2

// axis is a resize along one dimension. It is comparable and serves as a key.
type axis struct {
	Out, In     int     // samples of the result, of the source
	Step, Start float64 // position of result sample i is Step*i + Start
}

// filter holds the weights of an axis. Row i is Taps weights for the source
// samples from Base[i] on; samples outside the source have weight 0.
type filter struct {
	Taps    int
	Base    []int
	Weights []float64 // len(Base) * Taps, each row adds up to 1
}

// span returns the first and last source sample with weight for result sample
// i, not yet clamped to the source.
func (a axis) span(i int) (first, last int) {
	c := a.Step*float64(i) + a.Start
	r := kernelRadius * a.stretch()
	// The kernel is 0 at its rim: a tap that would lie on it is left out.
	return int(math.Floor(c-r+1e-9)) + 1, int(math.Ceil(c+r-1e-9)) - 1
}

func (a axis) stretch() float64 { return math.Max(1, a.Step) }

// filter computes the weights in float64.
func (a axis) filter() filter {
	var f filter
	for i := range a.Out {
		first, last := a.span(i)
		f.Taps = max(f.Taps, last-first+1)
	}
	f.Base = make([]int, a.Out)
	f.Weights = make([]float64, a.Out*f.Taps)
	s := a.stretch()
	for i := range a.Out {
		c := a.Step*float64(i) + a.Start
		first, last := a.span(i)
		// A window wholly outside the source sees its edge only.
		base := max(min(first, a.In-1), 1-f.Taps)
		f.Base[i] = base
		row := f.Weights[i*f.Taps : (i+1)*f.Taps]
		sum := 0.0
		for k := first; k <= last; k++ {
			w := catmullRom((float64(k) - c) / s)
			row[min(max(k, 0), a.In-1)-base] += w
			sum += w
		}
		for k := range row {
			row[k] /= sum
		}
	}
	return f
}

// identity reports whether the axis copies its source.
func (a axis) identity() bool { return a.Out == a.In && a.Step == 1 && a.Start == 0 }
