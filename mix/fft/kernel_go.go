//go:build !(goexperiment.simd && amd64)

package fft

// Kernel names the implementation of the inner loops in this build.
const Kernel = "go"

func radix4(xr, xi, yr, yi []float32, n, s int, t [][]float32) { radix4Go(xr, xi, yr, yi, n, s, t) }

func mulAdd(yr, yi, ar, ai, br, bi []float32) { mulAddGo(yr, yi, ar, ai, br, bi) }
