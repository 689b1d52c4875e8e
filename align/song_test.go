package align

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/choirless/render/media"
)

// Synthetic songs for the tests: a plucked reference and sung parts, computed
// from formulas at any moment in time, so that a shift is exact.

const testRate = 16000

// tone is a note: when it begins and ends, in seconds of song time, and its pitch.
type tone struct {
	at, end float64
	midi    int
}

// melody returns about as many notes as fit, rests and held notes between them.
func melody(seed uint64, low int, seconds float64) []tone {
	r := rand.New(rand.NewPCG(seed, 1))
	scale := []int{0, 2, 4, 5, 7, 9, 11, 12}
	beats := []float64{0.3, 0.6, 0.6, 0.6, 0.9, 1.2, 1.8}
	var out []tone
	for t := 1.5; t < seconds-2; {
		d := beats[r.IntN(len(beats))]
		if r.IntN(7) > 0 {
			out = append(out, tone{t, t + 0.95*d, low + scale[r.IntN(len(scale))]})
		}
		t += d
	}
	return out
}

// slower returns the same notes at another tempo.
func slower(notes []tone, by float64) []tone {
	out := make([]tone, len(notes))
	for i, n := range notes {
		out[i] = tone{n.at * by, n.end * by, n.midi}
	}
	return out
}

// human moves every note by a scatter of mean zero, spread in seconds.
func human(notes []tone, seed uint64, spread float64) []tone {
	r := rand.New(rand.NewPCG(seed, 2))
	move := make([]float64, len(notes))
	mean := 0.0
	for i := range move {
		move[i] = r.NormFloat64() * spread
		mean += move[i] / float64(len(move))
	}
	out := make([]tone, len(notes))
	for i, n := range notes {
		out[i] = tone{n.at + move[i] - mean, n.end + move[i] - mean, n.midi}
	}
	return out
}

// sound is a function of song time in seconds.
type sound func(x []float64, notes []tone, first float64, rate float64)

// plucked adds decaying harmonics, as of a piano, and the knock of the hammer:
// partials without a pitch, up to 7 kHz, gone after 50 ms.
func plucked(x []float64, notes []tone, first, rate float64) {
	for _, n := range notes {
		f := 440 * math.Exp2(float64(n.midi-69)/12)
		each(x, first, rate, n.at, n.end+0.3, func(t float64) float64 {
			e := math.Exp(-(t-n.at)*3) * (1 - math.Exp(-(t-n.at)/0.002))
			if t > n.end {
				e *= 1 - (t-n.end)/0.3
			}
			v := 0.0
			for h := 1.0; h <= 6; h++ {
				v += math.Sin(2*math.Pi*f*h*(t-n.at)) / h
			}
			return 0.2 * e * v
		})
		each(x, first, rate, n.at, n.at+0.15, func(t float64) float64 {
			v := 0.0
			for k := range 24 {
				v += math.Sin(2*math.Pi*(700+261.7*float64(k)+float64(n.midi*k%50))*(t-n.at) + float64(k*k))
			}
			return 0.02 * v * math.Exp(-(t-n.at)*40) * (1 - math.Exp(-(t-n.at)/0.001))
		})
	}
}

// sung adds harmonics with vibrato and an attack of 60 ms, half-way at the note.
func sung(x []float64, notes []tone, first, rate float64) {
	for i, n := range notes {
		f := 440 * math.Exp2(float64(n.midi-69)/12)
		bright := 0.5 + 0.4*math.Sin(float64(3*i))
		each(x, first, rate, n.at-0.03, n.end+0.1, func(t float64) float64 {
			e := 0.5 - 0.5*math.Cos(math.Pi*min((t-n.at+0.03)/0.06, 1))
			if t > n.end {
				e *= 0.5 + 0.5*math.Cos(math.Pi*(t-n.end)/0.1)
			}
			p := 2 * math.Pi * f * (t - n.at - 0.01/(2*math.Pi*5.5)*math.Cos(2*math.Pi*5.5*t))
			v := 0.0
			for h := 1.0; h <= 14 && f*h < 7000; h++ {
				form := math.Exp(-math.Pow((f*h-600)/400, 2)) + bright*math.Exp(-math.Pow((f*h-1500)/500, 2)) + 0.2*math.Exp(-math.Pow((f*h-2900)/500, 2))
				v += form / math.Sqrt(h) * math.Sin(h*p)
			}
			return 0.2 * e * v
		})
	}
}

// spoken adds a voice that reads aloud: three to seven syllables a second in uneven
// time, a pitch that never rests on a note but glides down to the end of every
// phrase, resonances that change with every syllable, hisses, breaths between.
func spoken(x []float64, seed uint64, rate float64) {
	r := rand.New(rand.NewPCG(seed, 4))
	end := float64(len(x)) / rate
	phase, hiss := 0.0, 0.0
	for t := 0.4; t < end-1; t += 0.25 + 0.5*r.Float64() {
		top := 110 + 40*r.Float64()
		for left := 4 + r.IntN(10); left > 0 && t < end-1; left-- {
			length := 0.14 + 0.2*r.Float64()
			first, second, loud := 300+500*r.Float64(), 900+1400*r.Float64(), 0.5+r.Float64()
			from, to := top*(1+0.15*r.NormFloat64()), top*(0.85+0.15*r.NormFloat64())
			top *= 0.97
			noisy := r.IntN(3) == 0
			each(x, 0, rate, t, t+length, func(at float64) float64 {
				u := (at - t) / length
				f := from + (to-from)*u
				phase += 2 * math.Pi * f / rate
				v := 0.0
				for h := 1.0; h <= 30 && f*h < 7000; h++ {
					form := math.Exp(-math.Pow((f*h-first)/200, 2)) + 0.6*math.Exp(-math.Pow((f*h-second)/250, 2)) + 0.1
					v += form / math.Sqrt(h) * math.Sin(h*phase)
				}
				v *= math.Sin(math.Pi * math.Sqrt(u))
				if noisy && u < 0.4 {
					hiss = r.NormFloat64() - 0.7*hiss
					v += 0.5 * hiss * math.Sin(math.Pi*u/0.4)
				}
				return 0.2 * loud * v
			})
			t += length * (0.9 + 0.2*r.Float64())
		}
	}
}

func each(x []float64, first, rate, from, to float64, f func(t float64) float64) {
	a := max(int(math.Ceil((from-first)*rate)), 0)
	for i := a; i < len(x); i++ {
		t := first + float64(i)/rate
		if t > to {
			break
		}
		x[i] += f(t)
	}
}

// record returns a recording in which song time 0 falls at offset seconds of the
// file, made by a clock that runs ppm fast, with a room's noise at −48 dBFS.
func record(s sound, notes []tone, seconds, offset, ppm float64, noise uint64) []float32 {
	return recordIn(s, notes, seconds, offset, ppm, noise, 0.004)
}

// recordIn is record with noise of a given level, full scale 1.
func recordIn(s sound, notes []tone, seconds, offset, ppm float64, noise uint64, level float64) []float32 {
	rate := testRate * (1 + ppm*1e-6)
	x := make([]float64, int(seconds*testRate))
	s(x, notes, -offset/(1+ppm*1e-6), rate)
	r := rand.New(rand.NewPCG(noise, 3))
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v + level*r.NormFloat64())
	}
	return out
}

// add mixes y, times gain, into x.
func add(x, y []float32, gain float32) []float32 {
	out := make([]float32, len(x))
	for i := range x {
		out[i] = x[i]
		if i < len(y) {
			out[i] += gain * y[i]
		}
	}
	return out
}

func extracted(t testing.TB, x []float32) *Features {
	t.Helper()
	return extractedAt(t, x, testRate, 4096)
}

func extractedAt(t testing.TB, x []float32, rate media.SampleRate, block int) *Features {
	t.Helper()
	e := NewExtractor(rate)
	for len(x) > block {
		e.Write(x[:block])
		x = x[block:]
	}
	e.Write(x)
	f, err := e.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func pairOf(t testing.TB, ref, part *Features) Result {
	t.Helper()
	r, err := Pair(t.Context(), ref, part, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// near fails unless got is within tol of want, all in ms.
func near(t testing.TB, what string, got media.Offset, want, tol float64) {
	t.Helper()
	if d := got.MS() - want; math.Abs(d) > tol {
		t.Errorf("%s: offset %.3f ms, want %.3f ±%.2f", what, got.MS(), want, tol)
	}
}
