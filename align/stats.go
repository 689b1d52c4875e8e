package align

import (
	"math"
	"slices"
)

// quantileFloat returns the q-quantile of x.
func quantileFloat(x []float32, q float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Clone(x)
	slices.Sort(s)
	return float64(s[int(q*float64(len(s)-1))])
}

// robust returns x in units of its spread: median taken out, divided by
// 1.4826·median absolute deviation, which is σ for a normal distribution.
func robust(x []float32) []float32 {
	med := quantileFloat(x, 0.5)
	dev := make([]float32, len(x))
	for i, v := range x {
		dev[i] = float32(math.Abs(float64(v) - med))
	}
	s := 1.4826*quantileFloat(dev, 0.5) + 1e-9
	for i, v := range x {
		dev[i] = float32((float64(v) - med) / s)
	}
	return dev
}

// deviation returns the standard deviation of x.
func deviation(x []float32) float64 {
	var s, q float64
	for _, v := range x {
		s += float64(v)
		q += float64(v) * float64(v)
	}
	n := float64(max(len(x), 1))
	return math.Sqrt(max(q/n-s*s/n/n, 0))
}

// smooth convolves x with a Hann kernel of 2·half+1 taps and sum 1.
func smooth(x []float32, half int) []float32 {
	k := make([]float64, 2*half+1)
	sum := 0.0
	for i := range k {
		k[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(2*half))
		sum += k[i]
	}
	out := make([]float32, len(x))
	for i := range x {
		var v float64
		for j, w := range k {
			if t := i + j - half; t >= 0 && t < len(x) {
				v += w * float64(x[t])
			}
		}
		out[i] = float32(v / sum)
	}
	return out
}

// stretch interpolates x to n values, step apart of the values of x, linearly.
func stretch(x []float32, step, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		j, f := i/step, float32(i%step)/float32(step)
		if j+1 < len(x) {
			out[i] = x[j]*(1-f) + x[j+1]*f
		} else {
			out[i] = x[len(x)-1]
		}
	}
	return out
}

// vertex returns where the parabola through the values about k peaks, in
// samples of x; k itself at the ends.
func vertex(x []float32, k int) float64 {
	if k <= 0 || k >= len(x)-1 {
		return float64(k)
	}
	a, b, c := float64(x[k-1]), float64(x[k]), float64(x[k+1])
	d := a - 2*b + c
	if math.Abs(d) < 1e-15 {
		return float64(k)
	}
	return float64(k) + min(max((a-c)/(2*d), -0.5), 0.5)
}

func argmax(x []float32) int {
	k := 0
	for i, v := range x {
		if v > x[k] {
			k = i
		}
	}
	return k
}
