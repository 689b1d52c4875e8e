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
	taps int // a multiple of 8
	// table has, per phase, a row of taps and a row of what to add to reach the
	// next phase.
	table []float32
}

// newInterpolator makes the table: flat to pass, gone from stop, both in cycles
// per input sample.
func newInterpolator(pass, stop float64) *interpolator {
	t := (kaiserTaps(stop-pass) + 7) &^ 7
	p := &interpolator{taps: t, table: make([]float32, 2*phases*t)}
	cutoff, half := (pass+stop)/2, float64(t)/2
	tap := func(phase, j int) float64 {
		return lowpass(float64(j-t/2+1)-float64(phase)/phases, cutoff, half)
	}
	for j := range t {
		now := tap(0, j)
		for f := range phases {
			next := tap(f+1, j)
			p.table[2*f*t+j] = float32(now)
			p.table[(2*f+1)*t+j] = float32(next - now)
			now = next
		}
	}
	return p
}

// before is how many samples ahead of the one at floor(position) are needed; as
// many and one more follow it.
func (p *interpolator) before() int { return p.taps/2 - 1 }

// row returns the taps for a fraction of a sample, 0 to 1, as two rows: the taps
// are taps + share·slope.
func (p *interpolator) row(fraction float64) (taps, slope []float32, share float32) {
	f := fraction * phases
	i := min(int(f), phases-1)
	at := 2 * i * p.taps
	return p.table[at:][:p.taps], p.table[at+p.taps:][:p.taps], float32(f - float64(i))
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
	a, b int64   // input samples per output sample, a/b
	pos  int64   // floor of the next position, relative to buf[before]
	rest int64   // its fraction, in b-ths
	inv  float64 // 1/b
	buf  [][]float32
	out  [][]float32
}

func newDirectStage(in, out int64, channels int) *directStage {
	s := &directStage{}
	s.a, s.b = ratio(in, out)
	s.inv = 1 / float64(s.b)
	low := float64(min(in, out))
	s.tab = newInterpolator(min(passbandHz, 0.455*low)/float64(in), 0.5*low/float64(in))
	s.buf, s.out = make([][]float32, channels), make([][]float32, channels)
	for c := range s.buf {
		s.buf[c] = make([]float32, s.tab.before())
	}
	return s
}

func (s *directStage) process(in [][]float32) [][]float32 {
	for c := range s.buf {
		s.buf[c] = append(s.buf[c], in[c]...)
	}
	// How many positions have all their taps: (last-pos-rest/b)·b/a, and one.
	n := 0
	if last := int64(len(s.buf[0]) - s.tab.taps); s.pos <= last {
		steps, _ := divMod((last+1-s.pos)*s.b-s.rest-1, 1, s.a)
		n = int(steps) + 1
	}
	for c := range s.out {
		if cap(s.out[c]) < n {
			s.out[c] = make([]float32, n+n/8)
		}
		s.out[c] = s.out[c][:n]
	}
	whole, part := s.a/s.b, s.a%s.b
	pos, rest := int(s.pos), s.rest
	for i := range n {
		taps, slope, share := s.tab.row(float64(rest) * s.inv)
		c := 0
		for ; c+1 < len(s.buf); c += 2 {
			s.out[c][i], s.out[c+1][i] = dot2(s.buf[c][pos:], s.buf[c+1][pos:], taps, slope, share)
		}
		if c < len(s.buf) {
			s.out[c][i] = dot(s.buf[c][pos:], taps, slope, share)
		}
		pos, rest = pos+int(whole), rest+part
		if rest >= s.b {
			pos, rest = pos+1, rest-s.b
		}
	}
	s.pos, s.rest = int64(pos), rest
	drop := min(pos, len(s.buf[0]))
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
