package fft

// The passes in portable Go. Each reads x and writes y: with m = n/r and
// stride s,
//
//	y[s·(r·p+k)+q] = w^(p·k) · Σ_j x[s·(p+m·j)+q] · exp(-2πi·j·k/r)
//
// for p < m, q < s, k < r. Slices are cut to length before each inner loop so
// that the compiler can drop its bounds checks.

// first4Go is the radix-4 pass at stride 1, looping over p.
func first4Go(xr, xi, yr, yi []float32, n int, t [][]float32) {
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
	radix4Plain(xr, xi, yr, yi, s, m)
	if s == 4 {
		radix4Four(xr, xi, yr, yi, m, t)
		return
	}
	for p := 1; p < m; p++ {
		a, b, c, d := s*p, s*(p+m), s*(p+2*m), s*(p+3*m)
		ar, ai, br, bi := xr[a:a+s], xi[a:a+s], xr[b:b+s], xi[b:b+s]
		cr, ci, dr, di := xr[c:c+s], xi[c:c+s], xr[d:d+s], xi[d:d+s]
		o := s * 4 * p
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:][:s], yi[o+s:][:s]
		o2r, o2i, o3r, o3i := yr[o+2*s:][:s], yi[o+2*s:][:s], yr[o+3*s:][:s], yi[o+3*s:][:s]
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

// radix4Plain is radix4Go for p = 0, where all twiddles are 1: the whole of the
// last pass and a quarter of the one before.
func radix4Plain(xr, xi, yr, yi []float32, s, m int) {
	b, c, d := s*m, 2*s*m, 3*s*m
	ar, ai, br, bi := xr[:s], xi[:s], xr[b:b+s], xi[b:b+s]
	cr, ci, dr, di := xr[c:c+s], xi[c:c+s], xr[d:d+s], xi[d:d+s]
	o0r, o0i, o1r, o1i := yr[:s], yi[:s], yr[s:][:s], yi[s:][:s]
	o2r, o2i, o3r, o3i := yr[2*s:][:s], yi[2*s:][:s], yr[3*s:][:s], yi[3*s:][:s]
	for q := range ar {
		apcr, apci, amcr, amci := ar[q]+cr[q], ai[q]+ci[q], ar[q]-cr[q], ai[q]-ci[q]
		bpdr, bpdi, bmdr, bmdi := br[q]+dr[q], bi[q]+di[q], br[q]-dr[q], bi[q]-di[q]
		o0r[q], o0i[q] = apcr+bpdr, apci+bpdi
		o1r[q], o1i[q] = amcr+bmdi, amci-bmdr
		o2r[q], o2i[q] = apcr-bpdr, apci-bpdi
		o3r[q], o3i[q] = amcr-bmdi, amci+bmdr
	}
}

// radix4Four is radix4Go at stride 4 for p > 0: with arrays for slices most of
// the bounds checks go.
func radix4Four(xr, xi, yr, yi []float32, m int, t [][]float32) {
	for p := 1; p < m; p++ {
		a, b, c, d := 4*p, 4*(p+m), 4*(p+2*m), 4*(p+3*m)
		ar, ai, br, bi := (*[4]float32)(xr[a:]), (*[4]float32)(xi[a:]), (*[4]float32)(xr[b:]), (*[4]float32)(xi[b:])
		cr, ci, dr, di := (*[4]float32)(xr[c:]), (*[4]float32)(xi[c:]), (*[4]float32)(xr[d:]), (*[4]float32)(xi[d:])
		or, oi := (*[16]float32)(yr[16*p:]), (*[16]float32)(yi[16*p:])
		w1r, w1i, w2r, w2i, w3r, w3i := t[0][p], t[1][p], t[2][p], t[3][p], t[4][p], t[5][p]
		for q := range ar {
			apcr, apci, amcr, amci := ar[q]+cr[q], ai[q]+ci[q], ar[q]-cr[q], ai[q]-ci[q]
			bpdr, bpdi, bmdr, bmdi := br[q]+dr[q], bi[q]+di[q], br[q]-dr[q], bi[q]-di[q]
			or[q], oi[q] = apcr+bpdr, apci+bpdi
			ur, ui := amcr+bmdi, amci-bmdr
			or[4+q], oi[4+q] = ur*w1r-ui*w1i, ur*w1i+ui*w1r
			ur, ui = apcr-bpdr, apci-bpdi
			or[8+q], oi[8+q] = ur*w2r-ui*w2i, ur*w2i+ui*w2r
			ur, ui = amcr-bmdi, amci+bmdr
			or[12+q], oi[12+q] = ur*w3r-ui*w3i, ur*w3i+ui*w3r
		}
	}
}

func radix2(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	m := n / 2
	for p := 0; p < m; p++ {
		a, b, o := s*p, s*(p+m), s*2*p
		ar, ai, br, bi := xr[a:a+s], xi[a:a+s], xr[b:b+s], xi[b:b+s]
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:][:s], yi[o+s:][:s]
		if p == 0 { // the twiddle is 1
			for q := range ar {
				o0r[q], o0i[q] = ar[q]+br[q], ai[q]+bi[q]
				o1r[q], o1i[q] = ar[q]-br[q], ai[q]-bi[q]
			}
			continue
		}
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
		o0r, o0i, o1r, o1i := yr[o:o+s], yi[o:o+s], yr[o+s:][:s], yi[o+s:][:s]
		o2r, o2i := yr[o+2*s:][:s], yi[o+2*s:][:s]
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

// radix5 pairs x[j] with x[5-j]: the sums carry the cosines, the differences
// the sines, which halves the work of a plain DFT.
func radix5(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	const (
		c1, s1 = 0.30901699437494742410, 0.95105651629515357212 // cos, sin 2π/5
		c2, s2 = -0.80901699437494742410, 0.58778525229247312917
	)
	m := n / 5
	for p := range m {
		o, at := s*5*p, s*p
		ar, ai := xr[at:][:s], xi[at:][:s]
		br, bi, er, ei := xr[at+s*m:][:s], xi[at+s*m:][:s], xr[at+4*s*m:][:s], xi[at+4*s*m:][:s]
		cr, ci, dr, di := xr[at+2*s*m:][:s], xi[at+2*s*m:][:s], xr[at+3*s*m:][:s], xi[at+3*s*m:][:s]
		o0r, o0i, o1r, o1i, o2r, o2i := yr[o:][:s], yi[o:][:s], yr[o+s:][:s], yi[o+s:][:s], yr[o+2*s:][:s], yi[o+2*s:][:s]
		o3r, o3i, o4r, o4i := yr[o+3*s:][:s], yi[o+3*s:][:s], yr[o+4*s:][:s], yi[o+4*s:][:s]
		w1r, w1i, w2r, w2i, w3r, w3i, w4r, w4i := t[0][p], t[1][p], t[2][p], t[3][p], t[4][p], t[5][p], t[6][p], t[7][p]
		for q := range ar {
			p1r, p1i, m1r, m1i := br[q]+er[q], bi[q]+ei[q], br[q]-er[q], bi[q]-ei[q]
			p2r, p2i, m2r, m2i := cr[q]+dr[q], ci[q]+di[q], cr[q]-dr[q], ci[q]-di[q]
			o0r[q], o0i[q] = ar[q]+p1r+p2r, ai[q]+p1i+p2i
			er, ei := ar[q]+c1*p1r+c2*p2r, ai[q]+c1*p1i+c2*p2i
			fr, fi := s1*m1i+s2*m2i, -s1*m1r-s2*m2r
			ur, ui := er+fr, ei+fi
			o1r[q], o1i[q] = ur*w1r-ui*w1i, ur*w1i+ui*w1r
			ur, ui = er-fr, ei-fi
			o4r[q], o4i[q] = ur*w4r-ui*w4i, ur*w4i+ui*w4r
			er, ei = ar[q]+c2*p1r+c1*p2r, ai[q]+c2*p1i+c1*p2i
			fr, fi = s2*m1i-s1*m2i, -s2*m1r+s1*m2r
			ur, ui = er+fr, ei+fi
			o2r[q], o2i[q] = ur*w2r-ui*w2i, ur*w2i+ui*w2r
			ur, ui = er-fr, ei-fi
			o3r[q], o3i[q] = ur*w3r-ui*w3i, ur*w3i+ui*w3r
		}
	}
}

// radix7 works like radix5.
func radix7(xr, xi, yr, yi []float32, n, s int, t [][]float32) {
	const (
		c1, s1 = 0.62348980185873353053, 0.78183148246802980871 // cos, sin 2π/7
		c2, s2 = -0.22252093395631440429, 0.97492791218182360702
		c3, s3 = -0.90096886790241912624, 0.43388373911755812048
	)
	m := n / 7
	for p := range m {
		o, at, d := s*7*p, s*p, s*m
		var xs, ys [7][2][]float32
		for j := range xs {
			xs[j] = [2][]float32{xr[at+j*d:][:s], xi[at+j*d:][:s]}
			ys[j] = [2][]float32{yr[o+j*s:][:s], yi[o+j*s:][:s]}
		}
		var w [12]float32
		for j := range w {
			w[j] = t[j][p]
		}
		for q := range s {
			ar, ai := xs[0][0][q], xs[0][1][q]
			br, bi, gr, gi := xs[1][0][q], xs[1][1][q], xs[6][0][q], xs[6][1][q]
			cr, ci, fr, fi := xs[2][0][q], xs[2][1][q], xs[5][0][q], xs[5][1][q]
			dr, di, er, ei := xs[3][0][q], xs[3][1][q], xs[4][0][q], xs[4][1][q]
			p1r, p1i, m1r, m1i := br+gr, bi+gi, br-gr, bi-gi
			p2r, p2i, m2r, m2i := cr+fr, ci+fi, cr-fr, ci-fi
			p3r, p3i, m3r, m3i := dr+er, di+ei, dr-er, di-ei
			ys[0][0][q], ys[0][1][q] = ar+p1r+p2r+p3r, ai+p1i+p2i+p3i
			kr, ki := ar+c1*p1r+c2*p2r+c3*p3r, ai+c1*p1i+c2*p2i+c3*p3i
			lr, li := s1*m1i+s2*m2i+s3*m3i, -s1*m1r-s2*m2r-s3*m3r
			ur, ui, vr, vi := kr+lr, ki+li, kr-lr, ki-li
			ys[1][0][q], ys[1][1][q] = ur*w[0]-ui*w[1], ur*w[1]+ui*w[0]
			ys[6][0][q], ys[6][1][q] = vr*w[10]-vi*w[11], vr*w[11]+vi*w[10]
			kr, ki = ar+c2*p1r+c3*p2r+c1*p3r, ai+c2*p1i+c3*p2i+c1*p3i
			lr, li = s2*m1i-s3*m2i-s1*m3i, -s2*m1r+s3*m2r+s1*m3r
			ur, ui, vr, vi = kr+lr, ki+li, kr-lr, ki-li
			ys[2][0][q], ys[2][1][q] = ur*w[2]-ui*w[3], ur*w[3]+ui*w[2]
			ys[5][0][q], ys[5][1][q] = vr*w[8]-vi*w[9], vr*w[9]+vi*w[8]
			kr, ki = ar+c3*p1r+c1*p2r+c2*p3r, ai+c3*p1i+c1*p2i+c2*p3i
			lr, li = s3*m1i-s1*m2i+s2*m3i, -s3*m1r+s1*m2r-s2*m3r
			ur, ui, vr, vi = kr+lr, ki+li, kr-lr, ki-li
			ys[3][0][q], ys[3][1][q] = ur*w[4]-ui*w[5], ur*w[5]+ui*w[4]
			ys[4][0][q], ys[4][1][q] = vr*w[6]-vi*w[7], vr*w[7]+vi*w[6]
		}
	}
}

// splitGo parts even and odd samples; joinGo puts them together again.
func splitGo(x, even, odd []float32) {
	x, odd = x[:2*len(even)], odd[:len(even)]
	for i := range even {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
}

func joinGo(even, odd, x []float32) {
	x, odd = x[:2*len(even)], odd[:len(even)]
	for i, v := range even {
		x[2*i], x[2*i+1] = v, odd[i]
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
