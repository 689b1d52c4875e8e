package mix

import (
	"math"
	"testing"
)

// decay makes a response of noise that falls 60 dB over its length, with unit
// energy, like a room's.
func decay(n int, seed uint64) []float32 {
	x := hiss(make([]float32, n), 1, seed)
	e := 0.0
	for i := range x {
		x[i] *= float32(math.Pow(10, -3*float64(i)/float64(n)))
		e += float64(x[i]) * float64(x[i])
	}
	for i := range x {
		x[i] /= float32(math.Sqrt(e))
	}
	return x
}

func direct(x, h []float32, at int) float64 {
	s := 0.0
	for j, v := range h {
		if i := at - j; i >= 0 && i < len(x) {
			s += float64(v) * float64(x[i])
		}
	}
	return s
}

// convolveAll runs x through c and returns its output while x lasts plus tail.
func convolveAll(c *Convolver, x [][]float32, tail int) [][]float32 {
	out := make([][]float32, len(x))
	n := len(x[0]) + tail
	for at := 0; at < n; at += c.Block() {
		in := make([][]float32, len(x))
		for ch := range x {
			in[ch] = make([]float32, c.Block())
			if at < len(x[ch]) {
				copy(in[ch], x[ch][at:])
			}
		}
		for ch, y := range c.Process(in) {
			out[ch] = append(out[ch], y...)
		}
	}
	return out
}

func TestConvolverAgainstDirectSums(t *testing.T) {
	for _, c := range []struct{ b, response, signal int }{
		{2, 1, 10}, {2, 7, 33}, {64, 64, 500}, {64, 65, 500}, {256, 1000, 3000}, {1024, 0, 2000}, {16384, 96000, 150000},
	} {
		hl, hr := decay(c.response, 1), decay(c.response, 2)
		l, r := hiss(make([]float32, c.signal), 0.3, 3), hiss(make([]float32, c.signal), 0.3, 4)
		got := convolveAll(NewConvolver([][]float32{hl, hr}, c.b), [][]float32{l, r}, c.response)
		step := max(1, (c.signal+c.response)/400)
		for at := 0; at < c.signal+c.response; at += step {
			for ch, want := range []float64{direct(l, hl, at), direct(r, hr, at)} {
				if d := math.Abs(float64(got[ch][at]) - want); d > 1e-5 {
					t.Fatalf("%+v: channel %d sample %d off by %g, want 1e-5 of full scale", c, ch, at, d)
				}
			}
		}
	}
}

func BenchmarkConvolver(b *testing.B) {
	ir := [][]float32{decay(96000, 1), decay(96000, 2)}
	in := [][]float32{hiss(make([]float32, ConvolveBlock), 0.1, 1), hiss(make([]float32, ConvolveBlock), 0.1, 2)}
	reportCPU(b)
	for b.Loop() { // a stereo minute, 2 s of response
		c := NewConvolver(ir, ConvolveBlock)
		for n := 0; n < 60*48000+96000; n += ConvolveBlock {
			c.Process(in)
		}
	}
}
