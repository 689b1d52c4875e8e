package mix

import "github.com/choirless/render/mix/fft"

// fftStage converts by overlap-save: a window of nIn input samples is
// transformed, multiplied with a zero-phase low-pass, cut or extended to nOut
// bins and transformed back. The low-pass is shorter than twice the margin at
// either end of the window, so what lies between the margins is exact. Two
// channels ride in the real and imaginary part of one complex transform, which
// the real filter keeps apart.
type fftStage struct {
	nIn, nOut         int
	margin, marginOut int // samples at either end of a window that are dropped
	adv, advOut       int
	fin, fout         *fft.Plan
	h                 []float32 // filter at bins 0..len-1, times 1/nIn
	buf               [][]float32
	out               [][]float32
	xr, xi, yr, yi    []float32
}

// newFFTStage returns nil when the ratio is not simple enough.
func newFFTStage(in, out, channels int) *fftStage {
	g := gcd(in, out)
	unitIn, unitOut := in/g, out/g
	if !fft.Supported(unitIn) || !fft.Supported(unitOut) || max(unitIn, unitOut) > 2048 {
		return nil
	}
	low := float64(min(in, out))
	pass, stop := min(passbandHz, 0.455*low), 0.5*low
	half := (kaiserTaps((stop-pass)/float64(in)) + 1) / 2
	s := &fftStage{}
	// Margins are whole units, so that they are whole samples at both rates.
	s.margin = (half + unitIn - 1) / unitIn * unitIn
	s.marginOut = s.margin / unitIn * unitOut
	k := 1
	for unitIn*k < 10*s.margin || unitIn*k < 1024 {
		k *= 2
	}
	s.nIn, s.nOut = unitIn*k, unitOut*k
	s.adv, s.advOut = s.nIn-2*s.margin, s.nOut-2*s.marginOut
	s.fin, s.fout = fft.New(s.nIn), fft.New(s.nOut)
	s.design(half, (pass+stop)/2/float64(in))
	s.xr, s.xi = make([]float32, s.nIn), make([]float32, s.nIn)
	s.yr, s.yi = make([]float32, s.nOut), make([]float32, s.nOut)
	s.buf, s.out = make([][]float32, channels), make([][]float32, channels)
	for c := range s.buf {
		s.buf[c] = make([]float32, s.margin, s.nIn+8192) // silence before the first sample
	}
	return s
}

func (s *fftStage) design(half int, cutoff float64) {
	re, im := make([]float32, s.nIn), make([]float32, s.nIn)
	for t := -half; t <= half; t++ {
		re[(t+s.nIn)%s.nIn] = float32(lowpass(float64(t), cutoff, float64(half)))
	}
	s.fin.Forward(re, im)
	s.h = make([]float32, (min(s.nIn, s.nOut)+1)/2)
	for k := range s.h {
		s.h[k] = float32(float64(re[k]) / float64(s.nIn))
	}
}

func (s *fftStage) process(in [][]float32) [][]float32 {
	for c := range s.buf {
		s.buf[c] = append(s.buf[c], in[c]...)
		s.out[c] = s.out[c][:0]
	}
	used := 0
	for ; used+s.nIn <= len(s.buf[0]); used += s.adv {
		for c := 0; c < len(s.buf); c += 2 {
			s.window(c, used)
		}
	}
	for c := range s.buf {
		s.buf[c] = append(s.buf[c][:0], s.buf[c][used:]...)
	}
	return s.out
}

// window converts channels c and c+1 of the window at buf[at:].
func (s *fftStage) window(c, at int) {
	pair := c+1 < len(s.buf)
	copy(s.xr, s.buf[c][at:])
	if pair {
		copy(s.xi, s.buf[c+1][at:])
	} else {
		clear(s.xi)
	}
	s.fin.Forward(s.xr, s.xi)
	n := len(s.h)
	clear(s.yr[n : s.nOut-n+1])
	clear(s.yi[n : s.nOut-n+1])
	h := s.h
	for k, v := range s.xr[:n] {
		s.yr[k], s.yi[k] = v*h[k], s.xi[k]*h[k]
	}
	for k := 1; k < n; k++ {
		s.yr[s.nOut-k], s.yi[s.nOut-k] = s.xr[s.nIn-k]*h[k], s.xi[s.nIn-k]*h[k]
	}
	s.fout.Inverse(s.yr, s.yi)
	s.out[c] = append(s.out[c], s.yr[s.marginOut:s.nOut-s.marginOut]...)
	if pair {
		s.out[c+1] = append(s.out[c+1], s.yi[s.marginOut:s.nOut-s.marginOut]...)
	}
}

func (s *fftStage) flush() [][]float32 {
	zeros := make([][]float32, len(s.buf))
	for c := range zeros {
		zeros[c] = make([]float32, s.nIn)
	}
	return s.process(zeros)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// ratio returns input samples per output sample as the exact fraction a/b.
func ratio(in, out int64) (a, b int64) {
	g := int64(gcd(int(in), int(out)))
	return in / g, out / g
}
