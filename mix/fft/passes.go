package fft

import "math"

// The passes in portable Go. Each reads x and writes y: with m = n/r and
// stride s,
//
//	y[s·(r·p+k)+q] = w^(p·k) · Σ_j x[s·(p+m·j)+q] · exp(-2πi·j·k/r)
//
// for p < m, q < s, k < r. Slices are cut to length before each inner loop so
// that the compiler can drop its bounds checks.

// first4 is the radix-4 pass at stride 1, looping over p.
func first4(xr, xi, yr, yi []float32, n int, t [][]float32) {
	m := n / 4
	ar, ai, br, bi := xr[:m], xi[:m], xr[m:2*m], xi[m:2*m]
	cr, ci, dr, di := xr[2*m:3*m], xi[2*m:3*m], xr[3*m:4*m], xi[3*m:4*m]
	w1r, w1i, w2r, w2i, w3r, w3i := t[0][:m], t[1][:m], t[2][:m], t[3][:m], t[4][:m], t[5][:m]
	for p := range ar {
		apcr, apci, amcr, amci := ar[p]+cr[p], ai[p]+ci[p], ar[p]-cr[p], ai[p]-ci[p]
		bpdr, bpdi, bmdr, bmdi := br[p]+dr[p], bi[p]+di[p], br[p]-dr[p], bi[p]-di[p]
		or, oi := yr[4*p:4*p+4:4*p+4], yi[4*p:4*p+4:4*p+4]
		or[0], oi[0] = apcr+bpdr, apci+bpdi
		ur, ui := amcr+bmdi, amci-bmdr
		or[1], oi[1] = ur*w1r[p]-ui*w1i[p], ur*w1i[p]+ui*w1r[p]
		ur, ui = apcr-bpdr, apci-bpdi
		or[2], oi[2] = ur*w2r[p]-ui*w2i[p], ur*w2i[p]+ui*w2r[p]
		ur, ui = amcr-bmdi, amci+bmdr
		or[3], oi[3] = ur*w3r[p]-ui*w3i[p], ur*w3i[p]+ui*w3r[p]
	}
}

// radix4Go is the radix-4 pass at strides above 1, looping over q inside.
func radix4Go(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	m := n / 4
	for p := 0; p < m; p++ {
		a, b, c, d := s*p, s*(p+m), s*(p+2*m), s*(p+3*m)
		ar, ai, br, bi, cr, ci, dr, di := xr[a:a+s], xi[a:a+s], xr[b:b+s], xi[b:b+s], xr[c:c+s], xi[c:c+s], xr[d:d+s], xi[d:d+s]
		o := s * 4 * p
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:o+2*s], yi[o+s:o+2*s]
		o2r, o2i, o3r, o3i := yr[o+2*s:o+3*s], yi[o+2*s:o+3*s], yr[o+3*s:o+4*s], yi[o+3*s:o+4*s]
		w1r, w1i, w2r, w2i, w3r, w3i := t[0][p], t[1][p], t[2][p], t[3][p], t[4][p], t[5][p]
		for q := range ar {
			apcr, apci, amcr, amci := ar[q]+cr[q], ai[q]+ci[q], ar[q]-cr[q], ai[q]-ci[q]
			bpdr, bpdi, bmdr, bmdi := br[q]+dr[q], bi[q]+di[q], br[q]-dr[q], bi[q]-di[q]
			o0r[q], o0i[q] = apcr+bpdr, apci+bpdi
			ur, ui := amcr+bmdi, amci-bmdr
			o1r[q], o1i[q] = ur*w1r-ui*w1i, ur*w1i+ui*w1r
			ur, ui = apcr-bpdr, apci-bpdi
			o2r[q], o2i[q] = ur*w2r-ui*w2i, ur*w2i+ui*w2r
			ur, ui = amcr-bmdi, amci+bmdr
			o3r[q], o3i[q] = ur*w3r-ui*w3i, ur*w3i+ui*w3r
		}
	}
}

func radix2(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	m := n / 2
	for p := 0; p < m; p++ {
		a, b, o := s*p, s*(p+m), s*2*p
		ar, ai, br, bi := xr[a:a+s], xi[a:a+s], xr[b:b+s], xi[b:b+s]
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:o+2*s], yi[o+s:o+2*s]
		wr, wi := t[0][p], t[1][p]
		for q := range ar {
			o0r[q], o0i[q] = ar[q]+br[q], ai[q]+bi[q]
			ur, ui := ar[q]-br[q], ai[q]-bi[q]
			o1r[q], o1i[q] = ur*wr-ui*wi, ur*wi+ui*wr
		}
	}
}

func radix3(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	const h = 0.86602540378443864676 // sin(2π/3)
	m := n / 3
	for p := 0; p < m; p++ {
		a, b, c, o := s*p, s*(p+m), s*(p+2*m), s*3*p
		ar, ai, br, bi, cr, ci := xr[a:a+s], xi[a:a+s], xr[b:b+s], xi[b:b+s], xr[c:c+s], xi[c:c+s]
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:o+2*s], yi[o+s:o+2*s]
		o2r, o2i := yr[o+2*s:o+3*s], yi[o+2*s:o+3*s]
		w1r, w1i, w2r, w2i := t[0][p], t[1][p], t[2][p], t[3][p]
		for q := range ar {
			sr, si := br[q]+cr[q], bi[q]+ci[q]
			dr, di := h*(bi[q]-ci[q]), h*(cr[q]-br[q]) // -i·h·(b-c)
			o0r[q], o0i[q] = ar[q]+sr, ai[q]+si
			er, ei := ar[q]-0.5*sr, ai[q]-0.5*si
			ur, ui := er+dr, ei+di
			o1r[q], o1i[q] = ur*w1r-ui*w1i, ur*w1i+ui*w1r
			ur, ui = er-dr, ei-di
			o2r[q], o2i[q] = ur*w2r-ui*w2i, ur*w2i+ui*w2r
		}
	}
}

// radixOdd is a pass of odd radix r ≤ 7. It pairs x[j] with x[r-j]: the sums
// carry the cosines, the differences the sines, which halves the work of a
// plain DFT.
func radixOdd(xr, xi, yr, yi []float32, n, s, r int, t [][]float32) {
	m, h := n/r, (r-1)/2
	var cos, sin [4][4]float32 // [k][j], 1..h
	for k := 1; k <= h; k++ {
		for j := 1; j <= h; j++ {
			si, co := math.Sincos(2 * math.Pi * float64(j*k%r) / float64(r))
			cos[k][j], sin[k][j] = float32(co), float32(si)
		}
	}
	var pr, pi, mr, mi [4]float32
	for p := 0; p < m; p++ {
		o := s * r * p
		for q := 0; q < s; q++ {
			i := s*p + q
			a0r, a0i := xr[i], xi[i]
			sr, si := a0r, a0i
			for j := 1; j <= h; j++ {
				b, c := i+s*m*j, i+s*m*(r-j)
				pr[j], pi[j] = xr[b]+xr[c], xi[b]+xi[c]
				mr[j], mi[j] = xr[b]-xr[c], xi[b]-xi[c]
				sr += pr[j]
				si += pi[j]
			}
			yr[o+q], yi[o+q] = sr, si
			for k := 1; k <= h; k++ {
				er, ei := a0r, a0i
				var dr, di float32
				for j := 1; j <= h; j++ {
					er += cos[k][j] * pr[j]
					ei += cos[k][j] * pi[j]
					dr += sin[k][j] * mi[j]
					di -= sin[k][j] * mr[j]
				}
				ur, ui, vr, vi := er+dr, ei+di, er-dr, ei-di
				wr, wi := t[2*k-2][p], t[2*k-1][p]
				zr, zi := t[2*(r-k)-2][p], t[2*(r-k)-1][p]
				yr[o+s*k+q], yi[o+s*k+q] = ur*wr-ui*wi, ur*wi+ui*wr
				yr[o+s*(r-k)+q], yi[o+s*(r-k)+q] = vr*zr-vi*zi, vr*zi+vi*zr
			}
		}
	}
}

func mulAddGo(yr, yi, ar, ai, br, bi []float32) {
	n := len(yr)
	yi, ar, ai, br, bi = yi[:n], ar[:n], ai[:n], br[:n], bi[:n]
	for i := range yr {
		yr[i] += ar[i]*br[i] - ai[i]*bi[i]
		yi[i] += ar[i]*bi[i] + ai[i]*br[i]
	}
}
