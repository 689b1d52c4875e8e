package align

import (
	"math"
	"slices"

	"github.com/choirless/render/mix/fft"
)

// The two spectra behind the features, both every 10 ms. The short one says when
// something begins, the long one says at which pitch; the long one is taken at
// half the rate, as nobody sings above 4 kHz.
const (
	hop       = 160            // samples at workRate between frames: 10 ms
	frameRate = workRate / hop // frames per second
	shortLen  = 512            // samples at workRate: 32 ms
	longRate  = workRate / 2
	longLen   = 1024 // samples at longRate: 128 ms
	longHop   = hop / 2

	bands    = 40   // mel bands
	bandLow  = 80.0 // Hz
	bandHigh = 7600.0

	pitches  = 60 // semitones
	pitchLow = 40 // MIDI note number of the first, 82 Hz
)

// hann returns the periodic Hann window of length n.
func hann(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n)))
	}
	return w
}

// filter is one triangular weighting of power spectrum lines.
type filter struct {
	first int
	w     []float32
}

func newFilter(lines int, weight func(line int) float64) filter {
	var f filter
	for k := range lines {
		v := weight(k)
		if v <= 0 {
			continue
		}
		if f.w == nil {
			f.first = k
		}
		for len(f.w) < k-f.first {
			f.w = append(f.w, 0)
		}
		f.w = append(f.w, float32(v))
	}
	return f
}

// melFilters returns triangles with equal area on the mel scale of Slaney's
// Auditory Toolbox (1998): linear below 1 kHz, logarithmic above.
func melFilters() []filter {
	toMel := func(f float64) float64 {
		if f < 1000 {
			return f * 3 / 200
		}
		return 15 + math.Log(f/1000)*27/math.Log(6.4)
	}
	toHz := func(m float64) float64 {
		if m < 15 {
			return m * 200 / 3
		}
		return 1000 * math.Exp((m-15)*math.Log(6.4)/27)
	}
	edge := make([]float64, bands+2)
	lo, hi := toMel(bandLow), toMel(bandHigh)
	for i := range edge {
		edge[i] = toHz(lo + (hi-lo)*float64(i)/float64(bands+1))
	}
	fs := make([]filter, bands)
	for i := range fs {
		a, b, c := edge[i], edge[i+1], edge[i+2]
		fs[i] = newFilter(shortLen/2+1, func(k int) float64 {
			f := float64(k) * workRate / shortLen
			return min((f-a)/(b-a), (c-f)/(c-b)) * 2 / (c - a)
		})
		if fs[i].w == nil { // narrower than a line
			near := int(math.Round(b * shortLen / workRate))
			fs[i] = filter{first: near, w: []float32{float32(2 / (c - a))}}
		}
	}
	return fs
}

// pitchFilters returns triangles one semitone wide on either side.
func pitchFilters() []filter {
	note := func(k int) float64 {
		return 69 + 12*math.Log2(max(float64(k)*longRate/longLen, 1)/440)
	}
	fs := make([]filter, pitches)
	for i := range fs {
		m := float64(pitchLow + i)
		fs[i] = newFilter(longLen/2+1, func(k int) float64 { return 1 - math.Abs(note(k)-m) })
		if fs[i].w == nil {
			near := int(math.Round(440 * math.Exp2((m-69)/12) * longLen / longRate))
			fs[i] = filter{first: near, w: []float32{1}}
		}
	}
	return fs
}

// logScale is the number of steps per unit of the natural logarithm in stored
// log powers; they are offset by logZero so that a uint16 holds −40…+24.
const (
	logScale = 1000
	logZero  = 40
)

// logPower returns ln p in steps of 1/logScale, good to half a step: the
// exponent of the number and a table over the upper bits of its fraction.
func logPower(p float32) uint16 {
	bits := math.Float32bits(p)
	const ln2 = math.Ln2 * logScale
	v := (float32(int32(bits>>23)-127)*ln2 + lnFraction[bits>>11&0xfff]) + logZero*logScale
	if v < 0 || bits>>23 == 0xff { // nothing, or not a number
		return 0
	}
	return uint16(min(v, 65535))
}

// lnFraction holds ln of 1…2 in steps of 1/4096, half a step of logPower up so
// that cutting off rounds.
var lnFraction = func() (t [4096]float32) {
	for i := range t {
		t[i] = float32(math.Log(1+(float64(i)+0.5)/4096)*logScale + 0.5)
	}
	return t
}()

// filterbank turns sound into rows of log powers through filters over the power
// spectrum of Hann windows of length n every step samples. Row i is centred on
// sample i·step. Two windows ride in one complex transform.
type filterbank struct {
	n, step  int
	fft      *fft.Plan
	window   []float32
	filters  []filter
	from, to int       // the lines that the filters look at
	rows     []uint16  // len(filters) per row
	power    []float32 // sum of all filters per row
	level    []float32 // of newLevels, so that it is not taken anew for every recording
	re, im   []float32
	a, b     []float32 // power spectra of the two windows from line from on
}

func newFilterbank(n, step int, filters []filter) *filterbank {
	f := &filterbank{
		n: n, step: step, fft: fft.New(n), window: hann(n), filters: slices.Clone(filters), from: n,
		re: make([]float32, n), im: make([]float32, n),
	}
	for i := range f.window {
		f.window[i] /= 2 // see add
	}
	for _, w := range filters {
		f.from, f.to = min(f.from, w.first), max(f.to, w.first+len(w.w))
	}
	for i := range f.filters {
		f.filters[i].first -= f.from
	}
	f.a, f.b = make([]float32, f.to-f.from), make([]float32, f.to-f.from)
	return f
}

// reset forgets the rows.
func (f *filterbank) reset() { f.rows, f.power = f.rows[:0], f.power[:0] }

// add appends the rows of the windows that begin at x[0] and x[step].
func (f *filterbank) add(x []float32) {
	n := f.n
	y := x[f.step:][:n]
	x = x[:n]
	re, im := f.re[:n], f.im[:n]
	for i, w := range f.window[:n] {
		re[i], im[i] = x[i]*w, y[i]*w
	}
	f.fft.Forward(re, im)
	// Z = X + iY with X, Y the spectra of real signals: X = (Z(k)+Z*(n−k))/2,
	// where the half has been taken by the window.
	a := f.a
	b, upRe, upIm := f.b[:len(a)], re[f.from:][:len(a)], im[f.from:][:len(a)]
	downRe, downIm := re[n-f.to+1:][:len(a)], im[n-f.to+1:][:len(a)]
	for k := range a {
		j := len(a) - 1 - k
		xr, xi := upRe[k]+downRe[j], upIm[k]-downIm[j]
		yr, yi := upIm[k]+downIm[j], downRe[j]-upRe[k]
		a[k], b[k] = xr*xr+xi*xi, yr*yr+yi*yi
	}
	f.row(a)
	f.row(b)
}

// row appends the row of a power spectrum.
func (f *filterbank) row(lines []float32) {
	sum := float32(0)
	for i := range f.filters {
		w := f.filters[i].w
		p := dot(lines[f.filters[i].first:], w)
		sum += p
		f.rows = append(f.rows, logPower(p))
	}
	f.power = append(f.power, sum)
}
