package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A voice that is cut off within a few milliseconds clicks, which no singer does and
// which may be taken for the beginning of a note.
func TestVoicesAreNeverCutOff(t *testing.T) {
	const step = 0.002
	const steepest = 1.5 * step / attackSeconds // of a smooth rise
	for v := Soprano; v <= Bass; v++ {
		s := newSinger(rand.New(rand.NewPCG(5, uint64(v))), v, 60, 0.025)
		note, before := 0, 0.0
		for at := 0.0; at < 61; at += step {
			for note < len(s.Notes)-1 && at >= s.Notes[note+1].Start-0.06 {
				note++
			}
			env := s.envelope(note, at)
			if math.Abs(env-before) > 1.1*steepest {
				t.Fatalf("%v: loudness goes from %.2f to %.2f in 2 ms at %.3f s, note %d", v, before, env, at, note)
			}
			before = env
		}
	}
}

// The perceptual centre of a note, its half-rise, is its start.
func TestHalfRiseIsOnTheBeat(t *testing.T) {
	s := newSinger(rand.New(rand.NewPCG(6, 0)), Alto, 30, 0)
	beats := line(Alto, 30)
	for i, n := range s.Notes {
		if d := math.Abs(n.Start - beats[i].Start); d > 1e-9 {
			t.Fatalf("note %d begins %.4f s off the beat", i, d)
		}
		full := n.envelope(n.Start + attackSeconds)
		if got := n.envelope(n.Start) / full; math.Abs(got-0.5) > 0.06 { // the swell adds a little
			t.Errorf("note %d: %.2f of its loudness on the beat, want half", i, got)
		}
	}
}
