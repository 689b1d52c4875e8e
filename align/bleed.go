package align

import (
	"context"
	"math"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix/fft"
)

// Bleed: where the singer's headphones leak into the microphone, the reference
// itself is in the part, and the lag of the one-bit signals is known to a
// fraction of a sample. The whole range of lags is searched by overlap-save
// correlation in partitions (as in convolution with a long impulse response).
const bleedBlock = 8192 // samples per partition, 0.5 s

// signs returns ±1 for n samples from index at of the recording, 0 outside.
func (f *Features) signs(dst []float32, at int) {
	for i := range dst {
		t := at + i
		if t < 0 || t >= f.samples || (t+whiteHop)>>3 >= len(f.bits) {
			dst[i] = 0
			continue
		}
		t += whiteHop
		dst[i] = 1 - 2*float32(f.bits[t>>3]>>(t&7)&1)
	}
}

// bleedCurves correlates the one-bit signals for the lags −reach…reach samples,
// the first and the second half of the part apart. Where ctx ends they are worth nothing.
func bleedCurves(ctx context.Context, ref, part *Features, reach int) (first, second []float32) {
	const n = 2 * bleedBlock
	plan := fft.New(n)
	lo, hi := int(math.Floor(whiteLow*n/workRate)), int(math.Ceil(whiteHigh*n/workRate))
	width := hi - lo
	back := (reach + bleedBlock - 1) / bleedBlock // lag blocks on either side
	lags := 2 * back
	blocks := (part.samples + bleedBlock - 1) / bleedBlock
	type spectrum struct{ re, im []float32 }
	alloc := func(k int) []spectrum {
		s := make([]spectrum, k)
		for i := range s {
			s[i] = spectrum{make([]float32, width), make([]float32, width)}
		}
		return s
	}
	// Reference window m starts at m·bleedBlock and is conjugated. Part block b
	// meets windows b−back … b+back−1; they live in a ring.
	ring := alloc(lags)
	sum := [2][]spectrum{alloc(lags), alloc(lags)}
	p := alloc(1)[0]
	re, im := make([]float32, n), make([]float32, n)
	for m := -back; m < blocks+back && ctx.Err() == nil; m++ {
		// One transform carries window m of the reference and the part block
		// that becomes due with it.
		b := m - back + 1
		ref.signs(re, m*bleedBlock)
		clear(im)
		if b >= 0 && b < blocks {
			part.signs(im[:bleedBlock], b*bleedBlock)
		}
		plan.Forward(re, im)
		w := ring[(m+back)%lags]
		for i := range width {
			k := lo + i
			j := n - k
			w.re[i], w.im[i] = (re[k]+re[j])/2, -(im[k]-im[j])/2
			p.re[i], p.im[i] = (im[k]+im[j])/2, (re[j]-re[k])/2
		}
		if b < 0 || b >= blocks {
			continue
		}
		half := 0
		if 2*b >= blocks {
			half = 1
		}
		for j := -back; j < back; j++ {
			w := ring[(b-j-1+back)%lags]
			s := sum[half][j+back]
			fft.MulAdd(s.re, s.im, p.re, p.im, w.re, w.im)
		}
	}
	out := [2][]float32{make([]float32, 2*reach+1), make([]float32, 2*reach+1)}
	for j := range lags {
		// Both halves ride in one transform: a spectrum X of a real curve and i·Y.
		a, b := sum[0][j], sum[1][j]
		clear(re)
		clear(im)
		for i := range width {
			k := lo + i
			re[k], im[k] = a.re[i]-b.im[i], a.im[i]+b.re[i]
			re[n-k], im[n-k] = a.re[i]+b.im[i], b.re[i]-a.im[i]
		}
		plan.Inverse(re, im)
		// P·conj(W) back in time: index −s ↔ lag (j+1)·block − s.
		for s := range bleedBlock {
			l := (j-back+1)*bleedBlock - s
			if l >= -reach && l <= reach {
				out[0][l+reach] = re[(n-s)%n] / n
				out[1][l+reach] = im[(n-s)%n] / n
			}
		}
	}
	return out[0], out[1]
}

// When is a peak bleed? Heights are in units of the curve's spread, and chance makes
// them as a normal distribution does: within ±40 ms of a given place some 830 lags
// are independent, so that with equal clocks it passes 5.2 in one pair of 12 000. In
// 4 410 pairs without bleed it reached 5.05, and 6.7 with any drift; among all
// 130 000 lags of 700 pairs, 4.8. Bleed at −30 dB gave 6.3 to 35 on synthetic choirs,
// at −38 dB 21 in a browser recording.
const (
	bleedFlat = 5.2  // believed near where the features point, with equal clocks
	bleedLine = 7.0  // the same with a drift
	bleedWide = 10.0 // believed wherever it is
	// bleedHalf is what each half of the part must show at the same place, against
	// sounds that are alike by accident in one stretch only. Chance alone does not
	// care: of a height h each half has h/√2, give or take 0.7. So it must be well
	// below bleedFlat/√2, or weak bleed is lost by the toss of a coin.
	bleedHalf = 2.0
	// bleedAlone is needed where the features do not agree that the part belongs.
	bleedAlone = 9.0
	// bleedConfidence is the probability given to a lock.
	bleedConfidence = 0.995
	bleedRange      = 40 // ms
	// bleedFar is from where on a lock is compared with nearer ones, bleedTwice
	// how much of its height a nearer one must have to be preferred.
	bleedFar   = 2 * time.Second
	bleedTwice = 0.8
	// wideBelow is the confidence of the features below which the whole range
	// of lags is searched, which costs as much as everything else on a pair.
	wideBelow = 0.97
)

// placement is where bleed puts a part.
type placement struct {
	offset media.Offset
	ppm    float64 // 0 unless proven
	height float64
}

// findBleed looks for ref inside part, reach in samples: first near the place to
// which the features point, then, if that place is in doubt, everywhere. It
// returns nil when there is no proof. Where ctx ends the answer is worth nothing.
func findBleed(ctx context.Context, ref, part *Features, reach int, near Candidate) *placement {
	const samplesPerMS = workRate / 1000
	l, ok := findLine(ctx, ref, part, int(near.Offset.MS()*samplesPerMS), bleedRange*samplesPerMS)
	if ok && l.isBleed() && (l.z >= bleedAlone || near.Confidence >= ThresholdDefault) {
		return nearest(ctx, ref, part, reach, l.place(part))
	}
	if near.Confidence >= wideBelow {
		return nil
	}
	first, second := bleedCurves(ctx, ref, part, reach)
	sum := added(first, second)
	k := argmax(sum)
	height := float64(sum[k]) / spread(sum, k)
	halves := min(peakNear(first, k)/spread(first, k), peakNear(second, k)/spread(second, k))
	if height < bleedWide || halves < bleedHalf {
		return nil
	}
	// Follow it through the part for the last microseconds and the drift.
	if l, ok = findLine(ctx, ref, part, k-reach, 10*samplesPerMS); !ok {
		return nil
	}
	if l.isBleed() {
		return l.place(part)
	}
	return &placement{offset: media.OffsetMS(float64(k-reach) / samplesPerMS), height: height}
}

// nearest returns p, or, where p is far off and the reference stands as clearly
// in another place of the part, the place with the smaller offset: a recording
// that holds the same stretch twice says nothing about which one is meant, and
// singers start close to the backing.
func nearest(ctx context.Context, ref, part *Features, reach int, p *placement) *placement {
	if max(p.offset, -p.offset) < media.Offset(bleedFar) {
		return p
	}
	const margin = 100 * workRate / 1000 // samples
	sum := added(bleedCurves(ctx, ref, part, reach))
	lag := int(math.Round(p.offset.MS() * workRate / 1000))
	side := max(0, max(lag, -lag)-margin)
	inner := sum[reach-side : reach+side+1]
	k := argmax(inner)
	height := float64(inner[k]) / spread(sum, reach-side+k)
	if height < bleedWide || float64(inner[k]) < bleedTwice*peakNear(sum, reach+lag) {
		return p
	}
	if l, ok := findLine(ctx, ref, part, k-side, 20*workRate/1000); ok {
		return l.place(part)
	}
	return &placement{offset: media.OffsetMS(float64(k-side) * 1000 / workRate), height: height}
}

// spread returns the deviation of a curve, or of the second about index k where
// that is more: lags at which one of the recordings is in digital silence have next
// to none, and must not make the others look high.
func spread(c []float32, k int) float64 {
	near := c[max(0, k-workRate/2):min(len(c), k+workRate/2+1)]
	return max(deviation(c), deviation(near)) + 1e-9
}

func added(a, b []float32) []float32 {
	sum := make([]float32, len(a))
	for i := range sum {
		sum[i] = a[i] + b[i]
	}
	return sum
}

// isBleed reports whether the line stands high enough.
func (l line) isBleed() bool {
	return (l.at0 >= bleedFlat || l.z >= bleedLine) && min(l.halves[0], l.halves[1]) >= bleedHalf
}

// peakNear returns the largest value within 2 ms of index k.
func peakNear(c []float32, k int) float64 {
	lo, hi := max(0, k-workRate/500), min(len(c), k+workRate/500+1)
	return float64(c[lo+argmax(c[lo:hi])])
}

// place turns a line into a placement. A drift counts as proven when the line
// stands clearly higher than the best one without drift; else the part is put
// where it fits best in its middle.
func (l line) place(part *Features) *placement {
	p := &placement{height: l.z}
	if l.z > 1.1*l.at0 {
		p.ppm = math.Round(l.ppm*10) / 10
		p.offset = media.OffsetMS(l.lag / (1 - l.ppm*1e-6) * 1000 / workRate)
		return p
	}
	p.offset = media.OffsetMS((l.lag + float64(part.samples)/2*l.ppm*1e-6) * 1000 / workRate)
	return p
}
