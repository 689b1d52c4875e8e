package mix

import (
	"math"
	"math/bits"
)

// phases is the number of fractional positions tabulated. Between them the
// taps are interpolated linearly, with an error of (π·f/fs·2)²/(8·phases²) of
// the signal: -134 dB at 20 kHz of 48.
const phases = 2048

// interpolator evaluates a stream between its samples by a windowed sinc.
// Immutable, safe for concurrent use.
type interpolator struct {
	taps  int
	table []float32 // phases+1 rows of taps
}

// newInterpolator makes the table: flat to pass, gone from stop, both in cycles
// per input sample.
func newInterpolator(pass, stop float64) *interpolator {
	t := (kaiserTaps(stop-pass) + 3) &^ 3
	p := &interpolator{taps: t, table: make([]float32, (phases+1)*t)}
	cutoff, half := (pass+stop)/2, float64(t)/2
	for f := 0; f <= phases; f++ {
		frac := float64(f) / phases
		for j := range t {
			p.table[f*t+j] = float32(lowpass(float64(j-t/2+1)-frac, cutoff, half))
		}
	}
	return p
}

// before and after are how many samples around the one at floor(position) are
// needed: x[floor-before .. floor+after].
func (p *interpolator) before() int { return p.taps/2 - 1 }
func (p *interpolator) after() int  { return p.taps / 2 }

// row returns the two rows to blend for a fraction rest/den of a sample, and
// the share of the second.
func (p *interpolator) row(rest, den int64) (lo, hi []float32, share float32) {
	f := float64(rest) / float64(den) * phases
	i := min(int(f), phases-1)
	lo = p.table[i*p.taps : (i+1)*p.taps]
	hi = p.table[(i+1)*p.taps : (i+2)*p.taps]
	return lo, hi, float32(f - float64(i))
}

// at evaluates x, which begins before() samples ahead of floor(position).
func (p *interpolator) at(x, lo, hi []float32, share float32) float32 {
	x, hi = x[:len(lo)], hi[:len(lo)]
	var a0, a1, b0, b1 float32
	for j := 0; j+3 < len(lo); j += 4 {
		a0 += x[j] * (lo[j] + share*(hi[j]-lo[j]))
		a1 += x[j+1] * (lo[j+1] + share*(hi[j+1]-lo[j+1]))
		b0 += x[j+2] * (lo[j+2] + share*(hi[j+2]-lo[j+2]))
		b1 += x[j+3] * (lo[j+3] + share*(hi[j+3]-lo[j+3]))
	}
	return (a0 + a1) + (b0 + b1)
}

// at2 is at for two channels, which share the blending of the taps.
func (p *interpolator) at2(x, y, lo, hi []float32, share float32) (float32, float32) {
	x, y, hi = x[:len(lo)], y[:len(lo)], hi[:len(lo)]
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	for j := 0; j+3 < len(lo); j += 4 {
		h0 := lo[j] + share*(hi[j]-lo[j])
		h1 := lo[j+1] + share*(hi[j+1]-lo[j+1])
		h2 := lo[j+2] + share*(hi[j+2]-lo[j+2])
		h3 := lo[j+3] + share*(hi[j+3]-lo[j+3])
		a0 += x[j] * h0
		b0 += y[j] * h0
		a1 += x[j+1] * h1
		b1 += y[j+1] * h1
		a2 += x[j+2] * h2
		b2 += y[j+2] * h2
		a3 += x[j+3] * h3
		b3 += y[j+3] * h3
	}
	return (a0 + a1) + (a2 + a3), (b0 + b1) + (b2 + b3)
}

// driftTable returns the interpolator for ratios near 1 at the given rate.
func driftTable(rate int64) *interpolator {
	pass := min(passbandHz, 0.455*float64(rate)) / float64(rate)
	return newInterpolator(pass, 1-pass) // what lies above the Nyquist frequency are images only
}

// directStage evaluates an interpolator at every output sample. Positions are
// exact fractions, so nothing accumulates.
type directStage struct {
	tab  *interpolator
	a, b int64 // input samples per output sample, a/b
	pos  int64 // floor of the next position, relative to buf[before]
	rest int64 // its fraction, in b-ths
	buf  [][]float32
	out  [][]float32
}

func newDirectStage(in, out int64, ppm float64, channels int) *directStage {
	s := &directStage{}
	s.a, s.b = ratio(in, out, ppm)
	if in == out {
		s.tab = driftTable(in)
	} else {
		low := float64(min(in, out))
		s.tab = newInterpolator(min(passbandHz, 0.455*low)/float64(in), 0.5*low/float64(in))
	}
	s.buf, s.out = make([][]float32, channels), make([][]float32, channels)
	for c := range s.buf {
		s.buf[c] = make([]float32, s.tab.before())
	}
	return s
}

func (s *directStage) process(in [][]float32) [][]float32 {
	for c := range s.buf {
		s.buf[c] = append(s.buf[c], in[c]...)
		s.out[c] = s.out[c][:0]
	}
	whole, part := s.a/s.b, s.a%s.b
	for int(s.pos)+s.tab.taps <= len(s.buf[0]) {
		lo, hi, share := s.tab.row(s.rest, s.b)
		c := 0
		for ; c+1 < len(s.buf); c += 2 {
			y0, y1 := s.tab.at2(s.buf[c][s.pos:], s.buf[c+1][s.pos:], lo, hi, share)
			s.out[c], s.out[c+1] = append(s.out[c], y0), append(s.out[c+1], y1)
		}
		if c < len(s.buf) {
			s.out[c] = append(s.out[c], s.tab.at(s.buf[c][s.pos:], lo, hi, share))
		}
		s.pos, s.rest = s.pos+whole, s.rest+part
		if s.rest >= s.b {
			s.pos, s.rest = s.pos+1, s.rest-s.b
		}
	}
	drop := min(int(s.pos), len(s.buf[0]))
	for c := range s.buf {
		s.buf[c] = append(s.buf[c][:0], s.buf[c][drop:]...)
	}
	s.pos -= int64(drop)
	return s.out
}

func (s *directStage) flush() [][]float32 {
	zeros := make([][]float32, len(s.buf))
	for c := range zeros {
		zeros[c] = make([]float32, s.tab.taps+int(s.a/s.b)+1)
	}
	return s.process(zeros)
}

// divMod returns floor(n·a/b) and the remainder, without overflow in the
// product. a and b must be positive.
func divMod(n, a, b int64) (quotient, rest int64) {
	neg := n < 0
	if neg {
		n = -n
	}
	hi, lo := bits.Mul64(uint64(n), uint64(a))
	if hi >= uint64(b) {
		return math.MaxInt64, 0
	}
	q, r := bits.Div64(hi, lo, uint64(b))
	quotient, rest = int64(q), int64(r)
	if neg {
		quotient = -quotient
		if rest > 0 {
			quotient, rest = quotient-1, b-rest
		}
	}
	return quotient, rest
}
