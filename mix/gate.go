package mix

import (
	"math"
	"sort"

	"github.com/choirless/render/media"
)

// The gate keeps twenty open microphones from adding up to a waterfall in the
// bars where nobody sings. It is music-safe because two things must agree before
// it closes: the backing rests, and the voice is no louder than its own noise. A
// singer who sings on through a rest is heard, and noise while the backing plays
// stays, where it is masked. It is open 30 ms before a note, holds 250 ms after
// one, moves over 110 ms and never closes further than GateDepthDB, so that a
// mistake is a softer breath and not a hole.
//
// Levels are taken on a grid of 10 ms of part time. What is above the open
// threshold sounds; what is below the close threshold does not; in between, what
// was decided last counts, so that a noise that wanders does not make the gate
// flutter, and where nothing was decided for a second the gate stays open. The
// gain depends on a bounded stretch of part time: reading may begin anywhere.

const (
	// GateDepthDB is how far the gate lowers a voice.
	GateDepthDB = 18

	gateHop        = 480
	gateBefore     = 8   // hops opened ahead of a note, gateSmooth of them the way up
	gateHold       = 25  // hops
	gateSmooth     = 5   // hops on either side
	gateMemory     = 100 // hops that a decision counts
	gateOpenDB     = 9   // over its noise a voice sounds
	gateHysteresis = 4   // dB; noise differs by less from hop to hop
	gateBelowDB    = 15  // below its loudness a voice sounds, whatever its noise
	gateSilentDB   = 40  // below its loudness nothing is worth hearing
	gateChunk      = 128 * gateHop

	// gatePast is how many hops before one its gain depends on.
	gatePast = gateHold + gateSmooth + 1 + gateMemory
)

// GateThreshold returns the level in dBFS RMS above which a part of that level
// sounds: well above its noise, but never so high that soft singing is below it.
func GateThreshold(l media.Level) float64 {
	return min(max(l.NoiseDB+gateOpenDB, l.LUFS-gateSilentDB), l.LUFS-gateBelowDB)
}

type gate struct {
	open, close float64 // mean squares
	rests       []Span
	song        func(int64) int64
	closed      float32
}

func newGate(t track, c Cleanup, songTime func(int64) int64) track {
	g := &gate{
		open: math.Pow(10, c.GateDB/10), close: math.Pow(10, (c.GateDB-gateHysteresis)/10),
		rests: c.Rests, song: songTime, closed: float32(GainOf(-GateDepthDB)),
	}
	return &chunkTrack{
		in: t, chunk: gateChunk,
		before: gatePast * gateHop, after: (gateBefore + gateSmooth + 2) * gateHop,
		process: g.process,
	}
}

func (g *gate) process(at int64, in, out [][]float32) {
	first := at - gatePast*gateHop
	if !g.nearRest(g.song(first), g.song(first+int64(len(in[0])))) {
		for c := range out {
			copy(out[c], in[c][gatePast*gateHop:])
		}
		return
	}
	open := g.decide(first, in)
	hops := len(open)
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
		a, b := smooth(gatePast+h), smooth(gatePast+h+1)
		for c := range out {
			x, y := in[c][(gatePast+h)*gateHop:][:gateHop], out[c][h*gateHop:][:gateHop]
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

// decide returns for every hop of in, which begins at part time from, whether it
// must be heard. The first gateMemory of them are not to be relied on.
func (g *gate) decide(from int64, in [][]float32) []bool {
	open := make([]bool, len(in[0])/gateHop)
	last := -gateMemory - 1 // hop of the last decision by level
	for h := range open {
		e := 0.0
		for c := range in {
			for _, v := range in[c][h*gateHop:][:gateHop] {
				e += float64(v) * float64(v)
			}
		}
		e /= float64(gateHop * len(in))
		sounds := true
		switch {
		case e > g.open:
			last = h
		case e <= g.close:
			sounds, last = false, h
		case h-last <= gateMemory:
			sounds = open[h-1] // which is as the last decision was
		}
		open[h] = sounds
	}
	for h := range open {
		at := from + int64(h)*gateHop
		open[h] = open[h] || !g.inRest(g.song(at), g.song(at+gateHop))
	}
	return open
}

// nearRest reports whether a rest overlaps from..to of song time.
func (g *gate) nearRest(from, to int64) bool {
	i := sort.Search(len(g.rests), func(i int) bool { return g.rests[i].To > from })
	return i < len(g.rests) && g.rests[i].From < to
}

// inRest reports whether from..to lies inside one rest.
func (g *gate) inRest(from, to int64) bool {
	i := sort.Search(len(g.rests), func(i int) bool { return g.rests[i].To >= to })
	return i < len(g.rests) && g.rests[i].From <= from
}
