package mix

import (
	"math"
	"sort"
)

// The gate keeps twenty open microphones from adding up to a waterfall in the
// bars where nobody sings. It is music-safe because two things must agree before
// it closes: the voice is no louder than its own noise, and, when the rests of
// the backing are known, the backing rests too. It opens 50 ms before a note,
// holds 250 ms after one, moves over 110 ms and never closes further than
// GateDepthDB, so that a mistake is a softer breath and not a hole.
//
// Levels are taken on a grid of 10 ms of part time, and the gain depends on a
// bounded stretch of it: reading may begin anywhere.

const (
	// GateDepthDB is how far the gate lowers a voice.
	GateDepthDB = 18

	gateHop       = 480
	gateBefore    = 5  // hops opened ahead of a note
	gateHold      = 25 // hops
	gateSmooth    = 5  // hops on either side
	gateAboveDB   = 6  // over the noise counts as singing
	gateDefaultDB = -56
	gateChunk     = 16 * gateHop
)

type gate struct {
	threshold float64 // mean square
	rests     []Span
	song      func(int64) int64
	closed    float32
}

func newGate(t track, c Cleanup, songTime func(int64) int64) track {
	noise := c.NoiseDB
	if noise == 0 {
		noise = gateDefaultDB
	}
	g := &gate{
		threshold: math.Pow(10, (noise+gateAboveDB)/10), rests: c.Rests, song: songTime,
		closed: float32(GainOf(-GateDepthDB)),
	}
	return &chunkTrack{
		in: t, chunk: gateChunk,
		before: (gateHold + gateSmooth + 1) * gateHop, after: (gateBefore + gateSmooth + 2) * gateHop,
		process: g.process,
	}
}

func (g *gate) process(at int64, in, out [][]float32) {
	const before = gateHold + gateSmooth + 1
	hops := len(in[0]) / gateHop
	open := make([]bool, hops)
	for h := range open {
		open[h] = g.sounds(at+int64(h-before)*gateHop, in, h*gateHop)
	}
	// target of a hop: 1 if any hop within hold before or look-ahead after is open
	gain := make([]float32, hops)
	for h := range gain {
		gain[h] = g.closed
		for j := max(0, h-gateHold); j <= min(hops-1, h+gateBefore); j++ {
			if open[j] {
				gain[h] = 1
				break
			}
		}
	}
	smooth := func(h int) float32 {
		sum := float32(0)
		for j := h - gateSmooth; j <= h+gateSmooth; j++ {
			sum += gain[j]
		}
		return sum / (2*gateSmooth + 1)
	}
	for h := 0; h < gateChunk/gateHop; h++ {
		// Values belong to the beginnings of hops, and run linearly between.
		a, b := smooth(before+h), smooth(before+h+1)
		for c := range out {
			x, y := in[c][(before+h)*gateHop:][:gateHop], out[c][h*gateHop:][:gateHop]
			if a == b && a == 1 {
				copy(y, x)
				continue
			}
			for i, v := range x {
				y[i] = v * (a + (b-a)*float32(i)/gateHop)
			}
		}
	}
}

// sounds reports whether the hop at part time at, which is at in[..][i], must
// be heard.
func (g *gate) sounds(at int64, in [][]float32, i int) bool {
	if g.rests != nil && !g.inRest(g.song(at), g.song(at+gateHop)) {
		return true
	}
	for c := range in {
		e := 0.0
		for _, v := range in[c][i : i+gateHop] {
			e += float64(v) * float64(v)
		}
		if e > g.threshold*gateHop {
			return true
		}
	}
	return false
}

// inRest reports whether from..to lies inside one rest.
func (g *gate) inRest(from, to int64) bool {
	i := sort.Search(len(g.rests), func(i int) bool { return g.rests[i].To >= to })
	return i < len(g.rests) && g.rests[i].From <= from
}
