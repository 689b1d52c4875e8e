package mix

// The inner loop of the interpolator: the products of x with taps + share·slope.
// x may be longer than the taps, of which there is a multiple of 8. Four
// accumulators hide the latency of the additions.

func dotGo(x, taps, slope []float32, share float32) float32 {
	x, slope = x[:len(taps)], slope[:len(taps)]
	var a0, a1, a2, a3 float32
	for j := 0; j < len(taps)-3; j += 4 {
		a0 += x[j] * (taps[j] + share*slope[j])
		a1 += x[j+1] * (taps[j+1] + share*slope[j+1])
		a2 += x[j+2] * (taps[j+2] + share*slope[j+2])
		a3 += x[j+3] * (taps[j+3] + share*slope[j+3])
	}
	return (a0 + a1) + (a2 + a3)
}

// dot2Go is dotGo for two channels, which share the blending of the taps.
func dot2Go(x, y, taps, slope []float32, share float32) (float32, float32) {
	x, y, slope = x[:len(taps)], y[:len(taps)], slope[:len(taps)]
	var a0, a1, b0, b1 float32
	for j := 0; j < len(taps)-3; j += 4 {
		h0 := taps[j] + share*slope[j]
		h1 := taps[j+1] + share*slope[j+1]
		h2 := taps[j+2] + share*slope[j+2]
		h3 := taps[j+3] + share*slope[j+3]
		a0 += x[j]*h0 + x[j+2]*h2
		b0 += y[j]*h0 + y[j+2]*h2
		a1 += x[j+1]*h1 + x[j+3]*h3
		b1 += y[j+1]*h1 + y[j+3]*h3
	}
	return a0 + a1, b0 + b1
}
