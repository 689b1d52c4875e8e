package align

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/choirless/render/media"
)

// Features is what is kept of a recording for alignment. Read only once made;
// safe for concurrent use.
type Features struct {
	samples int    // at workRate
	origin  int    // sample on which frame 0 is centred, 0 … hop−1
	note    series // probability that a note begins
	onset   series // rises, by broad band
	chord   series // level per semitone
	loud    series // logarithm of the power
	bits    []byte // see whitener
	id      uint64 // hash of the content, see identify
}

// identify computes the hash by which a Cache knows features again.
func (f *Features) identify() {
	h := fnv.New64a()
	fmt.Fprint(h, f.samples, f.origin)
	h.Write(f.bits)
	h.Write(f.note.ch[0])
	f.id = h.Sum64()
}

// series is several curves over time, all at one rate, in bytes: a byte v
// stands for zero + v·unit.
type series struct {
	step       int // frames per value
	length     int // values per channel
	ch         [][]byte
	zero, unit float32
}

func (s *series) len() int { return s.length }

// all returns the series in the order in which they are stored.
func (f *Features) all() []*series { return []*series{&f.note, &f.onset, &f.chord, &f.loud} }

// quantise turns curves of equal length into a series.
func quantise(step int, x [][]float32) series {
	s := series{step: step, length: len(x[0]), ch: make([][]byte, len(x))}
	lo, hi := x[0][0], x[0][0]
	for _, c := range x {
		lo, hi = min(lo, slices.Min(c)), max(hi, slices.Max(c))
	}
	s.zero, s.unit = lo, (hi-lo)/255
	for i, c := range x {
		s.ch[i] = make([]byte, len(c))
		if s.unit == 0 {
			continue
		}
		for t, v := range c {
			s.ch[i][t] = byte((v-lo)/s.unit + 0.5)
		}
	}
	return s
}

// curves returns the values.
func (s *series) curves() [][]float32 {
	out := make([][]float32, len(s.ch))
	for i, c := range s.ch {
		x := make([]float32, len(c))
		for t, v := range c {
			x[t] = s.zero + float32(v)*s.unit
		}
		out[i] = x
	}
	return out
}

// Duration returns the length of the recording.
func (f *Features) Duration() time.Duration {
	return media.SampleRate(workRate).Duration(int64(f.samples))
}

// How the log powers become features, in frames of 10 ms.
const (
	onsetLag   = 3
	onsetBands = 8
	chordStep  = 4
)

// newFeatures makes features of the rows of both filterbanks.
func newFeatures(samples, origin int, short, long *filterbank, bits []byte) *Features {
	n := min(1+(samples-origin)/hop, len(short.power), len(long.power))
	f := &Features{samples: samples, origin: origin, bits: bits}
	mel, pitch := newLevels(short, n, melTop), newLevels(long, n, pitchTop)
	f.note = quantise(1, [][]float32{onsetNet.run(netInput(mel, pitch))})
	f.onset, f.loud = onsets(mel), loudness(short.power[:n])
	f.chord = chords(pitch)
	f.identify()
	return f
}

// The loudest share of a spectrum, to which floors are tied: quantiles.
const (
	melTop   = 0.99
	pitchTop = 0.995
)

// levels are the columns of a filterbank as ln(p + floor) − ln(floor).
type levels [][]float32

// newLevels returns the first n rows of a filterbank, by columns, valid until its next
// call. The noise floor of a column is twice its 10th percentile, plus 40 dB below the
// loudest of all.
func newLevels(f *filterbank, n int, topShare float64) levels {
	cols := len(f.filters)
	top := fromLog(quantile(f.rows[:n*cols], topShare))
	out := make(levels, cols)
	col := make([]uint16, n)
	if cap(f.level) < n*cols {
		f.level = make([]float32, n*cols)
	}
	all := f.level[:n*cols]
	for c := range out {
		for i := range col {
			col[i] = f.rows[i*cols+c]
		}
		floor := 2*fromLog(quantile(col, 0.1)) + 1e-4*top
		base := int(math.Round((math.Log(floor+1e-17) + logZero) * logScale))
		l := all[c*n:][:n]
		for i, v := range col {
			l[i] = above(int(v) - base)
		}
		out[c] = l
	}
	return out
}

// fromLog undoes logPower.
func fromLog(v uint16) float64 { return math.Exp(float64(v)/logScale - logZero) }

// above returns ln(1 + p/floor) for a p that lies d steps above the floor.
func above(d int) float32 {
	switch {
	case d > 16*logScale:
		return float32(d) / logScale
	case d < -16*logScale:
		return 0
	}
	return softplus[d+16*logScale]
}

// softplus holds ln(1+exp(d)) for d in steps of 1/logScale from −16 to 16.
var softplus = func() []float32 {
	t := make([]float32, 32*logScale+1)
	for i := range t {
		t[i] = float32(math.Log1p(math.Exp(float64(i)/logScale - 16)))
	}
	return t
}()

// quantile returns the q-quantile of v: the upper byte first, then the lower one
// among those that share it.
func quantile(v []uint16, q float64) uint16 {
	var high, low [256]int32
	for _, x := range v {
		high[x>>8]++
	}
	left := int32(q * float64(len(v)-1))
	h := 0
	for ; left >= high[h]; h++ {
		left -= high[h]
	}
	for _, x := range v {
		if int(x>>8) == h {
			low[x&0xff]++
		}
	}
	l := 0
	for ; left >= low[l]; l++ {
		left -= low[l]
	}
	return uint16(h<<8 | l)
}

// onsets returns the rises in broad bands.
func onsets(mel levels) series {
	on := make([][]float32, onsetBands)
	for b := range on {
		on[b] = make([]float32, len(mel[0]))
		for _, l := range mel[b*bands/onsetBands : (b+1)*bands/onsetBands] {
			rise(on[b], l, onsetLag)
		}
	}
	return quantise(1, on)
}

// rise adds max(0, x[i+lag]−x[i]) to sum, put at i+lag/2.
func rise(sum, x []float32, lag int) {
	for i := 0; i+lag < len(x); i++ {
		sum[i+lag/2] += max(0, x[i+lag]-x[i])
	}
}

// loudness returns the logarithm of the power.
func loudness(power []float32) series {
	least := 3e-4 * quantileFloat(power, 0.99)
	l := make([]float32, len(power))
	for i, p := range power {
		l[i] = float32(math.Log(float64(p) + least + 1e-30))
	}
	return quantise(1, [][]float32{l})
}

// chords returns the level of every semitone against that of all.
func chords(pitch levels) series {
	m := (len(pitch[0]) + chordStep - 1) / chordStep
	out := make([][]float32, pitches)
	mean := make([]float32, m)
	for c, l := range pitch {
		out[c] = make([]float32, m)
		for i := range m {
			v := l[i*chordStep]
			out[c][i] = v
			mean[i] += v / pitches
		}
	}
	for _, l := range out {
		for i := range l {
			l[i] -= mean[i]
		}
	}
	return quantise(chordStep, out)
}

// detrend takes out the mean over width values about each value.
func detrend(x []float32, width int) []float32 {
	sum := make([]float64, len(x)+1)
	for i, v := range x {
		sum[i+1] = sum[i] + float64(v)
	}
	out := make([]float32, len(x))
	for i := range x {
		a, b := max(i-width/2, 0), min(i+width/2+1, len(x))
		out[i] = x[i] - float32((sum[b]-sum[a])/float64(b-a))
	}
	return out
}
