package mix

import (
	"math"
	"testing"
	"time"

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

func rmsDB(x []float32) float64 {
	e := 0.0
	for _, v := range x {
		e += float64(v) * float64(v)
	}
	return 10 * math.Log10(e/float64(len(x)))
}

func identical(t *testing.T, name string, got, want []float32, spans ...Span) {
	t.Helper()
	for _, s := range spans {
		for i := s.From; i < s.To; i++ {
			if got[i] != want[i] {
				t.Fatalf("%s: sample %d is %g, want %g bit for bit", name, i, got[i], want[i])
			}
		}
	}
}

func TestGate(t *testing.T) {
	// 2 s of singing, 3 s of rest, 2 s of singing, over hiss at -50 dBFS.
	x := append(append(sung(2, 220, 0.1, 1), make([]float32, 3*48000)...), sung(2, 330, 0.1, 2)...)
	x = hiss(x, GainOf(-50), 3)
	rest := []Span{{97000, 239000}}
	at := GateThreshold(media.Level{LUFS: -24, NoiseDB: -50})
	for _, c := range []struct {
		name string
		c    Cleanup
		want float64 // dB of change in the middle of the rest
	}{
		{"in the backing's rest", Cleanup{Gate: true, GateDB: at, Rests: rest}, -GateDepthDB},
		{"over a rest before and after", Cleanup{Gate: true, GateDB: at, Rests: []Span{{0, 1000}, rest[0], {300000, 400000}}}, -GateDepthDB},
		{"while the backing plays", Cleanup{Gate: true, GateDB: at, Rests: []Span{{0, 1000}}}, 0},
		{"with no rest known", Cleanup{Gate: true, GateDB: at}, 0},
		{"noise above the threshold", Cleanup{Gate: true, GateDB: -60, Rests: rest}, 0},
		{"off", Cleanup{GateDB: at, Rests: rest}, 0},
	} {
		y := cleaned(t, x, c.c)
		// The singing, its onset and its release are what they were.
		identical(t, c.name, y, x, Span{FadeSamples, 97000 + 9500}, Span{239040 - 1440, int64(len(x)) - FadeSamples})
		change := rmsDB(y[130000:220000]) - rmsDB(x[130000:220000])
		near(t, c.name, change, c.want, 0.01)
		if c.want == 0 {
			identical(t, c.name, y, x, Span{FadeSamples, int64(len(x)) - FadeSamples})
		}
		for i := 101000; i < 238000; i++ { // no step: 110 ms from open to closed
			if x[i] == 0 || x[i-1] == 0 {
				continue
			}
			if g0, g1 := y[i-1]/x[i-1], y[i]/x[i]; math.Abs(float64(g1-g0)) > 1./(0.1*48000) {
				t.Fatalf("%s: the gain steps from %g to %g at %d", c.name, g0, g1, i)
			}
		}
	}
}

// Who sings while the backing rests is heard, softly as it may be.
func TestGateLeavesSinging(t *testing.T) {
	x := hiss(append(append(make([]float32, 2*48000), sung(2, 220, 0.012, 1)...), make([]float32, 2*48000)...), GainOf(-70), 3)
	y := cleaned(t, x, Cleanup{Gate: true, GateDB: GateThreshold(media.Level{LUFS: -40, NoiseDB: -70}), Rests: []Span{{0, 300000}}})
	identical(t, "sung over a rest", y, x, Span{2*48000 - 1440, 4*48000 + 4800})
	near(t, "before it", rmsDB(y[20000:80000])-rmsDB(x[20000:80000]), -GateDepthDB, 0.01)
	near(t, "after it", rmsDB(y[220000:280000])-rmsDB(x[220000:280000]), -GateDepthDB, 0.01)
}

// A noise that wanders between the two thresholds does not make the gate flutter.
func TestGateHysteresis(t *testing.T) {
	const at = -60.
	x := make([]float32, 10*48000)
	noise := hiss(x, 1, 4)
	for i := range x {
		// -68 dB to begin with, then around -62 (between -64 and -60) twice a second,
		// at 5 s a note, and between again.
		db := -62 + 1.2*math.Sin(2*math.Pi*2*float64(i)/fs)
		switch s := float64(i) / fs; {
		case s < 1:
			db = -68
		case s > 5 && s < 5.5:
			db = -40
		}
		x[i] = noise[i] * float32(GainOf(db))
	}
	y := cleaned(t, x, Cleanup{Gate: true, GateDB: at, Rests: []Span{{0, 480000}}})
	gain := func(s float64) float64 { i := int(s * fs); return DBOf(float64(y[i] / x[i])) }
	near(t, "closed by what was below", gain(0.7), -GateDepthDB, 0.01)
	near(t, "still closed half a second into the middle", gain(1.5), -GateDepthDB, 0.01)
	near(t, "nothing decided for long: open", gain(4), 0, 0)
	near(t, "open after the note", gain(6), 0, 0)
}

// The gain at a sample does not depend on where mixing began.
func TestGateInSegments(t *testing.T) {
	x := hiss(append(append(sung(3, 220, 0.1, 1), make([]float32, 4*48000)...), sung(2, 330, 0.03, 2)...), GainOf(-55), 3)
	v := voiceOf(x)
	v.Cleanup = Cleanup{Gate: true, HighPass: true, DeClick: true, GateDB: -46, Rests: []Span{{140000, 340000}}}
	v.Offset = media.OffsetMS(-213.7)
	n := int64(len(x)) + 20000
	whole, _ := sumAll(t, []Voice{v}, n)
	for from := int64(0); from < n; from += 77777 {
		to := min(n, from+77777)
		at := from
		err := SumRange(t.Context(), []Voice{v}, Span{from, to}, n, func(dry, _ [][]float32) error {
			for i, s := range dry[0] {
				if s != whole[0][at+int64(i)] {
					t.Fatalf("sample %d is %g mixed from %d, %g mixed whole", at+int64(i), s, from, whole[0][at+int64(i)])
				}
			}
			at += int64(len(dry[0]))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestGateThreshold(t *testing.T) {
	for _, c := range []struct {
		l    media.Level
		want float64
	}{
		{media.Level{LUFS: -20, NoiseDB: -60}, -51},
		{media.Level{LUFS: -20, NoiseDB: -25}, -35}, // so noisy that noise must not decide
		{media.Level{LUFS: -20, NoiseDB: -120}, -60},
	} {
		near(t, "threshold", GateThreshold(c.l), c.want, 1e-9)
	}
	v := voiceOf(make([]float32, 100))
	v.Cleanup = Cleanup{Gate: true}
	if err := Sum(t.Context(), []Voice{v}, 100, func(_, _ [][]float32) error { return nil }); err == nil {
		t.Error("a gate without a level was accepted")
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
	x = append(x, make([]float32, 48000*3/2+2400)...)
	m.Write(media.Block{Rate: media.MixRate, Channels: [][]float32{hiss(x, GainOf(-60), 1)}})
	got := m.Rests()
	if len(got) != 2 {
		t.Fatalf("%v, want two rests", got)
	}
	for i, want := range [][2]float64{{3, 5}, {8, 9.5}} {
		near(t, "from", got[i].From.Seconds(), want[0], 0.2)
		near(t, "to", got[i].To.Seconds(), want[1], 0.2)
	}
	near(t, "end", got[1].To.Seconds(), 9.55, 1e-9)
	m = NewLevelMeter(media.MixRate)
	m.Write(media.Block{Rate: media.MixRate, Channels: [][]float32{hiss(make([]float32, 3*48000), GainOf(-90), 1)}})
	if got := m.Rests(); len(got) != 1 || got[0] != (media.Span{To: 3 * time.Second}) {
		t.Errorf("a silent part rests in %v, want throughout", got)
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
