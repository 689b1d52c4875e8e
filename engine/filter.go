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
// Beyond an edge its sample is repeated for ever. Taps there are folded onto the
// edge sample, which gives the same without reading outside the plane, or find
// it repeated in memory (scale.go).

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

// taps returns the weights of result sample i, which add up to 1, and the source
// sample of the first, which may lie beyond the edge.
func (a axis) taps(i int) (first int, weights []float64) {
	c := a.Step*float64(i) + a.Start
	first, last := a.span(i)
	weights = make([]float64, last-first+1)
	sum := 0.0
	for k := range weights {
		weights[k] = catmullRom((float64(first+k) - c) / a.stretch())
		sum += weights[k]
	}
	for k := range weights {
		weights[k] /= sum
	}
	return first, weights
}

// beyond returns how many samples before the source's first and after its last
// have weight.
func (a axis) beyond() (before, after int) {
	first, _ := a.span(0)
	_, last := a.span(a.Out - 1)
	return max(-first, 0), max(last-a.In+1, 0)
}

// filter computes the weights in float64, with taps beyond the edge folded.
func (a axis) filter() filter {
	var f filter
	for i := range a.Out {
		first, last := a.span(i)
		f.Taps = max(f.Taps, last-first+1)
	}
	f.Base = make([]int, a.Out)
	f.Weights = make([]float64, a.Out*f.Taps)
	for i := range a.Out {
		first, weights := a.taps(i)
		// A window wholly outside the source sees its edge only.
		base := max(min(first, a.In-1), 1-f.Taps)
		f.Base[i] = base
		row := f.Weights[i*f.Taps : (i+1)*f.Taps]
		for k, w := range weights {
			row[min(max(first+k, 0), a.In-1)-base] += w
		}
	}
	return f
}

// identity reports whether the axis copies its source.
func (a axis) identity() bool { return a.Out == a.In && a.Step == 1 && a.Start == 0 }
