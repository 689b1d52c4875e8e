package align

import (
	"math"

	"github.com/choirless/render/mix/fft"
)

// The sound itself is kept as one bit per sample for finding the reference as
// bleed inside a part. Before the bit is taken, every cell of a short-time
// spectrum is scaled to magnitude one (PHAT, Knapp and Carter 1976, but cell by
// cell instead of over the whole file), so that a moment or a frequency where
// the singer is quiet counts as much as one where the singer is loud: there the
// bleed is heard best. Of a sum of many such cells the sign alone keeps 2/π of
// the power (Van Vleck), 2 dB, for a sixteenth of the bytes.
const (
	whiteLen  = 512
	whiteHop  = whiteLen / 2
	whiteLow  = 800.0  // Hz: headphones leak little below
	whiteHigh = 6000.0 // Hz: speech codecs leave little above
)

// whitener makes the one-bit signal, streaming. Bit i is the sign of sample
// i−whiteHop (the first hop is what lies before the beginning).
type whitener struct {
	fft    *fft.Plan
	window []float32
	re, im []float32
	tail   []float32 // what the last window adds to the next hop
	bits   []byte
}

func newWhitener() *whitener {
	w := hann(whiteLen)
	for i := range w {
		w[i] = float32(math.Sqrt(float64(w[i])))
	}
	return &whitener{
		fft: fft.New(whiteLen), window: w, re: make([]float32, whiteLen),
		im: make([]float32, whiteLen), tail: make([]float32, whiteHop),
	}
}

// reset begins another signal. The bits of the last one stay with who took them.
func (w *whitener) reset() {
	w.bits = nil
	clear(w.tail)
}

// add takes the windows that begin at x[0] and x[whiteHop] and appends the two
// hops that are complete then.
func (w *whitener) add(x []float32) {
	re, im := w.re[:whiteLen], w.im[:whiteLen]
	for i, v := range w.window {
		re[i], im[i] = x[i]*v, x[whiteHop+i]*v
	}
	w.fft.Forward(re, im)
	lo, hi := int(math.Round(whiteLow*whiteLen/workRate)), int(math.Round(whiteHigh*whiteLen/workRate))
	clear(re[:lo])
	clear(im[:lo])
	for k := lo; k <= hi; k++ {
		j := whiteLen - k
		xr, xi := re[k]+re[j], im[k]-im[j]
		yr, yi := im[k]+im[j], re[j]-re[k]
		a, b := inverseRoot(xr*xr+xi*xi), inverseRoot(yr*yr+yi*yi)
		xr, xi, yr, yi = xr*a, xi*a, yr*b, yi*b
		re[k], im[k] = xr-yi, xi+yr
		re[j], im[j] = xr+yi, yr-xi
	}
	clear(re[hi+1 : whiteLen-hi])
	clear(im[hi+1 : whiteLen-hi])
	clear(re[whiteLen-lo+1:])
	clear(im[whiteLen-lo+1:])
	w.fft.Inverse(re, im) // but for a factor
	for i, v := range w.window {
		re[i] *= v
		im[i] *= v
	}
	w.push(w.tail, re[:whiteHop])
	w.push(re[whiteHop:], im[:whiteHop])
	copy(w.tail, im[whiteHop:])
}

// push appends the signs of the sums of a and b, a hop of each.
func (w *whitener) push(a, b []float32) {
	for len(a) >= 8 && len(b) >= 8 {
		p, q := (*[8]float32)(a), (*[8]float32)(b)
		v := uint32(0)
		for i := range p {
			v |= math.Float32bits(p[i]+q[i]) >> 31 << i
		}
		w.bits = append(w.bits, byte(v))
		a, b = a[8:], b[8:]
	}
}

// inverseRoot returns 1/√x, good to 0.2 %, and something finite for 0: the
// logarithm of x, which its bits are almost, halved and negated, and one step of
// Newton's method.
func inverseRoot(x float32) float32 {
	y := math.Float32frombits(0x5f3759df - math.Float32bits(x)>>1)
	return y * (1.5 - 0.5*x*y*y)
}
