package align

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// When does a note begin? For a piano any rise of energy says so; for a choir
// it does not: consonants come before the beat, vowels swell, a legato changes
// only the pitch, and vibrato rises six times a second. So the strength of a
// beginning is learned: a small convolutional network looks at the two log
// spectra 140 ms either way and answers every 10 ms with the probability that a
// note begins there. What it was taught as "begins" is the perceptual centre,
// the half-rise of the vowel (see README.md, which also says on what it was
// trained and what it buys). It has 11 449 weights and costs 35 ms per minute
// of sound.
//
//	100 inputs → 24 per frame → 24 over 15 frames → 1 over 15 frames
const (
	netIn    = bands + pitches
	netWidth = 24
	netTaps  = 15
	// netUnit is the input scale: log levels in steps of 1/20 of a neper are
	// divided by netScale.
	netUnit  = 20
	netScale = 60
)

//go:embed onset.net
var netFile []byte

// network holds the weights, one row per output of a layer.
type network struct {
	w1, b1, w2, b2, w3 []float32
	b3                 float32
}

// onsetNet is read once; reading cannot fail as the file is part of the program.
var onsetNet = func() *network {
	const n1, n2 = netIn * netWidth, netTaps * netWidth * netWidth
	const total = n1 + netWidth + n2 + netWidth + netTaps*netWidth + 1
	if len(netFile) != 4*total {
		panic(fmt.Sprintf("align: onset.net has %d bytes, want %d", len(netFile), 4*total))
	}
	at := 0
	take := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(netFile[4*at:]))
			at++
		}
		return v
	}
	n := &network{}
	n.w1, n.b1 = transpose(take(n1), netIn, netWidth), take(netWidth)
	n.w2, n.b2 = transpose(take(n2), netTaps*netWidth, netWidth), take(netWidth)
	n.w3, n.b3 = take(netTaps*netWidth), take(1)[0]
	return n
}()

func transpose(w []float32, rows, cols int) []float32 {
	out := make([]float32, len(w))
	for i := range rows {
		for j := range cols {
			out[j*rows+i] = w[i*cols+j]
		}
	}
	return out
}

// run returns the probability per row of x, rows of netIn levels.
func (n *network) run(x []byte) []float32 {
	rows := len(x) / netIn
	const margin = 2 * (netTaps / 2) // silence on either side
	hidden := make([]float32, (rows+2*margin)*netWidth)
	row := make([]float32, netIn)
	for t := range rows + 2*margin {
		clear(row)
		if i := t - margin; i >= 0 && i < rows {
			for k, v := range x[i*netIn : (i+1)*netIn] {
				row[k] = float32(v) / netScale
			}
		}
		layer(hidden[t*netWidth:(t+1)*netWidth], row, n.w1, n.b1)
	}
	second := make([]float32, (rows+margin)*netWidth)
	for t := range rows + margin {
		layer(second[t*netWidth:(t+1)*netWidth], hidden[t*netWidth:(t+netTaps)*netWidth], n.w2, n.b2)
	}
	out := make([]float32, rows)
	for t := range out {
		z := n.b3 + dot(second[t*netWidth:], n.w3)
		out[t] = float32(1 / (1 + math.Exp(-float64(z))))
	}
	return out
}

// layer computes max(0, b + w·x) for every row of w; rows come in fours.
func layer(out, x, w, b []float32) {
	n := len(x)
	for j := 0; j+4 <= len(out); j += 4 {
		r := w[j*n : (j+4)*n]
		p, q, s, t := dot4(r[:n], r[n:2*n], r[2*n:3*n], r[3*n:], x)
		out[j], out[j+1], out[j+2], out[j+3] = max(0, b[j]+p), max(0, b[j+1]+q), max(0, b[j+2]+s), max(0, b[j+3]+t)
	}
}

// netInput returns rows of levels, every 10 ms.
func netInput(mel, pitch levels) []byte {
	out := make([]byte, len(mel[0])*netIn)
	for c, l := range slices.Concat(mel, pitch) {
		at := out[c:]
		for i, v := range l {
			at[i*netIn] = byte(min(v*netUnit+0.5, 255))
		}
	}
	return out
}
