package mix

import (
	"fmt"

	"github.com/choirless/render/media"
)

// Sample-rate conversion has two engines.
//
// Rates with a simple ratio (44100:48000 is 147:160) are converted in the
// frequency domain, resample_fft.go: overlap-save with a transform of 147·k
// points in and one of 160·k points out. It is the cheapest way to a filter of
// two hundred taps, which is what 20 kHz flat and 22.05 kHz gone asks for.
//
// Everything else, and a voice whose clock runs a few parts per million fast
// (voice_render.go), goes through an interpolator, resample_direct.go: a table of a
// windowed sinc at 2048 phases, linear between phases, which leaves errors below
// -130 dB.
//
// Rejected: libswresample with its defaults (images of 20 kHz at -24 dB);
// polynomial interpolation of the samples (beep, -60 dB at 15 kHz).

// passbandHz is kept flat where the rates allow it.
const passbandHz = 20050

// Resampler converts a stream from one sample rate to another: signal to error
// at least 120 dB up to 20 kHz (or up to 0.9 of the lower Nyquist frequency),
// what would fold over at least 110 dB down, no delay. Not safe for concurrent
// use.
type Resampler struct {
	a, b     int64 // input samples per output sample, a/b
	channels int
	stage    stage // nil for equal rates
	taken    int64 // sample frames in
	given    int64 // sample frames out
}

// stage is one engine. Output is valid until its next call.
type stage interface {
	process(in [][]float32) [][]float32
	// flush feeds the silence after the end; what comes out may be too much.
	flush() [][]float32
}

// NewResampler returns a Resampler from one rate to another, both positive, for
// 1 or more channels. With equal rates samples pass unchanged.
func NewResampler(in, out media.SampleRate, channels int) *Resampler {
	if in <= 0 || out <= 0 || channels < 1 {
		panic(fmt.Sprintf("mix: resampler from %d to %d Hz, %d channels", in, out, channels))
	}
	r := &Resampler{channels: channels}
	r.a, r.b = ratio(int64(in), int64(out))
	if in == out {
		return r
	}
	if f := newFFTStage(int(in), int(out), channels); f != nil {
		r.stage = f
	} else {
		r.stage = newDirectStage(int64(in), int64(out), channels)
	}
	return r
}

// Process takes a run of input, one slice of equal length per channel, and
// returns the output that is ready, maybe none: one slice per channel, valid
// until the next call. Output sample k is the input at time k/out.
func (r *Resampler) Process(in [][]float32) [][]float32 {
	if len(in) != r.channels {
		panic(fmt.Sprintf("mix: resampler of %d channels given %d", r.channels, len(in)))
	}
	r.taken += int64(len(in[0]))
	if r.stage != nil {
		in = r.stage.process(in)
	}
	r.given += int64(len(in[0]))
	return in
}

// Flush returns the rest after the last input, valid until the next call.
// In all, ceil(n·out/in) sample frames come out for n that went in. The Resampler
// is spent.
func (r *Resampler) Flush() [][]float32 {
	out := make([][]float32, r.channels)
	if r.stage != nil {
		copy(out, r.stage.flush())
	}
	want := max(0, r.total()-r.given)
	for c := range out {
		if int64(len(out[c])) < want {
			out[c] = append(out[c], make([]float32, want-int64(len(out[c])))...)
		}
		out[c] = out[c][:want]
	}
	r.given += want
	return out
}

// total is the number of output frames for the input taken.
func (r *Resampler) total() int64 {
	k, rest := divMod(r.taken, r.b, r.a)
	if rest > 0 {
		k++
	}
	return k
}

func clone(b [][]float32) [][]float32 {
	out := make([][]float32, len(b))
	for c := range b {
		out[c] = append([]float32(nil), b[c]...)
	}
	return out
}

func appendBlocks(a, b [][]float32) [][]float32 {
	out := make([][]float32, len(a))
	for c := range a {
		out[c] = append(append([]float32(nil), a[c]...), b[c]...)
	}
	return out
}
