package align

import "math"

// workRate is the rate, in Hz, at which everything in this package listens.
// Nothing above 7.6 kHz is looked at: speech codecs cut there.
const workRate = 16000

// The low-pass of the resampler: a sinc under a Kaiser window (Oppenheim and
// Schafer, Discrete-Time Signal Processing, 3rd edition, section 7.5.3, β for
// 60 dB). The transition is 3 kHz wide about 8 kHz, so what folds back lands
// above 6.5 kHz, where features have almost no weight.
const (
	kaiserBeta  = 5.65
	transition  = 3000.0 // Hz, at the lower of the two rates
	stopDecibel = 60.0
)

// resampler turns mono sound of any rate into workRate, streaming. Output
// sample k is the input at time k/workRate: the delay of the filter is taken out.
// Not safe for concurrent use.
type resampler struct {
	up, down int         // workRate/rate in lowest terms
	half     int         // taps on either side of the centre, input samples
	phases   [][]float32 // by phase, 2·half taps each; nil until used
	in       []float32   // input still needed
	first    int64       // index of in[0] in the whole input
	next     int64       // index of the next output sample
	cutoff   float64     // cycles per input sample
	third    *symmetric  // instead of phases from 48 kHz
}

func newResampler(rate int) *resampler {
	g := gcd(workRate, rate)
	r := &resampler{up: workRate / g, down: rate / g}
	low := float64(min(workRate, rate))
	width := transition * low / workRate / float64(rate) // cycles per input sample
	taps := (stopDecibel-8)/(2.285*2*math.Pi*width) + 1
	r.half = int(math.Ceil(taps / 2))
	r.cutoff = 0.5 * low / float64(rate)
	r.phases = make([][]float32, r.up)
	r.first = -int64(r.half) // silence before the beginning
	r.in = make([]float32, r.half)
	if r.up == 1 && r.down == 3 {
		r.third = newSymmetric(r.phase(0)[:2*r.half-1])
	}
	return r
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// phase returns the taps for an output that lies p/up input samples after the
// input sample taps[half-1] meets.
func (r *resampler) phase(p int) []float32 {
	if t := r.phases[p]; t != nil {
		return t
	}
	taps := make([]float32, 2*r.half)
	sum := 0.0
	v := make([]float64, len(taps))
	for i := range v {
		d := float64(i-(r.half-1)) - float64(p)/float64(r.up)
		w := d / float64(r.half)
		if w <= -1 || w >= 1 {
			continue
		}
		v[i] = sinc(2*r.cutoff*d) * bessel0(kaiserBeta*math.Sqrt(1-w*w))
		sum += v[i]
	}
	for i := range v {
		taps[i] = float32(v[i] / sum)
	}
	r.phases[p] = taps
	return taps
}

// position returns the first input sample that output k needs, and its phase.
func (r *resampler) position(k int64) (from int64, phase int) {
	at := k * int64(r.down)
	return at/int64(r.up) - int64(r.half-1), int(at % int64(r.up))
}

// process appends what can be computed from x to out.
func (r *resampler) process(x, out []float32) []float32 {
	if r.up == r.down {
		return append(out, x...)
	}
	r.in = append(r.in, x...)
	end := r.first + int64(len(r.in))
	for {
		from, p := r.position(r.next)
		if from+int64(2*r.half) > end {
			break
		}
		x := r.in[from-r.first:]
		switch {
		case r.third == nil:
			out = append(out, dot(x, r.phase(p)))
			r.next++
		case len(x) < symmetricMost+9:
			out = append(out, r.third.one(x))
			r.next++
		default:
			a, b, c, d := r.third.four3((*[symmetricMost + 9]float32)(x))
			out = append(out, a, b, c, d)
			r.next += 4
		}
	}
	keep, _ := r.position(r.next)
	if n := min(keep-r.first, int64(len(r.in))); n > 0 {
		r.in = r.in[:copy(r.in, r.in[n:])]
		r.first += n
	}
	return out
}

// flush appends the last samples, as if silence followed.
func (r *resampler) flush(out []float32) []float32 {
	if r.up == r.down {
		return out
	}
	return r.process(make([]float32, 2*r.half+1), out)
}

// dot returns Σ x[i]·w[i] over w.
func dot(x, w []float32) float32 {
	x = x[:len(w)]
	var a, b, c, d float32
	for len(w) >= 8 && len(x) >= 8 {
		p, q := (*[8]float32)(x), (*[8]float32)(w)
		a += p[0]*q[0] + p[4]*q[4]
		b += p[1]*q[1] + p[5]*q[5]
		c += p[2]*q[2] + p[6]*q[6]
		d += p[3]*q[3] + p[7]*q[7]
		x, w = x[8:], w[8:]
	}
	for i := range w {
		a += x[i] * w[i]
	}
	return (a + b) + (c + d)
}

// dot4 returns the products of four vectors with one, all as long as w. Sharing
// the loads of w makes it half as fast again as four times dot.
func dot4(a, b, c, d, w []float32) (p, q, r, s float32) {
	a, b, c, d = a[:len(w)], b[:len(w)], c[:len(w)], d[:len(w)]
	for i, v := range w {
		p += a[i] * v
		q += b[i] * v
		r += c[i] * v
		s += d[i] * v
	}
	return p, q, r, s
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of the first kind, order 0, by its
// power series (Abramowitz and Stegun 9.6.12).
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1; k < 40; k++ {
		term *= (x / 2 / float64(k)) * (x / 2 / float64(k))
		sum += term
	}
	return sum
}
