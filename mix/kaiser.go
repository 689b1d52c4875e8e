package mix

import "math"

// Low-pass filters by the Kaiser window method (J. F. Kaiser, "Nonrecursive
// digital filter design using the I0-sinh window function", 1974): a sinc times
// a window whose shape buys stop-band depth for transition width. Chosen over
// equiripple designs because the formula has no iteration that can fail, and
// because its stop band keeps falling, which is what folded images need.

// stopDB is the depth of the stop band of every resampling filter. The goal is
// 120 dB; ripple of 10^(-130/20) in the pass band is 3e-6 dB.
const stopDB = 130

// kaiserTaps returns how many taps reach stopDB with a transition of the given
// width, in cycles per sample.
func kaiserTaps(width float64) int {
	return int(math.Ceil((stopDB-7.95)/(14.36*width))) + 1
}

const kaiserBeta = 0.1102 * (stopDB - 8.7)

var kaiserPeak = besselI0(kaiserBeta)

// kaiser is the window at x in -1..1, for stopDB.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return besselI0(kaiserBeta*math.Sqrt(1-x*x)) / kaiserPeak
}

// lowpass is the impulse response at time t (samples from the centre) of a
// low-pass with the given cut-off (cycles per sample, the middle of the
// transition) that is half samples long on either side.
func lowpass(t, cutoff, half float64) float64 {
	x := 2 * cutoff * t
	s := 1.0
	if x != 0 {
		s = math.Sin(math.Pi*x) / (math.Pi * x)
	}
	return 2 * cutoff * s * kaiser(t/half)
}

// besselI0 is the modified Bessel function of order zero, by its power series.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-17; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}
