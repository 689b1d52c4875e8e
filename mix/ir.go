package mix

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix/fft"
	"github.com/mewkiz/flac"
)

// IR is a stereo impulse response at media.MixRate. It is calibrated: a choir
// through it is as loud as the choir itself, by K-weighting, so that rooms can
// be exchanged without touching a fader. Safe for concurrent use, never changed.
type IR struct {
	// Name is what errors and reports call it.
	Name string

	response [2][]float32
	// overlap is how much of the response is the dry signal over again, at no
	// delay: the K-weighted correlation of dry and wet, -1..1. Nearly 0 for
	// rooms without direct sound.
	overlap float64

	once  sync.Once
	parts [][]spectrum // of the response, for masterConvolver
}

// Tail returns how many sample frames outlast the input.
func (r *IR) Tail() int { return len(r.response[0]) }

// Response returns the calibrated left and right response, to be read only.
func (r *IR) Response() (left, right []float32) { return r.response[0], r.response[1] }

func (r *IR) responses() [][]float32 { return r.response[:] }

// masterConvolver returns a Convolver for masters. Transforming the response costs
// as much as some seconds of sound, and the rooms are used for every song: it is
// done once.
func (r *IR) masterConvolver() *Convolver {
	r.once.Do(func() {
		for _, h := range r.response {
			r.parts = append(r.parts, partitions(h, ConvolveBlock))
		}
	})
	return newConvolver(r.parts, ConvolveBlock)
}

// Bounds of a person's own response.
const (
	irMaxSeconds = 12 // what is longer is faded out there
	irMaxInput   = 60 // seconds that are read at all
	irMinRate    = 8000
	irMaxRate    = 192000
	irFloorDB    = -100
)

// ReadIR reads a person's own impulse response, WAV or FLAC, of 8 to 192 kHz, mono
// or stereo (of more channels the first two). It is resampled, cut to begin at
// the direct sound, cut at its end where nothing is left (or after 12 s), and
// calibrated. name appears in errors and reports.
func ReadIR(name string, r io.Reader) (*IR, error) {
	ch, rate, err := readSamples(r)
	if err != nil {
		return nil, fmt.Errorf("impulse response %q: %w", name, err)
	}
	if rate < irMinRate || rate > irMaxRate {
		return nil, fmt.Errorf("impulse response %q: rate %d Hz, want %d to %d", name, rate, irMinRate, irMaxRate)
	}
	if len(ch) == 1 {
		ch = append(ch, ch[0])
	}
	ch = ch[:2]
	rs := NewResampler(rate, media.MixRate, 2)
	head := clone(rs.Process(ch))
	ch = appendBlocks(head, rs.Flush())
	ch, err = trimResponse(ch)
	if err != nil {
		return nil, fmt.Errorf("impulse response %q: %w", name, err)
	}
	return calibrate(name, ch[0], ch[1]), nil
}

// trimResponse cuts a response to begin at its direct sound: the first local
// peak within 6 dB of the largest.
func trimResponse(ch [][]float32) ([][]float32, error) {
	peak := max(samplePeak(ch[0]), samplePeak(ch[1]))
	if peak < 1e-6 {
		return nil, errors.New("silent")
	}
	at := func(i int) float32 { return max(abs32(ch[0][i]), abs32(ch[1][i])) }
	n := len(ch[0])
	start := 0
	for start < n-1 && at(start) < peak/2 {
		start++
	}
	for start < n-1 && at(start+1) > at(start) {
		start++
	}
	end := min(n, start+irMaxSeconds*int(media.MixRate))
	floor := peak * float32(GainOf(irFloorDB))
	for end > start+1 && at(end-1) < floor {
		end--
	}
	fade := min(end-start-1, int(media.MixRate)/20)
	if end == n {
		fade = 0 // it ends by itself
	}
	out := make([][]float32, 2)
	for c := range out {
		out[c] = append([]float32(nil), ch[c][start:end]...)
		for i := range fade {
			out[c][len(out[c])-1-i] *= float32(i) / float32(fade)
		}
	}
	return out, nil
}

// readSamples reads a whole WAV or FLAC file.
func readSamples(r io.Reader) ([][]float32, media.SampleRate, error) {
	br := bufio.NewReader(r)
	magic, err := br.Peek(4)
	if err != nil {
		return nil, 0, errors.New("shorter than four bytes")
	}
	if string(magic) == "fLaC" {
		return readFLAC(br)
	}
	w, err := OpenWAV(br)
	if err != nil {
		return nil, 0, err
	}
	out := make([][]float32, w.Channels())
	for len(out[0]) < irMaxInput*int(w.Rate()) {
		b, err := w.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		for c := range out {
			out[c] = append(out[c], b.Channels[c]...)
		}
	}
	return out, w.Rate(), nil
}

func readFLAC(r io.Reader) ([][]float32, media.SampleRate, error) {
	s, err := flac.New(r)
	if err != nil {
		return nil, 0, fmt.Errorf("flac: %w", err)
	}
	rate := media.SampleRate(s.Info.SampleRate)
	if rate < 1 || rate > wavMaxRate || s.Info.NChannels < 1 {
		return nil, 0, fmt.Errorf("flac: %d channels at %d Hz", s.Info.NChannels, rate)
	}
	out := make([][]float32, s.Info.NChannels)
	scale := float32(math.Ldexp(1, 1-int(s.Info.BitsPerSample)))
	for len(out[0]) < irMaxInput*int(rate) {
		f, err := s.ParseNext()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("flac: %w", err)
		}
		if len(f.Subframes) != len(out) {
			return nil, 0, errors.New("flac: the number of channels changes")
		}
		for c, sub := range f.Subframes {
			for _, v := range sub.Samples {
				out[c] = append(out[c], float32(v)*scale)
			}
		}
	}
	if len(out[0]) == 0 {
		return nil, 0, errors.New("flac: no samples")
	}
	return out, rate, nil
}

// choirSpectrum is the power of a singing choir at f Hz, up to a factor: rising
// below 150 Hz, level to 700 Hz, then falling by 9 dB an octave (long-term
// spectra of choirs: S. Ternström, "Hearing myself with others", 1989, fig. 3,
// roughly).
func choirSpectrum(f float64) float64 {
	low := f * f / (f*f + 150*150)
	return low / math.Pow(1+f*f/(700*700), 1.5)
}

// calibrate scales a response so that a choir's K-weighted power is the same
// behind it as in front of it, and measures its overlap with the dry signal.
func calibrate(name string, left, right []float32) *IR {
	n := 2
	for n < 2*len(left) {
		n *= 2
	}
	plan := fft.NewReal(n)
	rate := float64(media.MixRate)
	shelf, high := shelf1770(rate), highpass1770(rate)
	re, im, x := make([]float32, plan.Bins()), make([]float32, plan.Bins()), make([]float32, n)
	var dry, wet, cross float64
	for _, h := range [][]float32{left, right} {
		clear(x)
		copy(x, h)
		plan.Forward(x, re, im)
		for k := 1; k < plan.Bins()-1; k++ {
			f := float64(k) * rate / float64(n)
			w := 2 * math.Pi * f / rate
			s := choirSpectrum(f) * shelf.powerAt(w) * high.powerAt(w)
			a, b := float64(re[k]), float64(im[k])
			dry, wet, cross = dry+s, wet+s*(a*a+b*b), cross+s*a
		}
	}
	// The gain is rounded to a hundredth of a decibel, so that the last bits of
	// a transform do not reach the response.
	db := math.Round(100*10*math.Log10(dry/wet)) / 100
	gain := exactExp(mul(db, math.Ln10/20))
	ir := &IR{Name: name, overlap: math.Round(1000*cross/dry*gain) / 1000}
	for c, h := range [][]float32{left, right} {
		ir.response[c] = make([]float32, len(h))
		for i, v := range h {
			ir.response[c][i] = float32(float64(v) * gain)
		}
	}
	return ir
}

// wetDry returns the factors of the dry and of the wet signal for a wet share
// of the energy, such that the sum is as loud as the dry signal alone:
//
//	(a·dry + b·wet)/√(a² + b² + 2ab·overlap), a = √(1-share), b = √share.
//
// Share 0 gives exactly 1 and 0.
func (r *IR) wetDry(share float64) (dry, wet float64) {
	if share <= 0 {
		return 1, 0
	}
	a, b := math.Sqrt(1-share), math.Sqrt(share)
	norm := math.Sqrt(max(0.05, 1+2*a*b*r.overlap))
	return a / norm, b / norm
}
