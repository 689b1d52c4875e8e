package mix

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// input is a stereo (or four-channel) sum in memory.
func input(ch ...[]float32) func() (Source, error) {
	return func() (Source, error) { return &memory{channels: ch}, nil }
}

func masterAll(t *testing.T, o MasterOptions, ins ...func() (Source, error)) (Mastered, [2][]float32) {
	t.Helper()
	src, _ := ins[0]()
	n := len(src.(*memory).channels[0])
	var out [2][]float32
	m, err := Master(context.Background(), ins, int64(n), o, func(s [][]float32) error {
		for c := range out {
			out[c] = append(out[c], s[c]...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out[0]) != n {
		t.Fatalf("%d samples out, want %d", len(out[0]), n)
	}
	return m, out
}

// programme is music-like material with a given crest: an octet, with claps.
func programme(clap float32) []float32 {
	x := octet()
	for k, v := range decay(2000, 9) {
		for _, at := range []int{20000, 90000, 91000, 150000, 230000} {
			x[at+k] += v * clap * 8
		}
	}
	return x
}

func TestMasterHitsTargetAndCeiling(t *testing.T) {
	for _, c := range []struct {
		name  string
		x     []float32
		scale float32
		o     MasterOptions
	}{
		{"choir", programme(0), 1, MasterOptions{Target: -16, Ceiling: -1}},
		{"choir, wet", programme(0), 1, MasterOptions{Wet: 0.2, Target: -16, Ceiling: -1}},
		{"quiet choir", programme(0), 0.01, MasterOptions{Target: -16, Ceiling: -1}},
		{"hot choir", programme(0), 20, MasterOptions{Room: "church", Wet: 0.5, Target: -16, Ceiling: -1}},
		{"claps", programme(1), 0.3, MasterOptions{Target: -16, Ceiling: -1}},
		{"claps, louder", programme(1), 0.3, MasterOptions{Target: -12, Ceiling: -2}},
		{"streaming level", programme(0.3), 0.3, MasterOptions{Target: -14, Ceiling: -1}},
		{"noise", choirNoise(3), 0.1, MasterOptions{Target: -10, Ceiling: -1}},
	} {
		x := append([]float32(nil), c.x...)
		for i := range x {
			x[i] *= c.scale
		}
		m, out := masterAll(t, c.o, input(x, x))
		target, ceiling := c.o.Target, c.o.Ceiling
		near(t, c.name+": loudness", float64(m.Integrated), float64(target), 0.2)
		check := NewMeter(48000, 2)
		check.Write(out[:])
		near(t, c.name+": reported loudness", float64(m.Integrated), float64(check.Integrated()), 1e-9)
		if p := check.TruePeak(); p > ceiling+0.1 || p != m.TruePeak {
			t.Errorf("%s: true peak %.2f dBTP (reported %.2f), ceiling %g", c.name, p, m.TruePeak, ceiling)
		}
		t.Logf("%-16s gain %+.2f dB, limiter %.2f dB, %.2f LUFS, %.2f dBTP, LRA %.1f", c.name, m.GainDB, m.LimitDB, m.Integrated, m.TruePeak, m.Range)
	}
}

// A target that the ceiling does not allow is not climbed after: the song is limited
// for what it gains by it and no further.
func TestMasterStopsClimbing(t *testing.T) {
	for name, x := range map[string][]float32{"choir": programme(0), "claps": programme(1), "noise": choirNoise(3)} {
		for _, ceiling := range []DBTP{-20, -26} {
			m, _ := masterAll(t, MasterOptions{Target: -16, Ceiling: ceiling}, input(x, x))
			if plain := float64(-16 - m.InputLUFS); m.GainDB > plain+maxPushDB || m.Integrated > -17 {
				t.Errorf("%s under %g dBTP: %.2f LUFS with a gain of %.1f dB, %.1f would do without a limiter", name, float64(ceiling), float64(m.Integrated), m.GainDB, plain)
			}
			if m.TruePeak > ceiling+0.1 {
				t.Errorf("%s: true peak %.2f dBTP, ceiling %g", name, float64(m.TruePeak), float64(ceiling))
			}
		}
	}
}

// Zero is a ceiling like another.
func TestMasterCeilingOfZero(t *testing.T) {
	x := programme(1)
	m, _ := masterAll(t, MasterOptions{Target: -6, Ceiling: 0}, input(x, x))
	if m.TruePeak < -0.5 || m.TruePeak > 0.1 {
		t.Errorf("true peak %.2f dBTP, want 0", float64(m.TruePeak))
	}
}

// A song too short for a gating block is levelled and limited as others are.
func TestMasterOfAMoment(t *testing.T) {
	for _, samples := range []int{600, 48000 * 3 / 10, 48000*4/10 - 1, 48000 * 4 / 10} {
		x := tone(samples, fs, 440, 4)
		m, out := masterAll(t, MasterOptions{Target: -16, Ceiling: -1}, input(x, x))
		if m.Silent || math.Abs(float64(m.Integrated)+16) > 0.3 || m.TruePeak > -0.9 {
			t.Errorf("%d samples: %+v", samples, m)
		}
		if samplePeak(out[0]) > 1 {
			t.Errorf("%d samples: peak %g", samples, samplePeak(out[0]))
		}
	}
	none := make([]float32, 4800)
	if m, _ := masterAll(t, MasterOptions{Target: -16, Ceiling: -1}, input(none, none)); !m.Silent || m.Integrated != FloorLUFS {
		t.Errorf("silence: %+v", m)
	}
}

// adversaries are signals made to get past a limiter.
func adversaries() map[string][]float32 {
	n := 3 * 48000
	out := map[string][]float32{}
	add := func(name string, f func(i int) float64) {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(f(i))
		}
		out[name] = x
	}
	add("full-scale square at fs/4, 45 degrees", func(i int) float64 { return []float64{1, 1, -1, -1}[i%4] })
	add("impulses", func(i int) float64 {
		if i%9600 == 4797 {
			return 1
		}
		return 0.01 * math.Sin(float64(i)*0.05)
	})
	add("alternating impulses", func(i int) float64 {
		switch i % 9601 {
		case 4799:
			return 1
		case 4800:
			return -1
		}
		return 0.02 * math.Sin(float64(i)*0.11)
	})
	add("burst out of silence", func(i int) float64 {
		if i < 60000 || i > 61000 {
			return 1e-5 * math.Sin(float64(i))
		}
		return 4 * math.Sin(float64(i)*1.9)
	})
	add("growing tone", func(i int) float64 { return math.Exp(float64(i)/2e4) * 0.01 * math.Sin(float64(i)*math.Pi/2+0.785) })
	add("peak at the first sample", func(i int) float64 { return math.Exp(-float64(i) / 3000) })
	add("peak at the last sample", func(i int) float64 { return math.Exp(-float64(n-1-i) / 3000) })
	r := hiss(make([]float32, n), 1, 77)
	add("white noise", func(i int) float64 { return float64(r[i]) })
	add("sparse noise", func(i int) float64 { return math.Pow(float64(r[i]), 7) * 0.01 })
	return out
}

func TestLimiterHolds(t *testing.T) {
	for name, x := range adversaries() {
		for _, target := range []LUFS{-16, -8} {
			y := make([]float32, len(x)) // the other channel sees something else
			for i := range y {
				y[i] = x[(i+777)%len(x)] * 0.3
			}
			m, _ := masterAll(t, MasterOptions{Target: target, Ceiling: -1}, input(x, y))
			if m.TruePeak > -1+0.1 {
				t.Errorf("%s at %g LUFS: %.3f dBTP, want -1 + 0.1", name, float64(target), float64(m.TruePeak))
			}
		}
	}
}

func TestLimiterIsGentle(t *testing.T) {
	for name, x := range adversaries() {
		meter := newHopMeter(int64(len(x)), -16, -1)
		meter.write([][]float32{x, x})
		table := meter.finish()
		red := table.reduction(12, -1)
		need := table.reduction(12, 400) // nothing to do
		for i, r := range red {
			if need[i] != 0 {
				t.Fatal("a reduction where nothing is over")
			}
			if i > 0 && math.Abs(float64(r-red[i-1])) > 1 {
				t.Fatalf("%s: %.2f dB in one ms at %d, want at most 1", name, r-red[i-1], i)
			}
			if r < 0 {
				t.Fatalf("%s: negative reduction", name)
			}
		}
	}
}

func TestLimiterLeavesQuietMusicAlone(t *testing.T) {
	x := programme(0)
	m, out := masterAll(t, MasterOptions{Target: -30, Ceiling: -1}, input(x, x))
	if m.LimitDB != 0 {
		t.Errorf("limited by %g dB with room to spare", m.LimitDB)
	}
	g := float32(GainOf(m.GainDB))
	for i := range x {
		if out[0][i] != x[i]*g {
			t.Fatalf("sample %d: not a plain gain", i)
		}
	}
}

func TestMasterSilence(t *testing.T) {
	nan := make([]float32, 96000)
	nan[5000], nan[6000] = float32(math.NaN()), float32(math.Inf(-1))
	for name, x := range map[string][]float32{
		"digital silence": make([]float32, 96000), "hiss": hiss(make([]float32, 96000), 2e-4, 1), "not a number": nan, "short": make([]float32, 10), "none": nil,
	} {
		for _, wet := range []float64{0, 0.3} {
			m, out := masterAll(t, MasterOptions{Wet: wet, Target: -16, Ceiling: -1}, input(x, x))
			if !m.Silent || m.GainDB != 0 {
				t.Errorf("%s: %+v", name, m)
			}
			for _, v := range []float64{float64(m.Integrated), float64(m.TruePeak), float64(m.InputLUFS), m.Range, m.LimitDB} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s: %+v", name, m)
				}
			}
			for i, v := range out[0] {
				if v-v != 0 || math.Abs(float64(v)) > 0.01 {
					t.Fatalf("%s: sample %d is %g", name, i, v)
				}
			}
		}
	}
}

// With Wet 0 nothing but one factor happens to the samples.
func TestMasterDryIsBitExact(t *testing.T) {
	x, y := programme(0), choirNoise(4)
	m, out := masterAll(t, MasterOptions{Target: -40, Ceiling: -1}, input(x, y))
	g := float32(GainOf(m.GainDB))
	for i := range x {
		if out[0][i] != x[i]*g || out[1][i] != y[i]*g {
			t.Fatalf("sample %d: %g %g, want %g %g", i, out[0][i], out[1][i], x[i]*g, y[i]*g)
		}
	}
}

func TestMasterSendAndStems(t *testing.T) {
	x, none := octet(), make([]float32, 6*48000)
	gather := func(ins ...func() (Source, error)) (dry, wet []float32) {
		_, _ = masterAll(t, MasterOptions{Wet: 0.25, Target: -16, Ceiling: -1, Stems: func(d, w [][]float32) error {
			dry, wet = append(dry, d[0]...), append(wet, w[0]...)
			return nil
		}}, ins...)
		return dry, wet
	}
	// A send of nothing leaves no reverb; a send equal to the dry sum is what two
	// channels give.
	_, wet := gather(input(x, x, none, none))
	if p := samplePeak(wet); p != 0 {
		t.Errorf("reverb of %g without a send", p)
	}
	d2, w2 := gather(input(x, x))
	d4, w4 := gather(input(x, x, x, x))
	dm, wm := gather(input(x, x), input(none, none, none, none))
	for i := range d2 {
		if d2[i] != d4[i] || w2[i] != w4[i] || dm[i] != d2[i] || wm[i] != w2[i] {
			t.Fatalf("sample %d differs between two and four channels", i)
		}
	}
	a, _ := mustRoom(t, "hall").wetDry(0.25)
	near(t, "dry stem", float64(d2[100000]), a*float64(x[100000]), 1e-7)
}

func mustRoom(t *testing.T, name string) *IR {
	ir, err := Room(name)
	if err != nil {
		t.Fatal(err)
	}
	return ir
}

// The way for long songs, which reads the input twice, gives the same bits as
// the way for short ones, which holds it.
func TestMasterTwiceIsTheSame(t *testing.T) {
	x := programme(0.5)
	o := MasterOptions{Wet: 0.2, Target: -16, Ceiling: -1}
	want, held := masterAll(t, o, input(x, x))
	p, err := newProgram([]func() (Source, error){input(x, x)}, int64(len(x)), o)
	if err != nil {
		t.Fatal(err)
	}
	for pass := range 2 {
		meter := newHopMeter(int64(len(x)), -16, -1)
		var again []float32
		if err := p.play(context.Background(), nil, func(_ int64, y [][]float32) error {
			meter.write(y)
			again = append(again, y[0]...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		_, red := meter.finish().solve(o.Target, o.Ceiling, want.InputLUFS)
		applyGain([][]float32{again}, 0, want.GainDB, red)
		for i := range again {
			if again[i] != held[0][i] {
				t.Fatalf("pass %d: sample %d differs", pass, i)
			}
		}
	}
}

func TestMasterErrors(t *testing.T) {
	ctx := context.Background()
	drop := func([][]float32) error { return nil }
	boom := errors.New("boom")
	x := make([]float32, 20000)
	closed := 0
	good := func() (Source, error) { return &memory{channels: [][]float32{x, x}, closed: &closed}, nil }
	for _, c := range []struct {
		want string
		run  func() error
	}{
		{"input 1: ", func() error {
			_, err := Master(ctx, []func() (Source, error){good, func() (Source, error) { return nil, boom }}, 20000, MasterOptions{Target: -16, Ceiling: -1}, drop)
			return err
		}},
		{"ends 1 sample frames early", func() error {
			_, err := Master(ctx, []func() (Source, error){good}, 20001, MasterOptions{Target: -16, Ceiling: -1}, drop)
			return err
		}},
		{"3 channels", func() error {
			_, err := Master(ctx, []func() (Source, error){input(x, x, x)}, 20000, MasterOptions{Target: -16, Ceiling: -1}, drop)
			return err
		}},
		{"boom", func() error {
			_, err := Master(ctx, []func() (Source, error){good}, 20000, MasterOptions{Target: -16, Ceiling: -1}, func([][]float32) error { return boom })
			return err
		}},
		{"wet share", func() error {
			_, err := Master(ctx, nil, 0, MasterOptions{Wet: 1.5, Target: -16, Ceiling: -1}, drop)
			return err
		}},
		{"wet share", func() error {
			_, err := Master(ctx, nil, 0, MasterOptions{Wet: math.NaN(), Target: -16, Ceiling: -1}, drop)
			return err
		}},
		{"target", func() error { _, err := Master(ctx, nil, 0, MasterOptions{Target: 3, Ceiling: -1}, drop); return err }},
		{"ceiling", func() error { _, err := Master(ctx, nil, 0, MasterOptions{Ceiling: 3, Target: -16}, drop); return err }},
		{`room "cave"`, func() error {
			_, err := Master(ctx, nil, 0, MasterOptions{Room: "cave", Wet: 0.1, Target: -16, Ceiling: -1}, drop)
			return err
		}},
	} {
		if err := c.run(); err == nil || !strings.HasPrefix(err.Error(), "master: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if closed != 3 {
		t.Errorf("inputs closed %d times, want 3", closed)
	}
	stopped, cancel := context.WithCancelCause(ctx)
	cancel(boom)
	if _, err := Master(stopped, []func() (Source, error){good}, 20000, MasterOptions{Target: -16, Ceiling: -1}, drop); !errors.Is(err, boom) {
		t.Errorf("cancelled: %v", err)
	}
}

func BenchmarkMaster(b *testing.B) {
	x := octet()
	for len(x) < 60*48000 {
		x = append(x, x...)
	}
	x = x[:60*48000]
	for _, wet := range []float64{0, 0.2} {
		b.Run(fmt.Sprintf("wet %g", wet), func(b *testing.B) {
			if _, err := Room("hall"); err != nil {
				b.Fatal(err)
			}
			reportCPU(b)
			for b.Loop() { // a stereo minute
				if _, err := Master(context.Background(), []func() (Source, error){input(x, x)}, int64(len(x)),
					MasterOptions{Wet: wet, Target: -16, Ceiling: -1}, func([][]float32) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Peaks passed over while the song was loud matter once it has turned out quiet:
// the song is measured again, and comes out as if nothing had been passed over.
func TestMasterMeasuresAgain(t *testing.T) {
	x := append(programme(0)[:48000], programme(1)...)
	for i := 48000; i < len(x); i++ {
		x[i] *= 0.15
	}
	fill := func(m *hopMeter) *hopMeter { m.write([][]float32{x, x}); return m }
	exact := newHopMeter(int64(len(x)), -16, -1)
	exact.fixed = true
	o := MasterOptions{Target: -12, Ceiling: -1}
	want, wantRed, err := decide(fill(exact), int64(len(x)), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	got, red, err := decide(fill(newHopMeter(int64(len(x)), o.Target, o.Ceiling)), int64(len(x)), o,
		func(each func(int64, [][]float32) error) error { times++; return each(0, [][]float32{x, x}) })
	if err != nil || times == 0 || times > 3 {
		t.Fatalf("measured again %d times: %v", times, err)
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for i := range wantRed {
		if red[i] != wantRed[i] {
			t.Fatalf("reduction at %d: %g, want %g", i, red[i], wantRed[i])
		}
	}
}

// A loud bass note is turned down as a whole: the curve does not follow its
// waveform, which would be distortion.
func TestLimiterDoesNotFollowTheWaveform(t *testing.T) {
	for _, f := range []float64{49, 82, 110, 440} {
		x := tone(3*48000, fs, f, 0.9)
		m := newHopMeter(int64(len(x)), -16, -1)
		m.write([][]float32{x, x})
		red := m.finish().reduction(6, -1)
		lo, hi := red[1000], red[1000]
		for _, r := range red[1000:2000] {
			lo, hi = min(lo, r), max(hi, r)
		}
		if lo < 5.9 || hi-lo > 0.05 {
			t.Errorf("%g Hz: reduction moves between %.3f and %.3f dB", f, lo, hi)
		}
	}
}
