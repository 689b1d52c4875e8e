package main

import (
	"io"
	"math"
	"math/rand/v2"

	"github.com/choirless/render/media"
)

const rate = float64(media.MixRate)

// voice makes seconds of something like singing: harmonics with vibrato, a note
// every half second, rests now and then.
func voice(seconds, f, level float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, int(seconds*rate))
	phase, pitch, gain := 0.0, f, 1.0
	for i := range x {
		if i%24000 == 0 {
			pitch = f * math.Pow(2, float64(r.IntN(8))/12)
			gain = level * (0.5 + r.Float64())
			if r.IntN(6) == 0 {
				gain = 0
			}
		}
		phase += 2 * math.Pi * pitch * (1 + 0.01*math.Sin(2*math.Pi*5.5*float64(i)/rate)) / rate
		s, c := math.Sincos(phase)
		v, before, now := 0.0, 0.0, s
		for h := 1; h <= 10; h++ {
			v += now / float64(h)
			before, now = now, 2*c*now-before
		}
		env := min(1, float64(i%24000)/1200, float64(24000-i%24000)/3600)
		x[i] = float32(v*env*gain) + float32(r.NormFloat64()*1e-4)
	}
	return x
}

// reverberation is decaying stereo noise of the given length.
func reverberation(n int) (l, r []float32) {
	g := rand.New(rand.NewPCG(9, 9))
	l, r = make([]float32, n), make([]float32, n)
	for i := range l {
		a := math.Pow(10, -3*float64(i)/float64(n)) * 0.02
		l[i], r[i] = float32(g.NormFloat64()*a), float32(g.NormFloat64()*a)
	}
	return l, r
}

// loop is a Source of any length over a few samples in memory: the decoder that
// costs nothing.
type loop struct {
	x    []float32
	left int64
	at   int64
}

func (l *loop) Read() (media.Block, error) {
	if l.left == 0 {
		return media.Block{}, io.EOF
	}
	from := int(l.at) % len(l.x)
	n := min(1024, len(l.x)-from, int(l.left))
	b := media.Block{Start: l.at, Rate: media.MixRate, Channels: [][]float32{l.x[from : from+n]}}
	l.at += int64(n)
	l.left -= int64(n)
	return b, nil
}

func (l *loop) Close() error { return nil }
