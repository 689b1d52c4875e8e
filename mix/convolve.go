package mix

import (
	"fmt"

	"github.com/choirless/render/mix/fft"
)

// Uniformly partitioned convolution (T. G. Stockham 1966; G. García, AES 113,
// 2002), overlap-save. The impulse response is cut into partitions of B
// samples, each transformed once at 2B points. Every block of B input samples
// is transformed once and kept in a ring; an output block is the sum of the
// products of the last P input spectra with the P partition spectra,
// transformed back, of which the second half is valid.
//
// Partitions of growing size (Gardner) buy low delay at a price; here nobody
// waits for the first sample, so B is simply as large as the caches like.
//
// Error: float32 through two transforms and P products, about 5e-7 of the
// output's own level; the tests hold it to 1e-5 of full scale against direct
// sums in float64.

// ConvolveBlock is the partition size that a master uses: about the optimum
// from 1 s to 5 s of response, flat from half of it to double.
const ConvolveBlock = 16384

const convolveTile = 1024 // bins

// Convolver convolves a stream of any number of channels, each with a response
// of its own. Not safe for concurrent use.
type Convolver struct {
	b    int
	plan *fft.Real
	ch   []convolverChannel
	// scratch
	yr, yi, y []float32
}

type convolverChannel struct {
	h      []spectrum // partitions of the response, times 1/B; may be shared
	x      []spectrum // ring of input spectra
	at     int        // where the latest is
	window []float32  // the last block and this one
	out    []float32
}

type spectrum struct{ re, im []float32 }

// partitions cuts a response into blocks of b and transforms each at 2b points.
// They are only read afterwards, so that convolvers may share them.
func partitions(response []float32, b int) []spectrum {
	plan := fft.NewReal(2 * b)
	y := make([]float32, 2*b)
	var parts []spectrum
	for at := 0; at < max(1, len(response)); at += b {
		clear(y)
		for i, v := range response[min(at, len(response)):min(at+b, len(response))] {
			y[i] = v / float32(b)
		}
		s := spectrum{make([]float32, plan.Bins()), make([]float32, plan.Bins())}
		plan.Forward(y, s.re, s.im)
		parts = append(parts, s)
	}
	return parts
}

// NewConvolver returns a Convolver for one response per channel, with blocks of
// b sample frames, a power of two of 2 or more.
func NewConvolver(responses [][]float32, b int) *Convolver {
	if b < 2 || b&(b-1) != 0 {
		panic(fmt.Sprintf("mix: convolver block %d, want a power of two", b))
	}
	channels := make([][]spectrum, len(responses))
	for i, h := range responses {
		channels[i] = partitions(h, b)
	}
	return newConvolver(channels, b)
}

func newConvolver(channels [][]spectrum, b int) *Convolver {
	c := &Convolver{b: b, plan: fft.NewReal(2 * b), y: make([]float32, 2*b)}
	n := c.plan.Bins()
	c.yr, c.yi = make([]float32, n), make([]float32, n)
	for _, h := range channels {
		ch := convolverChannel{h: h, window: make([]float32, 2*b), out: make([]float32, b)}
		for range h {
			ch.x = append(ch.x, spectrum{make([]float32, n), make([]float32, n)})
		}
		c.ch = append(c.ch, ch)
	}
	return c
}

// Block returns the number of sample frames that Process takes.
func (c *Convolver) Block() int { return c.b }

// Process takes exactly Block sample frames and returns as many, without delay,
// valid until the next call. Feed silence to hear the tail.
func (c *Convolver) Process(in [][]float32) [][]float32 {
	if len(in) != len(c.ch) || len(in[0]) != c.b {
		panic(fmt.Sprintf("mix: convolver given %d channels of %d, want %d of %d", len(in), len(in[0]), len(c.ch), c.b))
	}
	out := make([][]float32, len(in))
	for i := range c.ch {
		out[i] = c.channel(&c.ch[i], in[i])
	}
	return out
}

func (c *Convolver) channel(ch *convolverChannel, in []float32) []float32 {
	b, p := c.b, len(ch.h)
	copy(ch.window, ch.window[b:])
	copy(ch.window[b:], in)
	ch.at = (ch.at + 1) % p
	x := ch.x[ch.at]
	c.plan.Forward(ch.window, x.re, x.im)
	clear(c.yr)
	clear(c.yi)
	// Tile by tile, so that the sum stays in the first-level cache while the
	// spectra stream past.
	for lo := 0; lo < len(c.yr); lo += convolveTile {
		hi := min(lo+convolveTile, len(c.yr))
		yr, yi := c.yr[lo:hi], c.yi[lo:hi]
		for k, h := range ch.h {
			x := ch.x[(ch.at-k+p)%p]
			fft.MulAdd(yr, yi, x.re[lo:hi], x.im[lo:hi], h.re[lo:hi], h.im[lo:hi])
		}
	}
	c.plan.Inverse(c.yr, c.yi, c.y)
	copy(ch.out, c.y[b:])
	return ch.out
}
