//go:build goexperiment.simd && amd64

package fft

import "simd/archsimd"

// Kernel names the implementation of the inner loops in this build.
const Kernel = "simd"

// useAVX2 is decided once: without AVX2 and FMA the portable loops run.
var useAVX2 = archsimd.X86.AVX2() && archsimd.X86.FMA()

func radix4(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	switch {
	case !useAVX2 || s%4 != 0:
		radix4Go(xr, xi, yr, yi, n, s, t)
	case s == 4:
		radix4x4(xr, xi, yr, yi, n, t)
	case s%8 != 0:
		radix4Go(xr, xi, yr, yi, n, s, t)
	default:
		radix4x8(xr, xi, yr, yi, n, s, t)
	}
}

func radix4x8(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	m := n / 4
	for p := 0; p < m; p++ {
		a, b, c, d := s*p, s*(p+m), s*(p+2*m), s*(p+3*m)
		ar, ai, br, bi, cr, ci, dr, di := xr[a:a+s], xi[a:a+s], xr[b:b+s], xi[b:b+s], xr[c:c+s], xi[c:c+s], xr[d:d+s], xi[d:d+s]
		o := s * 4 * p
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:o+2*s], yi[o+s:o+2*s]
		o2r, o2i, o3r, o3i := yr[o+2*s:o+3*s], yi[o+2*s:o+3*s], yr[o+3*s:o+4*s], yi[o+3*s:o+4*s]
		w1r, w1i := archsimd.BroadcastFloat32x8(t[0][p]), archsimd.BroadcastFloat32x8(t[1][p])
		w2r, w2i := archsimd.BroadcastFloat32x8(t[2][p]), archsimd.BroadcastFloat32x8(t[3][p])
		w3r, w3i := archsimd.BroadcastFloat32x8(t[4][p]), archsimd.BroadcastFloat32x8(t[5][p])
		for q := 0; q+8 <= s; q += 8 {
			Ar, Ai := archsimd.LoadFloat32x8Slice(ar[q:]), archsimd.LoadFloat32x8Slice(ai[q:])
			Br, Bi := archsimd.LoadFloat32x8Slice(br[q:]), archsimd.LoadFloat32x8Slice(bi[q:])
			Cr, Ci := archsimd.LoadFloat32x8Slice(cr[q:]), archsimd.LoadFloat32x8Slice(ci[q:])
			Dr, Di := archsimd.LoadFloat32x8Slice(dr[q:]), archsimd.LoadFloat32x8Slice(di[q:])
			apcr, apci, amcr, amci := Ar.Add(Cr), Ai.Add(Ci), Ar.Sub(Cr), Ai.Sub(Ci)
			bpdr, bpdi, bmdr, bmdi := Br.Add(Dr), Bi.Add(Di), Br.Sub(Dr), Bi.Sub(Di)
			apcr.Add(bpdr).StoreSlice(o0r[q:])
			apci.Add(bpdi).StoreSlice(o0i[q:])
			ur, ui := amcr.Add(bmdi), amci.Sub(bmdr)
			ur.Mul(w1r).Sub(ui.Mul(w1i)).StoreSlice(o1r[q:])
			ur.MulAdd(w1i, ui.Mul(w1r)).StoreSlice(o1i[q:])
			ur, ui = apcr.Sub(bpdr), apci.Sub(bpdi)
			ur.Mul(w2r).Sub(ui.Mul(w2i)).StoreSlice(o2r[q:])
			ur.MulAdd(w2i, ui.Mul(w2r)).StoreSlice(o2i[q:])
			ur, ui = amcr.Sub(bmdi), amci.Add(bmdr)
			ur.Mul(w3r).Sub(ui.Mul(w3i)).StoreSlice(o3r[q:])
			ur.MulAdd(w3i, ui.Mul(w3r)).StoreSlice(o3i[q:])
		}
	}
	archsimd.ClearAVXUpperBits()
}

// radix4x4 is the pass at stride 4.
func radix4x4(xr, xi, yr, yi []float32, n int, t [][]float32) {
	const s = 4
	m := n / 4
	ld := func(x []float32, i int) archsimd.Float32x4 { return archsimd.LoadFloat32x4((*[4]float32)(x[i : i+4])) }
	for p := 0; p < m; p++ {
		a, b, c, d := s*p, s*(p+m), s*(p+2*m), s*(p+3*m)
		Ar, Ai, Br, Bi, Cr, Ci, Dr, Di := ld(xr, a), ld(xi, a), ld(xr, b), ld(xi, b), ld(xr, c), ld(xi, c), ld(xr, d), ld(xi, d)
		or, oi := yr[16*p:16*p+16], yi[16*p:16*p+16]
		w1r, w1i := archsimd.BroadcastFloat32x4(t[0][p]), archsimd.BroadcastFloat32x4(t[1][p])
		w2r, w2i := archsimd.BroadcastFloat32x4(t[2][p]), archsimd.BroadcastFloat32x4(t[3][p])
		w3r, w3i := archsimd.BroadcastFloat32x4(t[4][p]), archsimd.BroadcastFloat32x4(t[5][p])
		apcr, apci, amcr, amci := Ar.Add(Cr), Ai.Add(Ci), Ar.Sub(Cr), Ai.Sub(Ci)
		bpdr, bpdi, bmdr, bmdi := Br.Add(Dr), Bi.Add(Di), Br.Sub(Dr), Bi.Sub(Di)
		apcr.Add(bpdr).StoreSlice(or[0:])
		apci.Add(bpdi).StoreSlice(oi[0:])
		ur, ui := amcr.Add(bmdi), amci.Sub(bmdr)
		ur.Mul(w1r).Sub(ui.Mul(w1i)).StoreSlice(or[4:])
		ur.MulAdd(w1i, ui.Mul(w1r)).StoreSlice(oi[4:])
		ur, ui = apcr.Sub(bpdr), apci.Sub(bpdi)
		ur.Mul(w2r).Sub(ui.Mul(w2i)).StoreSlice(or[8:])
		ur.MulAdd(w2i, ui.Mul(w2r)).StoreSlice(oi[8:])
		ur, ui = amcr.Sub(bmdi), amci.Add(bmdr)
		ur.Mul(w3r).Sub(ui.Mul(w3i)).StoreSlice(or[12:])
		ur.MulAdd(w3i, ui.Mul(w3r)).StoreSlice(oi[12:])
	}
}

func mulAdd(yr, yi, ar, ai, br, bi []float32) {
	if !useAVX2 {
		mulAddGo(yr, yi, ar, ai, br, bi)
		return
	}
	n := len(yr) &^ 7
	for i := 0; i < n; i += 8 {
		Ar, Ai := archsimd.LoadFloat32x8Slice(ar[i:]), archsimd.LoadFloat32x8Slice(ai[i:])
		Br, Bi := archsimd.LoadFloat32x8Slice(br[i:]), archsimd.LoadFloat32x8Slice(bi[i:])
		Yr, Yi := archsimd.LoadFloat32x8Slice(yr[i:]), archsimd.LoadFloat32x8Slice(yi[i:])
		Ar.MulAdd(Br, Yr).Sub(Ai.Mul(Bi)).StoreSlice(yr[i:])
		Ar.MulAdd(Bi, Ai.MulAdd(Br, Yi)).StoreSlice(yi[i:])
	}
	archsimd.ClearAVXUpperBits()
	mulAddGo(yr[n:], yi[n:], ar[n:], ai[n:], br[n:], bi[n:])
}
