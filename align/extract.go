package align

import (
	"fmt"
	"math"
	"sync"

	"github.com/choirless/render/media"
)

// silentPeak is the largest sample of a recording in which there is nothing to
// hear: −80 dBFS.
const silentPeak = 1e-4

// anchorLen is how much of a recording is read before its frames are laid: 60 s.
const anchorLen = 60 * workRate

// Extractor computes the Features of one recording from consecutive blocks of
// sound. It keeps 4 MB and about 1.5 MB per minute; Finish needs another 4 MB per
// minute for a moment. Not safe for concurrent use.
type Extractor struct {
	rate  media.SampleRate
	count int64   // samples written
	peak  float32 // largest sample until there was something to hear
	rs    *resampler
	*workspace
	// origin is the sample at workRate on which frame 0 is centred, −1 until known.
	origin int
	frame  int64 // next frame
	next   int64 // where the next window of the whitener begins
}

// workspace is what an Extractor works with and Finish hands on to the next one: a
// choir's recordings are read one after the other, and 4 MB that are zeroed, given
// back to the system and faulted in again for each cost more than many a step here.
type workspace struct {
	short *filterbank
	long  *filterbank
	white *whitener
	full  window // the sound at workRate
	half  window // the sound at longRate
}

var workspaces = sync.Pool{New: func() any {
	return &workspace{
		short: newFilterbank(shortLen, hop, melFilters()),
		long:  newFilterbank(longLen, longHop, pitchFilters()),
		white: newWhitener(),
		full:  window{x: make([]float32, 0, lead+anchorLen+1<<15)},
	}
}}

// lead is how much silence precedes the sound, in samples at workRate, so that
// windows can be centred on the first sample.
const lead = 2 * longLen

// begin makes the workspace as if new.
func (w *workspace) begin() {
	w.short.reset()
	w.long.reset()
	w.white.reset()
	w.full.reset(lead)
	w.half.reset(lead / 2)
}

// window is a stretch of a signal: x[0] is sample start.
type window struct {
	x     []float32
	start int64
}

// from returns the samples from index at on.
func (w *window) from(at int64) []float32 { return w.x[at-w.start:] }

// end returns the index after the last sample.
func (w *window) end() int64 { return w.start + int64(len(w.x)) }

// drop forgets the samples before index at.
func (w *window) drop(at int64) {
	if n := min(at-w.start, int64(len(w.x))); n > 0 {
		w.x = w.x[:copy(w.x, w.x[n:])]
		w.start += n
	}
}

// reset leaves n samples of silence, of which the last is sample −1.
func (w *window) reset(n int) {
	w.x = append(w.x[:0], make([]float32, n)...)
	w.start = -int64(n)
}

// NewExtractor returns an Extractor for mono sound at the given rate, 4 to 384
// kHz; it panics on others, as a rate is checked where a file is opened.
func NewExtractor(rate media.SampleRate) *Extractor {
	if rate < 4000 || rate > 384000 {
		panic(fmt.Sprintf("align: sample rate %d Hz, want 4000 to 384000", rate))
	}
	w := workspaces.Get().(*workspace)
	w.begin()
	return &Extractor{rate: rate, rs: newResampler(int(rate)), workspace: w, origin: -1, next: -whiteHop}
}

// Write takes the next block, full scale ±1, of any length. The slice is not kept.
func (e *Extractor) Write(mono []float32) {
	if e.peak < silentPeak {
		for _, v := range mono {
			e.peak = max(e.peak, v, -v)
		}
	}
	e.count += int64(len(mono))
	const most = 1 << 15
	for len(mono) > most {
		e.full.x = e.rs.process(mono[:most], e.full.x)
		mono = mono[most:]
		e.advance(false)
	}
	e.full.x = e.rs.process(mono, e.full.x)
	e.advance(false)
}

// advance computes all frames whose windows are complete and drops what no later
// window needs.
func (e *Extractor) advance(last bool) {
	for e.next+3*whiteHop <= e.full.end() {
		e.white.add(e.full.from(e.next))
		e.next += 2 * whiteHop
	}
	if e.origin < 0 {
		if !last && e.full.end() < anchorLen {
			return
		}
		e.origin = anchor(e.full.from(0))
	}
	for {
		at := int64(e.origin) + e.frame*hop // centres: at, and a hop later
		if !e.halve((at+hop)/2+longLen/2) || at+hop+shortLen/2 > e.full.end() {
			break
		}
		e.short.add(e.full.from(at - shortLen/2))
		e.long.add(e.half.from(at/2 - longLen/2))
		e.frame += 2
		if len(e.half.x) > halfKept {
			e.half.drop(at/2 - longLen/2)
		}
	}
	if len(e.full.x) > fullKept {
		at := int64(e.origin) + e.frame*hop
		e.full.drop(min(at-shortLen/2, e.next, 2*e.half.end()-halfTaps))
	}
}

// What is no longer needed is dropped when there is more than this, in samples.
const (
	halfKept = 8 * longLen
	fullKept = 16 * longLen
)

// halve carries the sound at longRate on until its end is end or later, and
// reports whether there was enough sound for that.
func (e *Extractor) halve(end int64) bool {
	for e.half.end() < end {
		at := 2*e.half.end() - halfTaps
		if at+symmetricMost+6 > e.full.end() {
			return false
		}
		a, b, c, d := halfBand.four2((*[symmetricMost + 6]float32)(e.full.from(at)))
		e.half.x = append(e.half.x, a, b, c, d)
	}
	return true
}

// halfBand is the low-pass before every other sample is dropped: −6 dB at 4 kHz,
// below −50 dB from 5.5 kHz, where what folds back would reach the top pitch.
var halfBand = func() *symmetric {
	w := make([]float32, 2*halfTaps+1)
	sum := float32(0)
	for i := range w {
		d := float64(i - halfTaps)
		r := d / (halfTaps + 1)
		w[i] = float32(sinc(d/2) * bessel0(kaiserBeta*math.Sqrt(1-r*r)))
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return newSymmetric(w)
}()

const halfTaps = 10

// anchor returns on which of the first hop samples the frames shall be centred.
// Frames 10 ms apart see an onset slightly differently depending on where
// between two frames it falls, by some tenths of a millisecond. So the grid is
// tied to the sound, not to the start of the file: to the mean phase of its
// energy in a period of one hop. A recording that starts later by any x then
// has the same frames, x later.
func anchor(x []float32) int {
	var energy [hop]float64
	for x = x[:min(len(x), anchorLen)]; len(x) >= hop; x = x[hop:] {
		for p, v := range (*[hop]float32)(x) {
			energy[p] += float64(v) * float64(v)
		}
	}
	var re, im float64
	for p, e := range energy {
		s, c := math.Sincos(2 * math.Pi * float64(p) / hop)
		re += e * c
		im += e * s
	}
	turn := math.Atan2(im, re) / (2 * math.Pi)
	return int(math.Round((turn+1)*hop)) % hop
}

// Finish returns the features. Its errors wrap ErrSilent or ErrTooShort.
// The Extractor must not be used afterwards.
func (e *Extractor) Finish() (*Features, error) {
	defer func() {
		workspaces.Put(e.workspace)
		e.workspace = nil
	}()
	d := e.rate.Duration(e.count)
	if d < MinDuration {
		return nil, fmt.Errorf("%w: %.2f s", ErrTooShort, d.Seconds())
	}
	if e.peak < silentPeak {
		return nil, fmt.Errorf("%w: largest sample %.1e of full scale", ErrSilent, e.peak)
	}
	samples := int(e.count * workRate / int64(e.rate))
	e.full.x = e.rs.flush(e.full.x)
	e.full.x = append(e.full.x, make([]float32, 4*longLen)...)
	e.advance(true)
	return newFeatures(samples, e.origin, e.short, e.long, e.white.bits), nil
}
