package align

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/choirless/render/media"
)

// The features a pair is judged by, and their weight in the combined curve.
// The README has a table of what each of them buys.
const (
	byNote  = iota // learned beginnings of notes
	byOnset        // rises in eight bands
	byChord        // level per semitone
	byLoud         // loudness
	kinds
)

// weight says how much a feature counts in the combined curve: by how far its
// correlation stands out of the other lags (clipped, so that one chord cannot
// decide), and by the correlation coefficient itself. They were fitted as a
// conditional logit over the peaks of several hundred pairs (see README.md), so
// differences of the combined curve are logarithms of odds between two lags.
var weight = [kinds]struct{ stands, agrees float32 }{
	byNote:  {0.35, 1.6},
	byOnset: {0.35, 0.17},
	byChord: {0.25, 1.7},
	byLoud:  {0.40, 3.5},
}

// trend is the time over which the mean is taken out, in frames of 10 ms: what
// changes more slowly says nothing about when.
var trend = [kinds]int{byNote: 200, byOnset: 75, byChord: 300, byLoud: 500}

// prepared are features made ready for correlation. Safe for concurrent use.
type prepared struct {
	f      *Features
	step   [kinds]int
	curves [kinds][][]float32
	energy [kinds][]float64
	thirds []int // cuts of the part at equal activity, frames
}

func prepare(f *Features) *prepared {
	p := &prepared{f: f}
	for k, s := range [kinds]*series{byNote: &f.note, byOnset: &f.onset, byChord: &f.chord, byLoud: &f.loud} {
		p.step[k] = s.step
		p.curves[k] = s.curves()
		for i, c := range p.curves[k] {
			p.curves[k][i] = detrend(c, trend[k]/s.step)
		}
		p.energy[k] = energies(p.curves[k])
	}
	p.thirds = f.activeThirds()
	return p
}

// activeThirds cuts the recording into three stretches with equally much going
// on, in frames.
func (f *Features) activeThirds() []int {
	n := f.onset.len()
	sum := make([]float64, n+1)
	for i := range n {
		sum[i+1] = sum[i]
		for _, c := range f.onset.ch {
			sum[i+1] += float64(c[i])
		}
	}
	cuts := []int{0}
	for i := 1; i < 3; i++ {
		at, _ := slices.BinarySearch(sum, sum[n]*float64(i)/3)
		cuts = append(cuts, min(at, n))
	}
	return append(cuts, n)
}

// comparison is everything measured on one pair by features.
type comparison struct {
	m      int     // reach in frames; lag l is at index l+m
	ref    int     // length, frames
	part   int     // length, frames
	shift  float64 // what the grids of frames differ by: part minus ref, frames
	curve  [kinds][]float32
	robust [kinds][]float32
	// third is the combined curve of each third of the part.
	third [3][]float32
	total []float32 // log odds by what is heard, but for a constant
	odds  []float32 // the same with what is known beforehand, see nearer
	fine  []float32 // what the last milliseconds are read from
	least float32   // of total
}

// slim returns what placing a choir needs.
func (c *comparison) slim() *comparison {
	return &comparison{m: c.m, shift: c.shift, total: c.total, odds: c.odds, fine: c.fine, least: c.least}
}

// compare correlates all features, lags up to reach frames. It returns nil when ctx ends.
func compare(ctx context.Context, ref, part *prepared, reach int) *comparison {
	c := &comparison{m: (reach + 3) / 4 * 4, shift: float64(part.f.origin-ref.f.origin) / hop}
	c.ref, c.part = ref.f.note.len(), part.f.note.len()
	n := 2*c.m + 1
	for k := range kinds {
		if ctx.Err() != nil {
			return nil
		}
		step := part.step[k]
		cuts := make([]int, 4)
		for i, t := range part.thirds {
			cuts[i] = min(t/step, len(part.curves[k][0]))
		}
		cuts[3] = len(part.curves[k][0])
		spans := correlateSpans(ref.curves[k], part.curves[k], c.m/step, cuts)
		sum := make([]float32, len(spans[0]))
		for i, s := range spans {
			for j, v := range s {
				sum[j] += v
			}
			if k == byNote || k == byOnset {
				c.addThird(i, stretch(s, step, n))
			}
		}
		c.curve[k] = stretch(normalise(sum, ref.energy[k], part.energy[k]), step, n)
		c.robust[k] = robust(c.curve[k])
	}
	t := make([]float32, n)
	for k, r := range c.robust {
		w := weight[k]
		for i, v := range r {
			t[i] += w.stands*min(max(v, -3), 12) + w.agrees*c.curve[k][i]
		}
	}
	c.total = smooth(t, 3)
	c.least = slices.Min(c.total)
	c.odds = make([]float32, n)
	for i, v := range c.total {
		c.odds[i] = v + nearer(float64(i-c.m)/float64(c.m))
	}
	c.fine = smooth(c.curve[byNote], fineHalf)
	return c
}

// nearer returns the log odds, before anything is heard, of an offset that is a given
// share of the reach, −1…1, against none: a recorder starts with the song, so that of
// two places that sound alike the nearer is meant. Its tails are heavy (Cauchy, half
// as wide as the reach): what is clearly heard far off is believed.
func nearer(share float64) float32 { return float32(-math.Log1p(4 * share * share)) }

// addThird adds a feature's curve to that of a third.
func (c *comparison) addThird(i int, curve []float32) {
	if c.third[i] == nil {
		c.third[i] = make([]float32, len(curve))
	}
	for j, v := range smooth(robust(curve), 2) {
		c.third[i][j] += v / 2
	}
}

// fineHalf is half the width of the kernel of the fine curve, in frames.
// It is wide on purpose. A singer scatters by 20 to 60 ms about the beat, and
// what is wanted is the mean of all notes, not the lag at which most notes
// happen to coincide: the peak of a curve smoothed over ±130 ms is close to the
// mean. Only the learned beginnings are clean enough for that; the other
// features have too much between the notes.
const fineHalf = 13

// refine returns the lag, in frames, of the peak of the fine curve near
// the coarse peak at index k.
func (c *comparison) refine(k int) float64 {
	const near = 8
	lo, hi := max(0, k-near), min(len(c.fine), k+near+1)
	return vertex(c.fine, lo+argmax(c.fine[lo:hi])) - float64(c.m) + c.shift
}

// frameOffset turns a lag in frames into an offset.
func frameOffset(l float64) media.Offset { return media.OffsetMS(l * 1000 / frameRate) }

// peaks returns the indexes of up to n highest peaks of the combined curve, at
// least 100 ms apart, best first.
func (c *comparison) peaks(n int) []int {
	const apart = 10
	left := slices.Clone(c.odds)
	var out []int
	for len(out) < n {
		k := argmax(left)
		if left[k] == taken {
			break
		}
		inner := k > 0 && k < len(left)-1
		if !inner || (c.odds[k] >= c.odds[k-1] && c.odds[k] >= c.odds[k+1]) || len(out) == 0 {
			out = append(out, k)
		}
		for i := max(0, k-apart); i < min(len(left), k+apart+1); i++ {
			left[i] = taken
		}
	}
	return out
}

const taken = -math.MaxFloat32

// Pair places part against ref. It never fails for want of agreement: then the
// confidence is low and NeedsReview is set. The only errors are missing features and the
// cause of ctx's end.
func Pair(ctx context.Context, ref, part *Features, o Options) (Result, error) {
	if ref == nil || part == nil {
		return Result{}, errNoFeatures
	}
	m, err := measure(ctx, prepare(ref), prepare(part), o, true)
	if err != nil {
		return Result{}, err
	}
	return m.result(o), nil
}

var errNoFeatures = errors.New("align: features missing")

// measurement is what is known of one pair.
type measurement struct {
	c          *comparison
	candidates []Candidate
	bleed      *placement
}

// measure compares a pair; bleed is looked for when asked. Of long recordings that takes
// seconds, so that what it calls looks at ctx in between; it returns the cause of its end.
func measure(ctx context.Context, ref, part *prepared, o Options, bleed bool) (*measurement, error) {
	m := &measurement{c: compare(ctx, ref, part, o.frames())}
	if m.c == nil {
		return nil, context.Cause(ctx)
	}
	for _, k := range m.c.peaks(3) {
		m.candidates = append(m.candidates, Candidate{frameOffset(m.c.refine(k)), m.c.confidence(k)})
	}
	if bleed {
		m.bleed = findBleed(ctx, ref.f, part.f, int(min(o.reach(), reachBleed).Seconds()*workRate), m.candidates[0])
	}
	if m.bleed != nil {
		list := []Candidate{{m.bleed.offset, bleedConfidence}}
		for _, c := range m.candidates {
			if d := c.Offset - m.bleed.offset; d > sameNS || d < -sameNS {
				c.Confidence = min(c.Confidence, 1-bleedConfidence)
				list = append(list, c)
			}
		}
		m.candidates = list
	}
	if ctx.Err() != nil { // the bleed may have been looked for in half of it
		return nil, context.Cause(ctx)
	}
	return m, nil
}

// sameNS is how near two offsets must be to count as one place: 60 ms.
const sameNS = media.Offset(60 * time.Millisecond)

// result turns a measurement into the answer of Pair.
func (m *measurement) result(o Options) Result {
	best := m.candidates[0]
	r := Result{Offset: best.Offset, Confidence: best.Confidence, Candidates: slices.Clone(m.candidates), Method: MethodFeatures}
	for i := range r.Candidates[1:] { // only one place can be right
		c := &r.Candidates[i+1]
		c.Confidence = min(c.Confidence, 1-best.Confidence)
	}
	if m.bleed != nil {
		r.Method, r.DriftPPM = MethodBleed, m.bleed.ppm
	}
	if r.Confidence < o.threshold() {
		r.NeedsReview = true
		r.Reason = m.doubt()
	}
	return r
}

// doubt says, for a person, why the best place is not to be trusted.
func (m *measurement) doubt() string {
	if len(m.candidates) > 1 && m.candidates[1].Confidence > m.candidates[0].Confidence/3 && m.candidates[0].Confidence > 0.1 {
		return fmt.Sprintf("two places fit about equally well: %.0f ms and %.0f ms",
			m.candidates[0].Offset.MS(), m.candidates[1].Offset.MS())
	}
	return "little in it agrees with the reference: another song, speech, or almost nothing sung"
}

// reachBleed is where the wide search for bleed ends: it needs memory in proportion.
const reachBleed = 30 * time.Second

func (o Options) reach() time.Duration {
	if o.Reach <= 0 {
		return ReachDefault
	}
	return min(max(o.Reach, ReachLeast), ReachMost)
}

// frames returns the reach in frames.
func (o Options) frames() int { return int(o.reach().Seconds() * frameRate) }

func (o Options) threshold() float64 {
	if o.Threshold <= 0 {
		return ThresholdDefault
	}
	return o.Threshold
}
