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

// first4 computes four values of p at a time and transposes the results, since
// their places are 0, 1, 2, 3 apart by four.
func first4(xr, xi, yr, yi []float32, n int, t [][]float32) {
	m := n / 4
	if !useAVX2 || m%4 != 0 {
		first4Go(xr, xi, yr, yi, n, t)
		return
	}
	ar, ai, br, bi := xr[:m], xi[:m], xr[m:][:m], xi[m:][:m]
	cr, ci, dr, di := xr[2*m:][:m], xi[2*m:][:m], xr[3*m:][:m], xi[3*m:][:m]
	w1r, w1i, w2r, w2i, w3r, w3i := t[0][:m], t[1][:m], t[2][:m], t[3][:m], t[4][:m], t[5][:m]
	for p := 0; p < m; p += 4 {
		Ar, Ai, Br, Bi, Cr, Ci, Dr, Di := load4(ar, p), load4(ai, p), load4(br, p), load4(bi, p), load4(cr, p), load4(ci, p), load4(dr, p), load4(di, p)
		apcr, apci, amcr, amci := Ar.Add(Cr), Ai.Add(Ci), Ar.Sub(Cr), Ai.Sub(Ci)
		bpdr, bpdi, bmdr, bmdi := Br.Add(Dr), Bi.Add(Di), Br.Sub(Dr), Bi.Sub(Di)
		ur, ui, wr, wi := amcr.Add(bmdi), amci.Sub(bmdr), load4(w1r, p), load4(w1i, p)
		o1r, o1i := ur.Mul(wr).Sub(ui.Mul(wi)), ur.MulAdd(wi, ui.Mul(wr))
		ur, ui, wr, wi = apcr.Sub(bpdr), apci.Sub(bpdi), load4(w2r, p), load4(w2i, p)
		o2r, o2i := ur.Mul(wr).Sub(ui.Mul(wi)), ur.MulAdd(wi, ui.Mul(wr))
		ur, ui, wr, wi = amcr.Sub(bmdi), amci.Add(bmdr), load4(w3r, p), load4(w3i, p)
		o3r, o3i := ur.Mul(wr).Sub(ui.Mul(wi)), ur.MulAdd(wi, ui.Mul(wr))
		transpose4(yr[4*p:][:16], apcr.Add(bpdr), o1r, o2r, o3r)
		transpose4(yi[4*p:][:16], apci.Add(bpdi), o1i, o2i, o3i)
	}
}

func load4(x []float32, i int) archsimd.Float32x4 {
	return archsimd.LoadFloat32x4((*[4]float32)(x[i:]))
}

func store4(x []float32, i int, v archsimd.Float32x4) { v.Store((*[4]float32)(x[i:])) }

func transpose4(y []float32, a, b, c, d archsimd.Float32x4) {
	ab, cd := a.SelectFromPair(0, 1, 4, 5, b), c.SelectFromPair(0, 1, 4, 5, d)
	store4(y, 0, ab.SelectFromPair(0, 2, 4, 6, cd))
	store4(y, 4, ab.SelectFromPair(1, 3, 5, 7, cd))
	ab, cd = a.SelectFromPair(2, 3, 6, 7, b), c.SelectFromPair(2, 3, 6, 7, d)
	store4(y, 8, ab.SelectFromPair(0, 2, 4, 6, cd))
	store4(y, 12, ab.SelectFromPair(1, 3, 5, 7, cd))
}

// split parts even and odd samples; join puts them together again.
func split(x, even, odd []float32) {
	n := len(even) &^ 3
	if !useAVX2 {
		n = 0
	}
	for i := 0; i < n; i += 4 {
		a, b := load4(x, 2*i), load4(x, 2*i+4)
		store4(even, i, a.SelectFromPair(0, 2, 4, 6, b))
		store4(odd, i, a.SelectFromPair(1, 3, 5, 7, b))
	}
	splitGo(x[2*n:], even[n:], odd[n:])
}

func join(even, odd, x []float32) {
	n := len(even) &^ 3
	if !useAVX2 {
		n = 0
	}
	for i := 0; i < n; i += 4 {
		e, o := load4(even, i), load4(odd, i)
		lo, hi := e.SelectFromPair(0, 1, 4, 5, o), e.SelectFromPair(2, 3, 6, 7, o)
		store4(x, 2*i, lo.SelectFromPair(0, 2, 5, 7, lo))
		store4(x, 2*i+4, hi.SelectFromPair(0, 2, 5, 7, hi))
	}
	joinGo(even[n:], odd[n:], x[2*n:])
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
	for p := 0; p < m; p++ {
		a, b, c, d := s*p, s*(p+m), s*(p+2*m), s*(p+3*m)
		Ar, Ai, Br, Bi, Cr, Ci, Dr, Di := load4(xr, a), load4(xi, a), load4(xr, b), load4(xi, b), load4(xr, c), load4(xi, c), load4(xr, d), load4(xi, d)
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

func reversed(v archsimd.Float32x4) archsimd.Float32x4 { return v.SelectFromPair(3, 2, 1, 0, v) }

// unpack and pack do the first bins, four and their mirror images at a time, and
// return the first that is left to do.
func unpack(re, im, cos, sin []float32, h int) int {
	k := 1
	if !useAVX2 {
		return k
	}
	half := archsimd.BroadcastFloat32x4(0.5)
	for ; k+3 < h-k-3; k += 4 {
		j := h - k - 3
		ar, ai, br, bi := load4(re, k), load4(im, k), reversed(load4(re, j)), reversed(load4(im, j))
		er, ei := half.Mul(ar.Add(br)), half.Mul(ai.Sub(bi))
		or, oi := half.Mul(ai.Add(bi)), half.Mul(br.Sub(ar))
		wr, wi := load4(cos, k), load4(sin, k)
		tr, ti := or.Mul(wr).Sub(oi.Mul(wi)), or.MulAdd(wi, oi.Mul(wr))
		store4(re, k, er.Add(tr))
		store4(im, k, ei.Add(ti))
		store4(re, j, reversed(er.Sub(tr)))
		store4(im, j, reversed(ti.Sub(ei)))
	}
	return k
}

func pack(re, im, cos, sin []float32, h int) int {
	k := 1
	if !useAVX2 {
		return k
	}
	half := archsimd.BroadcastFloat32x4(0.5)
	for ; k+3 < h-k-3; k += 4 {
		j := h - k - 3
		ar, ai, br, bi := load4(re, k), load4(im, k), reversed(load4(re, j)), reversed(load4(im, j))
		er, ei := half.Mul(ar.Add(br)), half.Mul(ai.Sub(bi))
		dr, di := half.Mul(ar.Sub(br)), half.Mul(ai.Add(bi))
		wr, wi := load4(cos, k), load4(sin, k) // the conjugate is meant
		or, oi := dr.MulAdd(wr, di.Mul(wi)), di.Mul(wr).Sub(dr.Mul(wi))
		store4(re, k, er.Sub(oi))
		store4(im, k, ei.Add(or))
		store4(re, j, reversed(er.Add(oi)))
		store4(im, j, reversed(or.Sub(ei)))
	}
	return k
}
