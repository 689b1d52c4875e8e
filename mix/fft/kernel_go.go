//go:build !(goexperiment.simd && amd64)

package fft

// Kernel names the implementation of the inner loops in this build.
const Kernel = "go"

func first4(xr, xi, yr, yi []float32, n int, t [][]float32) { first4Go(xr, xi, yr, yi, n, t) }

func split(x, even, odd []float32) { splitGo(x, even, odd) }

func join(even, odd, x []float32) { joinGo(even, odd, x) }

func radix4(xr, xi, yr, yi []float32, n, s int, t [][]float32) { radix4Go(xr, xi, yr, yi, n, s, t) }

func mulAdd(yr, yi, ar, ai, br, bi []float32) { mulAddGo(yr, yi, ar, ai, br, bi) }

// unpack and pack do the first bins and return the first that is left to do.
func unpack(re, im, cos, sin []float32, h int) int { return 1 }

func pack(re, im, cos, sin []float32, h int) int { return 1 }
