package mix

import (
	"math"
	"testing"

	"github.com/choirless/render/media"
)

// cleaned runs a mono part through a voice with the given clean-up, gain 1.
func cleaned(t *testing.T, x []float32, c Cleanup) []float32 {
	t.Helper()
	v := voiceOf(x)
	v.Gain, v.Cleanup = unity, c
	dry, _ := sumAll(t, []Voice{v}, int64(len(x)))
	return dry[0]
}

func TestHighPass(t *testing.T) {
	for _, c := range []struct{ f, lo, hi float64 }{
		{10, -200, -50}, {20, -200, -30}, {45, -6.5, -5.5}, {73, -0.1, 0.1}, {100, -0.01, 0.01}, {1000, -0.001, 0.001}, {15000, -0.001, 0.001},
	} {
		y := cleaned(t, tone(96000, fs, c.f, 0.5), Cleanup{HighPass: true})
		_, gain, phase := toneSNR(y, c.f/fs)
		if gain += 6.0206; gain < c.lo || gain > c.hi {
			t.Errorf("%g Hz: %.3f dB, want %g to %g", c.f, gain, c.lo, c.hi)
		}
		if c.f > 45 && math.Abs(phase) > 1e-3 {
			t.Errorf("%g Hz: phase turned by %g", c.f, phase)
		}
	}
}

func TestGate(t *testing.T) {
	// 2 s of singing, 3 s of rest, 2 s of singing, over hiss at -50 dBFS.
	x := append(append(sung(2, 220, 0.1, 1), make([]float32, 3*48000)...), sung(2, 330, 0.1, 2)...)
	x = hiss(x, GainOf(-50), 3)
	rms := func(x []float32) float64 {
		e := 0.0
		for _, v := range x {
			e += float64(v) * float64(v)
		}
		return 10 * math.Log10(e/float64(len(x)))
	}
	rest := Span{100000, 230000}
	for _, c := range []struct {
		name string
		c    Cleanup
		want float64 // dB of change in the middle of the rest
	}{
		{"alone", Cleanup{Gate: true, NoiseDB: -50}, -GateDepthDB},
		{"with the backing's rest", Cleanup{Gate: true, NoiseDB: -50, Rests: []Span{rest}}, -GateDepthDB},
		{"while the backing plays", Cleanup{Gate: true, NoiseDB: -50, Rests: []Span{{0, 1000}}}, 0},
		{"noise above the threshold", Cleanup{Gate: true, NoiseDB: -70}, 0},
	} {
		y := cleaned(t, x, c.c)
		near(t, c.name+": rest", rms(y[130000:220000])-rms(x[130000:220000]), c.want, 0.1)
		// The singing, its onset and its release are untouched.
		for _, s := range []Span{{1000, 96000}, {240000, 335000}} {
			for i := s.From; i < s.To; i++ {
				if d := math.Abs(float64(y[i] - x[i])); d > 1e-6 {
					t.Fatalf("%s: singing changed by %g at %d", c.name, d, i)
				}
			}
		}
	}
}

func TestDeClick(t *testing.T) {
	clean := sung(2, 147, 0.1, 5)
	y := cleaned(t, clean, Cleanup{DeClick: true})
	for i := 480; i < len(y)-480; i++ {
		if math.Abs(float64(y[i]-clean[i])) > 1e-6 {
			t.Fatalf("a clean voice is changed at %d by %g", i, y[i]-clean[i])
		}
	}
	second := func(x []float32, from, to int) float32 {
		m := float32(0)
		for i := from; i < to; i++ {
			m = max(m, abs32(x[i-1]-2*x[i]+x[i+1]))
		}
		return m
	}
	usual := second(clean, 40000, 60000)
	// A single wrong sample, two of them, a step, a gap of silence.
	for name, harm := range map[string]func(x []float32){
		"one sample": func(x []float32) { x[50000] = 0.9 },
		"three":      func(x []float32) { x[50000], x[50001], x[50002] = 0.9, -0.9, 0.5 },
		"step":       func(x []float32) { copy(x[50000:], x[50037:50037+30000]) },
		"silence":    func(x []float32) { clear(x[50000:55000]) },
		"dc": func(x []float32) {
			for i := 50000; i < 90000; i++ {
				x[i] += 0.2
			}
		},
	} {
		x := append([]float32(nil), clean...)
		harm(x)
		before := second(x, 49900, 50100)
		y := cleaned(t, x, Cleanup{DeClick: true})
		after := second(y, 49900, 50100)
		if before > 2*usual && after > 1.5*usual+0.003 {
			t.Errorf("%s: second difference %.4f, repaired %.4f, usual %.4f", name, before, after, usual)
		}
		for i := range y {
			if (i < 49900 || i > 50400) && i > 480 && i < 48000 && math.Abs(float64(y[i]-x[i])) > 1e-6 {
				t.Fatalf("%s: changed far away, at %d", name, i)
			}
		}
	}
}

func TestRests(t *testing.T) {
	m := NewLevelMeter(media.MixRate)
	x := append(append(sung(3, 220, 0.1, 1), make([]float32, 2*48000)...), sung(3, 220, 0.1, 2)...)
	x = append(x, make([]float32, 48000*3/2)...)
	m.Write(media.Block{Rate: media.MixRate, Channels: [][]float32{hiss(x, GainOf(-60), 1)}})
	got := m.Rests()
	if len(got) != 2 {
		t.Fatalf("%v, want two rests", got)
	}
	for i, want := range []Span{{3 * 48000, 5 * 48000}, {8 * 48000, 8*48000 + 72000}} {
		near(t, "from", float64(got[i].From)/fs, float64(want.From)/fs, 0.2)
		near(t, "to", float64(got[i].To)/fs, float64(want.To)/fs, 0.2)
	}
}

func TestParseCleanup(t *testing.T) {
	c, err := ParseCleanup([]string{"gate", "highpass"})
	if err != nil || !c.Gate || !c.HighPass || c.DeClick {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := ParseCleanup([]string{"gate", "autotune"}); err == nil {
		t.Error("autotune was accepted")
	}
}
