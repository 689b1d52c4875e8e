package mix

import "github.com/choirless/render/media"

// Resampler converts a stream from one sample rate to another.
type Resampler struct{}

// NewResampler returns a Resampler from one rate to another.
func NewResampler(in, out media.SampleRate, channels int) *Resampler {
	return NewResamplerRatio(in, out, 0, channels)
}

// NewResamplerRatio is NewResampler for a source whose clock runs ppm parts per
// million fast: its nominal rate in is really in·(1+ppm/1e6).
func NewResamplerRatio(in, out media.SampleRate, ppm float64, channels int) *Resampler {
	panic("unfinished")
}

// Process takes a run of input and returns the output that is ready, maybe
// none: one slice per channel, valid until the next call. Output sample k is
// the input at time k/out.
func (r *Resampler) Process(in [][]float32) [][]float32 { panic("unfinished") }

// Flush returns the rest after the last input, valid until the next call.
// In all, ceil(n·out/in) sample frames come out for n that went in.
func (r *Resampler) Flush() [][]float32 { panic("unfinished") }
