package align

import (
	"fmt"

	"github.com/choirless/render/media"
)

// silentPeak is the largest sample of a recording in which there is nothing to
// hear: −80 dBFS.
const silentPeak = 1e-4

// Extractor computes the Features of one recording from consecutive blocks of
// sound. It keeps about 2.5 MB per minute. Not safe for concurrent use.
type Extractor struct {
	rate  media.SampleRate
	count int64 // samples written
	peak  float32
	rs    *resampler
	short *filterbank
	long  *filterbank
	white *whitener
	// x is the sound at workRate that is still needed; x[0] is sample start.
	// The recording is preceded by silence so that the first windows can be
	// centred on its first sample.
	x          []float32
	start      int64
	at, whitAt int64 // next step of the filterbanks and of the whitener, samples
}

// NewExtractor returns an Extractor for mono sound at the given rate, 4 to 384 kHz.
func NewExtractor(rate media.SampleRate) *Extractor {
	if rate < 4000 || rate > 384000 {
		panic(fmt.Sprintf("align: sample rate %d Hz, want 4000 to 384000", rate))
	}
	return &Extractor{rate: rate, rs: newResampler(int(rate)),
		short: newFilterbank(shortLen, hop, melFilters()),
		long:  newFilterbank(longLen, longHop, pitchFilters()),
		white: newWhitener(),
		x:     make([]float32, max(longLen/2, whiteHop)), start: -max(longLen/2, whiteHop), whitAt: -whiteHop}
}

// Write takes the next block, full scale ±1, of any length. The slice is not kept.
func (e *Extractor) Write(mono []float32) {
	for _, v := range mono {
		e.peak = max(e.peak, v, -v)
	}
	e.count += int64(len(mono))
	const most = 1 << 15
	for len(mono) > most {
		e.x = e.rs.process(mono[:most], e.x)
		mono = mono[most:]
		e.advance()
	}
	e.x = e.rs.process(mono, e.x)
	e.advance()
}

// advance computes all rows whose windows are complete and drops what no later
// window needs.
func (e *Extractor) advance() {
	end := e.start + int64(len(e.x))
	const step = 2 * longHop
	for e.at+longHop+longLen/2 <= end {
		s := e.x[e.at-e.start-longLen/2:]
		e.long.add(s)
		e.short.add(s[(longLen-shortLen)/2:])
		e.short.add(s[(longLen-shortLen)/2+2*hop:])
		e.at += step
	}
	for e.whitAt+3*whiteHop <= end {
		e.white.add(e.x[e.whitAt-e.start:])
		e.whitAt += 2 * whiteHop
	}
	if n := min(e.at-longLen/2, e.whitAt) - e.start; n > 0 {
		e.x = e.x[:copy(e.x, e.x[n:])]
		e.start += n
	}
}

// Finish returns the features. Its errors wrap ErrSilent or ErrTooShort.
// The Extractor must not be used afterwards.
func (e *Extractor) Finish() (*Features, error) {
	d := e.rate.Duration(e.count)
	if d < MinDuration {
		return nil, fmt.Errorf("%w: %.2f s", ErrTooShort, d.Seconds())
	}
	if e.peak < silentPeak {
		return nil, fmt.Errorf("%w: largest sample %.1e of full scale", ErrSilent, e.peak)
	}
	n := int(e.count * workRate / int64(e.rate)) // samples at workRate
	e.x = e.rs.flush(e.count, e.x)
	e.x = append(e.x, make([]float32, 2*longLen+2*whiteLen)...)
	e.advance()
	return newFeatures(n, e.short.rows, e.long.rows, e.white.bits), nil
}
