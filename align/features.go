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
func newFeatures(samples, origin int, mel, pitch []uint16, bits []byte) *Features {
	n := min(1+(samples-origin)/hop, len(mel)/bands, len(pitch)/pitches)
	f := &Features{samples: samples, origin: origin, bits: bits}
	f.note = quantise(1, [][]float32{onsetNet.run(netInput(mel, pitch, n))})
	f.onset, f.loud = melFeatures(mel, n)
	f.chord = chordFeatures(pitch, n)
	f.identify()
	return f
}

// The loudest share of a spectrum, to which floors are tied: quantiles.
const (
	onsetTop = 0.99
	pitchTop = 0.995
)

// fromLog undoes logPower.
func fromLog(v uint16) float64 { return math.Exp(float64(v)/logScale - logZero) }

// floorLevel returns, in steps of logPower, the noise floor of a column: twice
// its 10th percentile, plus extra.
func floorLevel(col []uint16, stride, n int, hist []int32, extra float64) int {
	p := 2*fromLog(quantile(col, stride, n, 0.1, hist)) + extra
	return int(math.Round((math.Log(p+1e-17) + logZero) * logScale))
}

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

// levels returns ln(p + floor) − ln(floor) for one column of rows.
func levels(rows []uint16, col, cols, n int, hist []int32, extra float64) []float32 {
	base := floorLevel(rows[col:], cols, n, hist, extra)
	out := make([]float32, n)
	for i := range out {
		out[i] = above(int(rows[i*cols+col]) - base)
	}
	return out
}

// softplus holds ln(1+exp(d)) for d in steps of 1/logScale from −16 to 16.
var softplus = func() []float32 {
	t := make([]float32, 32*logScale+1)
	for i := range t {
		t[i] = float32(math.Log1p(math.Exp(float64(i)/logScale - 16)))
	}
	return t
}()

// quantile returns the q-quantile of n values, stride apart. hist is scratch of
// 65536 zeros and is zero again afterwards.
func quantile(v []uint16, stride, n int, q float64, hist []int32) uint16 {
	low := uint16(math.MaxUint16)
	for i := range n {
		x := v[i*stride]
		hist[x]++
		low = min(low, x)
	}
	left := int32(q * float64(n-1))
	at := int(low)
	for left >= hist[at] {
		left -= hist[at]
		at++
	}
	for i := range n {
		hist[v[i*stride]] = 0
	}
	return uint16(at)
}

func melFeatures(rows []uint16, n int) (onset, loud series) {
	hist := make([]int32, 65536)
	top := fromLog(quantile(rows, 1, n*bands, onsetTop, hist))
	on := make([][]float32, onsetBands)
	for b := range on {
		sum := make([]float32, n)
		for c := b * bands / onsetBands; c < (b+1)*bands/onsetBands; c++ {
			rise(sum, levels(rows, c, bands, n, hist, 1e-4*top), onsetLag)
		}
		on[b] = sum
	}
	total := make([]float32, n)
	for i := range total {
		for _, v := range rows[i*bands : (i+1)*bands] {
			total[i] += float32(fromLog(v))
		}
	}
	p := quantileFloat(total, 0.99)
	for i := range total {
		total[i] = float32(math.Log(float64(total[i]) + 3e-4*p + 1e-30))
	}
	return quantise(1, on), quantise(1, [][]float32{total})
}

// rise adds max(0, x[i+lag]−x[i]) to sum, put at i+lag/2.
func rise(sum, x []float32, lag int) {
	for i := 0; i+lag < len(x); i++ {
		if d := x[i+lag] - x[i]; d > 0 {
			sum[i+lag/2] += d
		}
	}
}

// chordFeatures returns the level of every semitone against that of all.
func chordFeatures(rows []uint16, n int) series {
	hist := make([]int32, 65536)
	top := fromLog(quantile(rows, 1, n*pitches, pitchTop, hist))
	m := (n + chordStep - 1) / chordStep
	level := make([][]float32, pitches)
	mean := make([]float32, m)
	for c := range pitches {
		base := floorLevel(rows[c:], pitches, n, hist, 1e-4*top)
		level[c] = make([]float32, m)
		for i := range m {
			v := above(int(rows[i*chordStep*pitches+c]) - base)
			level[c][i] = v
			mean[i] += v / pitches
		}
	}
	for _, l := range level {
		for i := range l {
			l[i] -= mean[i]
		}
	}
	return quantise(chordStep, level)
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
