package main

import (
	"math"
	"math/rand/v2"
)

// The sung voice: harmonics of a gliding, trembling pitch, each as loud as the
// resonances of the vowel make it, with breath and hisses. Formant tables are those
// printed in the Csound manual (appendix "Formant Values"): centre Hz, level dB,
// bandwidth Hz.

const rate = 48000

type formant struct{ hz, db, width float64 }

var formants = [4]map[byte][5]formant{
	Soprano: {
		'a': {{800, 0, 80}, {1150, -6, 90}, {2900, -32, 120}, {3900, -20, 130}, {4950, -50, 140}},
		'e': {{350, 0, 60}, {2000, -20, 100}, {2800, -15, 120}, {3600, -40, 150}, {4950, -56, 200}},
		'i': {{270, 0, 60}, {2140, -12, 90}, {2950, -26, 100}, {3900, -26, 120}, {4950, -44, 120}},
		'o': {{450, 0, 70}, {800, -11, 80}, {2830, -22, 100}, {3800, -22, 130}, {4950, -50, 135}},
		'u': {{325, 0, 50}, {700, -16, 60}, {2700, -35, 170}, {3800, -40, 180}, {4950, -60, 200}},
	},
	Alto: {
		'a': {{800, 0, 80}, {1150, -4, 90}, {2800, -20, 120}, {3500, -36, 130}, {4950, -60, 140}},
		'e': {{400, 0, 60}, {1600, -24, 80}, {2700, -30, 120}, {3300, -35, 150}, {4950, -60, 200}},
		'i': {{350, 0, 50}, {1700, -20, 100}, {2700, -30, 120}, {3700, -36, 150}, {4950, -60, 200}},
		'o': {{450, 0, 70}, {800, -9, 80}, {2830, -16, 100}, {3500, -28, 130}, {4950, -55, 135}},
		'u': {{325, 0, 50}, {700, -12, 60}, {2530, -30, 170}, {3500, -40, 180}, {4950, -64, 200}},
	},
	Tenor: {
		'a': {{650, 0, 80}, {1080, -6, 90}, {2650, -7, 120}, {2900, -8, 130}, {3250, -22, 140}},
		'e': {{400, 0, 70}, {1700, -14, 80}, {2600, -12, 100}, {3200, -14, 120}, {3580, -20, 120}},
		'i': {{290, 0, 40}, {1870, -15, 90}, {2800, -18, 100}, {3250, -20, 120}, {3540, -30, 120}},
		'o': {{400, 0, 40}, {800, -10, 80}, {2600, -12, 100}, {2800, -12, 120}, {3000, -26, 120}},
		'u': {{350, 0, 40}, {600, -20, 60}, {2700, -17, 100}, {2900, -14, 120}, {3300, -26, 120}},
	},
	Bass: {
		'a': {{600, 0, 60}, {1040, -7, 70}, {2250, -9, 110}, {2450, -9, 120}, {2750, -20, 130}},
		'e': {{400, 0, 40}, {1620, -12, 80}, {2400, -9, 100}, {2800, -12, 120}, {3100, -18, 120}},
		'i': {{250, 0, 60}, {1750, -30, 90}, {2600, -16, 100}, {3050, -22, 120}, {3340, -28, 120}},
		'o': {{400, 0, 40}, {750, -11, 80}, {2400, -21, 100}, {2600, -20, 120}, {2900, -40, 120}},
		'u': {{350, 0, 40}, {600, -20, 80}, {2400, -32, 100}, {2675, -28, 120}, {2950, -36, 120}},
	},
}

// Singer is how one person sings.
type Singer struct {
	Voice       Voice
	Cents       float64 // off pitch, hundredths of a semitone
	VibratoHz   float64
	VibratoCent float64
	Breath      float64 // linear, of the voice's level
	Size        float64 // of the vocal tract: 1 as in the table, less is smaller
	Dull        float64 // Hz at which the microphone begins to lose highs
	Notes       []Note  // with the singer's own timing
}

// attackSeconds is how long a note takes to rise. Its half-rise, where the envelope
// changes fastest, is at its start: that is where a model of the perceptual centre of
// a syllable puts it (JASA 155, 2698, 2024), near the onset of the vowel, and what a
// singer puts on the beat.
const attackSeconds = 0.07

// newSinger draws a singer. The notes' onsets scatter by about jitter seconds around
// the score; their mean is on it, so that the part's offset means what it says.
func newSinger(r *rand.Rand, v Voice, end, jitter float64) Singer {
	s := Singer{
		Voice: v, Cents: r.NormFloat64() * 5,
		VibratoHz: 4.9 + r.Float64(), VibratoCent: 12 + 22*r.Float64(),
		Breath: 0.004 + 0.012*r.Float64(), Size: 0.96 + 0.09*r.Float64(),
		Dull: 5000 + 5000*r.Float64(), Notes: line(v, end),
	}
	shift := make([]float64, len(s.Notes))
	mean := 0.0
	for i := range shift {
		shift[i] = max(-2.5, min(2.5, r.NormFloat64())) * jitter
		mean += shift[i] / float64(len(shift))
	}
	for i := range s.Notes {
		s.Notes[i].Start += shift[i] - mean
		s.Notes[i].End += shift[i] - mean
		if i > 0 && s.Notes[i-1].End > s.Notes[i].Start-0.02 {
			s.Notes[i-1].End = s.Notes[i].Start - 0.02
		}
	}
	return s
}

// maxHarmonics bounds the work: above 40 the voices have nothing left.
const maxHarmonics = 40

// control is how many samples share one set of harmonic levels, ramped in between.
const control = 96

// Sing returns the voice in song time, peak about 1. clock is how much longer the
// recording's seconds are than the song's: 1 + drift.
func (s *Singer) Sing(r *rand.Rand, seconds, clock float64) []float32 {
	n := int(seconds * rate)
	out := make([]float32, n)
	var level, step [maxHarmonics + 1]float64
	phase, wander, breath := 0.0, 0.0, 0.0
	note := 0
	for at := 0; at < n; at += control {
		t := float64(at) / rate / clock
		for note < len(s.Notes)-1 && t >= s.Notes[note+1].Start-0.06 {
			note++
		}
		env := s.envelope(note, t)
		wander += 0.06*r.NormFloat64() - 0.02*wander
		hz := s.pitch(note, t, wander) / clock
		want := s.harmonics(note, t, hz, env)
		for k := range want {
			step[k] = (want[k] - level[k]) / control
		}
		for i := at; i < min(at+control, n); i++ {
			phase += 2 * math.Pi * hz / rate
			sin, cos := math.Sincos(phase)
			// sin(k x) = 2 cos x sin((k-1) x) - sin((k-2) x)
			two, before, now, sum := 2*cos, 0.0, sin, 0.0
			for k := 1; k <= maxHarmonics; k++ {
				level[k] += step[k]
				sum += level[k] * now
				now, before = two*now-before, now
			}
			breath += 0.35 * (r.Float64() - 0.5 - breath)
			out[i] = float32(sum + env*s.Breath*6*breath)
		}
		phase = math.Mod(phase, 2*math.Pi)
	}
	s.hisses(r, out, clock)
	lowpass(out, s.Dull)
	normalize(out, 0.9)
	return out
}

// harmonics is how loud each harmonic of hz is at t. A trained ear evens out most of
// what a pitch gains by lying on a resonance.
func (s *Singer) harmonics(note int, t, hz, env float64) (level [maxHarmonics + 1]float64) {
	if env == 0 {
		return level
	}
	power := 0.0
	for k := 1; k <= min(maxHarmonics, int(7000/hz)); k++ {
		level[k] = s.resonance(note, t, float64(k)*hz) / math.Sqrt(float64(k))
		power += level[k] * level[k]
	}
	even := env * math.Pow(power, -0.35)
	for k := range level {
		level[k] *= even
	}
	return level
}

// envelope is the loudness at t: of the note, or of what still sounds of the one
// before it. Between two notes the voice sinks and rises again, as round a consonant,
// but is never cut off: a cut within a few samples is a click that no singer makes.
func (s *Singer) envelope(note int, t float64) float64 {
	if len(s.Notes) == 0 {
		return 0
	}
	env := s.Notes[note].envelope(t)
	if note > 0 {
		env = max(env, s.Notes[note-1].envelope(t))
	}
	return env
}

// envelope is the loudness of one note: a soft attack, a slight swell, a release.
func (n Note) envelope(t float64) float64 {
	attack := smooth((t-n.Start)/attackSeconds + 0.5)
	release := smooth((n.End + 0.05 - t) / 0.09)
	swell := 0.82 + 0.18*math.Sin(math.Pi*max(0, min(1, (t-n.Start)/(n.End-n.Start))))
	return attack * release * swell
}

// pitch in Hz: glides from the note before, trembles once the note has settled.
func (s *Singer) pitch(note int, t, wander float64) float64 {
	if len(s.Notes) == 0 {
		return 220
	}
	n := s.Notes[note]
	p := float64(n.Pitch)
	if note > 0 && !n.First {
		p += (float64(s.Notes[note-1].Pitch) - p) * (1 - smooth((t-n.Start+0.05)/0.09))
	} else {
		p -= 0.7 * (1 - smooth((t-n.Start+0.02)/0.1)) // a scoop into the first note
	}
	tremble := smooth((t - n.Start - 0.15) / 0.3)
	cents := s.Cents + wander*4 + tremble*s.VibratoCent*math.Sin(2*math.Pi*s.VibratoHz*t)
	return 440 * math.Exp2((p-69)/12+cents/1200)
}

// resonance is the gain of the vocal tract at f, sliding from vowel to vowel.
func (s *Singer) resonance(note int, t, f float64) float64 {
	n := s.Notes[note]
	g := tract(formants[s.Voice][n.Vowel], f, s.Size)
	if note > 0 && !n.First {
		if mixed := smooth((t - n.Start + 0.04) / 0.1); mixed < 1 {
			g = mixed*g + (1-mixed)*tract(formants[s.Voice][s.Notes[note-1].Vowel], f, s.Size)
		}
	}
	return g
}

func tract(fs [5]formant, f, size float64) float64 {
	sum := 0.02
	for _, r := range fs {
		// Twice the table's width: between two harmonics of a high voice a narrow
		// resonance would be lost.
		d := (f - r.hz/size) / r.width
		sum += math.Pow(10, r.db/20) / (1 + d*d)
	}
	return sum
}

// hisses adds the consonants that carry the rhythm.
func (s *Singer) hisses(r *rand.Rand, out []float32, clock float64) {
	for _, n := range s.Notes {
		if !n.Hiss {
			continue
		}
		first := int((n.Start - 0.075) * clock * rate)
		length := int(0.085 * rate)
		band, low := 0.0, 0.0
		for i := range length {
			at := first + i
			if at < 0 || at >= len(out) {
				continue
			}
			x := r.Float64() - 0.5
			low += 0.35 * (x - low) // high-pass at about 3 kHz
			band += 0.6 * (x - low - band)
			e := math.Sin(math.Pi * float64(i) / float64(length))
			out[at] += float32(1.3 * band * e * e)
		}
	}
}

// smooth is a step from 0 to 1 over x in 0..1 without corners.
func smooth(x float64) float64 {
	x = max(0, min(1, x))
	return x * x * (3 - 2*x)
}

func lowpass(x []float32, hz float64) {
	a := float32(1 - math.Exp(-2*math.Pi*hz/rate))
	var y, z float32
	for i, v := range x {
		y += a * (v - y)
		z += a * (y - z)
		x[i] = z
	}
}

func normalize(x []float32, peak float32) {
	var m float32
	for _, v := range x {
		m = max(m, v, -v)
	}
	if m == 0 {
		return
	}
	for i := range x {
		x[i] *= peak / m
	}
}
