package mix

// True peak, ITU-R BS.1770-4 annex 2: the signal is oversampled four times by
// the printed 48-tap interpolator and the largest magnitude is kept. For rates
// other than 48 kHz the same taps are used, as the annex allows above 44.1 kHz;
// at 96 kHz they oversample more than needed.
//
// Most of a song is far below its peak. A run of samples whose largest
// magnitude times the taps' largest gain cannot beat the peak found so far is
// not interpolated at all; the result is the same.

const (
	tpTaps = 12
	tpHist = tpTaps - 1
	// tpRun is how many samples are judged at a time.
	tpRun = 32
	// tpBound is the largest sum of tap magnitudes of any phase, rounded up.
	tpBound = 2.03
	// tpDelay is how many samples later than its place a peak is found, at most.
	tpDelay = 6
)

// tpPhase0 and tpPhase1 are the first two phases of annex 2, table 1. The other
// two are the same, reversed.
var tpPhase0 = [tpTaps]float32{
	0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
	0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500,
}

var tpPhase1 = [tpTaps]float32{
	-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
	0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375,
}

// truePeak measures one channel.
type truePeak struct {
	max  float32
	hist [tpHist]float32
	buf  []float32
}

// write takes the next samples and raises max.
func (t *truePeak) write(x []float32) {
	t.buf = append(append(t.buf[:0], t.hist[:]...), x...)
	for at := 0; at < len(x); at += tpRun {
		t.max = max(t.max, peakOf(t.buf[at:min(at+tpRun, len(x))+tpHist], t.max))
	}
	copy(t.hist[:], t.buf[len(t.buf)-tpHist:])
}

// peakOf returns the true peak over the samples of x after the first tpHist,
// which are history. When it cannot exceed floor, the answer is only known not
// to. A NaN is passed over.
func peakOf(x []float32, floor float32) float32 {
	p := samplePeak(x)
	if p*tpBound <= floor {
		return p
	}
	// The history belongs to the run before; its own samples do not count again,
	// but they cannot be larger than a peak already found.
	for ; len(x) >= tpTaps; x = x[1:] {
		w := x[:tpTaps]
		var a, b, c, d float32
		for j := range tpTaps {
			v, u := w[tpTaps-1-j], w[j]
			a += tpPhase0[j] * v
			b += tpPhase1[j] * v
			c += tpPhase1[j] * u
			d += tpPhase0[j] * u
		}
		p = max(p, abs32(a), abs32(b), abs32(c), abs32(d))
	}
	return p
}

// samplePeak returns the largest magnitude in x, 0 if x is empty. NaN counts
// as silence.
func samplePeak(x []float32) float32 {
	p := float32(0)
	for _, v := range x {
		if v < 0 {
			v = -v
		}
		if v > p {
			p = v
		}
	}
	return p
}

func abs32(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}
