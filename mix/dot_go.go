//go:build !(goexperiment.simd && amd64)

package mix

func dot(x, taps, slope []float32, share float32) float32 { return dotGo(x, taps, slope, share) }

func dot2(x, y, taps, slope []float32, share float32) (float32, float32) {
	return dot2Go(x, y, taps, slope, share)
}
