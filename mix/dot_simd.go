//go:build goexperiment.simd && amd64

package mix

import "simd/archsimd"

// useAVX2 is decided once: without AVX2 and FMA the portable loops run.
var useAVX2 = archsimd.X86.AVX2() && archsimd.X86.FMA()

func dot(x, taps, slope []float32, share float32) float32 {
	if len(taps) != driftTaps || !useAVX2 {
		return dotGo(x, taps, slope, share)
	}
	l, _ := dot2(x, x, taps, slope, share)
	return l
}

// driftTaps is the length of the interpolator for drift at 48 kHz. The loop is
// written out, so that no index is checked.
const driftTaps = 56

func dot2(x, y, taps, slope []float32, share float32) (float32, float32) {
	if len(taps) != driftTaps || !useAVX2 {
		return dot2Go(x, y, taps, slope, share)
	}
	p, q := (*[driftTaps]float32)(x), (*[driftTaps]float32)(y)
	t, d := (*[driftTaps]float32)(taps), (*[driftTaps]float32)(slope)
	s := archsimd.BroadcastFloat32x8(share)
	var a, b, h archsimd.Float32x8
	h = archsimd.LoadFloat32x8((*[8]float32)(d[0:8])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[0:8])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[0:8])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[0:8])).MulAdd(h, b)
	h = archsimd.LoadFloat32x8((*[8]float32)(d[8:16])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[8:16])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[8:16])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[8:16])).MulAdd(h, b)
	h = archsimd.LoadFloat32x8((*[8]float32)(d[16:24])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[16:24])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[16:24])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[16:24])).MulAdd(h, b)
	h = archsimd.LoadFloat32x8((*[8]float32)(d[24:32])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[24:32])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[24:32])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[24:32])).MulAdd(h, b)
	h = archsimd.LoadFloat32x8((*[8]float32)(d[32:40])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[32:40])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[32:40])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[32:40])).MulAdd(h, b)
	h = archsimd.LoadFloat32x8((*[8]float32)(d[40:48])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[40:48])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[40:48])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[40:48])).MulAdd(h, b)
	h = archsimd.LoadFloat32x8((*[8]float32)(d[48:56])).MulAdd(s, archsimd.LoadFloat32x8((*[8]float32)(t[48:56])))
	a = archsimd.LoadFloat32x8((*[8]float32)(p[48:56])).MulAdd(h, a)
	b = archsimd.LoadFloat32x8((*[8]float32)(q[48:56])).MulAdd(h, b)
	v := a.GetLo().Add(a.GetHi())
	w := b.GetLo().Add(b.GetHi())
	var f, g [4]float32
	v.Store(&f)
	w.Store(&g)
	archsimd.ClearAVXUpperBits()
	return (f[0] + f[1]) + (f[2] + f[3]), (g[0] + g[1]) + (g[2] + g[3])
}
