package mix

import (
	"math"

	"github.com/choirless/render/mix/fft"
)

// The high-pass removes footsteps, traffic and the thump of a table, and leaves
// the lowest bass (C2, 65 Hz) alone. It is a filter of linear phase: it moves
// nothing in time, and a voice keeps its phase against the bleed of it in other
// recordings, which a filter of minimum phase would turn by 90 degrees at its
// corner. Computed by overlap-save on a fixed grid of part time.

const (
	// HighPassHz is where the high-pass has taken off 6 dB.
	HighPassHz = 45
	// highPassHalf is half the length of its response: the transition is 40 Hz
	// wide for a depth of 60 dB.
	highPassHalf  = 2176
	highPassChunk = 8192
	highPassFFT   = 16384
)

type highPass struct {
	plan   *fft.Plan
	h      []float32
	re, im []float32
}

func newHighPass(t track) track {
	p := &highPass{plan: fft.New(highPassFFT), re: make([]float32, highPassFFT), im: make([]float32, highPassFFT)}
	// 1 minus a low-pass whose taps sum to 1, so that nothing is left at 0 Hz.
	taps, sum := make([]float64, 2*highPassHalf+1), 0.0
	for i := range taps {
		t := float64(i - highPassHalf)
		x, s := 2*HighPassHz/48000.*t, 1.0
		if x != 0 {
			s = math.Sin(math.Pi*x) / (math.Pi * x)
		}
		// Blackman's window: 60 dB and more, no parameter.
		u := math.Pi * t / (highPassHalf + 1)
		taps[i] = s * (0.42 + 0.5*math.Cos(u) + 0.08*math.Cos(2*u))
		sum += taps[i]
	}
	for i, v := range taps {
		p.re[(i-highPassHalf+highPassFFT)%highPassFFT] = float32(-v / sum)
	}
	p.re[0] += 1
	p.plan.Forward(p.re, p.im)
	p.h = make([]float32, highPassFFT)
	for k := range p.h {
		p.h[k] = p.re[k] / highPassFFT
	}
	return &chunkTrack{in: t, chunk: highPassChunk, before: highPassHalf, after: highPassHalf, process: p.process}
}

func (p *highPass) process(_ int64, in, out [][]float32) {
	clear(p.re)
	clear(p.im)
	copy(p.re, in[0])
	if len(in) > 1 {
		copy(p.im, in[1])
	}
	p.plan.Forward(p.re, p.im)
	for k, h := range p.h {
		p.re[k] *= h
		p.im[k] *= h
	}
	p.plan.Inverse(p.re, p.im)
	copy(out[0], p.re[highPassHalf:])
	if len(out) > 1 {
		copy(out[1], p.im[highPassHalf:])
	}
}
