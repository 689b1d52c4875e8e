package mix

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

// partials are amplitudes that fall by 9 dB an octave.
var partials = func() (a [12]float64) {
	for h := range a {
		a[h] = math.Pow(float64(h+1), -1.5)
	}
	return a
}()

// sung makes seconds of something like a voice: harmonics of f falling 9 dB per
// octave, vibrato, a note every half second with a short gap. RMS about rms.
func sung(seconds, f, rms float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	x := make([]float32, int(seconds*fs))
	phase, pitch := 0.0, f
	var e float64
	for i := range x {
		t := float64(i) / fs
		if i%24000 == 0 {
			pitch = f * math.Pow(2, float64(r.IntN(8))/12)
		}
		phase += 2 * math.Pi * pitch * (1 + 0.01*math.Sin(2*math.Pi*5.5*t)) / fs
		env := math.Min(1, math.Min(float64(i%24000)/1200, float64(24000-i%24000)/3600))
		// sin(h·phase) by Chebyshev's recurrence.
		s, c := math.Sincos(phase)
		v, before, now := 0.0, 0.0, s
		for _, a := range partials {
			v += now * a
			before, now = now, 2*c*now-before
		}
		x[i] = float32(v * env)
		e += v * v * env * env
	}
	g := float32(rms / math.Sqrt(e/float64(len(x))))
	for i := range x {
		x[i] *= g
	}
	return x
}

// hiss adds white noise of the given RMS.
func hiss(x []float32, rms float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 9))
	for i := range x {
		x[i] += float32(r.NormFloat64() * rms)
	}
	return x
}

func levelOf(ch ...[]float32) media.Level {
	m := NewLevelMeter(media.MixRate)
	for at := 0; at < len(ch[0]); at += 1000 {
		b := media.Block{Rate: media.MixRate}
		for _, x := range ch {
			b.Channels = append(b.Channels, x[at:min(at+1000, len(x))])
		}
		m.Write(b)
	}
	return m.Level()
}

func TestLevelCountsSingingOnly(t *testing.T) {
	voice := sung(20, 220, 0.1, 1)
	all := levelOf(hiss(append([]float32(nil), voice...), 1e-4, 1))
	// The same 20 s inside three minutes of room noise at -50, -45, -40 dBFS.
	for _, db := range []float64{-80, -50, -45, -40} {
		long := make([]float32, 180*48000)
		copy(long[70*48000:], voice)
		l := levelOf(hiss(long, GainOf(db), 2))
		near(t, "rests of noise", l.LUFS, all.LUFS, 0.5)
		near(t, "noise", l.NoiseDB, db, 1)
	}
}

// A part that plays softly for most of the time between its loud notes is not
// noisy: its noise is what is left in its rests.
func TestLevelSoftNotesAreNoNoise(t *testing.T) {
	x := append(sung(8, 220, 0.1, 1), tone(8*48000, fs, 660, 0.05)...)
	x = append(append(x, make([]float32, 3*48000)...), sung(4, 220, 0.1, 3)...)
	x = hiss(append(x, make([]float32, 2*48000)...), GainOf(-80), 4)
	l := levelOf(x)
	near(t, "noise", l.NoiseDB, -80, 1)
	m := NewMeter(media.MixRate, 1)
	m.Write([][]float32{x})
	near(t, "level against integrated loudness", l.LUFS, float64(m.Integrated()), 0.3)
	if f := Faults(l); f != nil {
		t.Errorf("%q", f)
	}
}

func TestLevelStereoAsMono(t *testing.T) {
	x := sung(5, 330, 0.05, 3)
	mono, stereo := levelOf(x), levelOf(x, x)
	near(t, "stereo against mono", stereo.LUFS, mono.LUFS, 0.001)
}

func TestLevelFaults(t *testing.T) {
	voice := sung(10, 220, 0.1, 4)
	if f := Faults(levelOf(voice)); f != nil {
		t.Errorf("clean voice: %q", f)
	}
	loud := make([]float32, len(voice))
	for i, v := range voice {
		loud[i] = max(-1, min(1, v*12))
	}
	silent := make([]float32, 48000*3)
	noisy := hiss(append(append([]float32(nil), voice...), make([]float32, 48000*10)...), GainOf(-32), 5)
	for _, c := range []struct {
		name string
		x    []float32
		word string
	}{{"clipped", loud, "clipped"}, {"silent", silent, "silent"}, {"dust", hiss(silent, 1e-5, 1), "silent"}, {"noisy", noisy, "noisy"}} {
		l := levelOf(c.x)
		if f := strings.Join(Faults(l), "; "); !strings.HasPrefix(f, c.word) {
			t.Errorf("%s: %q (%+v)", c.name, f, l)
		}
	}
}

func TestLevelOfNothing(t *testing.T) {
	want := media.Level{LUFS: -70, PeakDB: -120, NoiseDB: -120, Silent: true}
	if l := NewLevelMeter(48000).Level(); l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
	if l := levelOf(make([]float32, 100)); l != want {
		t.Errorf("silence: %+v, want %+v", l, want)
	}
	short := levelOf(tone(2000, 48000, 997, 0.5))
	if short.Silent || math.Abs(short.PeakDB+6.02) > 0.1 {
		t.Errorf("42 ms of tone: %+v", short)
	}
}

func TestFoldDown(t *testing.T) {
	one := func(n, ch int, v float32) media.Block {
		b := media.Block{Rate: 48000, Start: 7, Channels: make([][]float32, ch)}
		for c := range b.Channels {
			b.Channels[c] = make([]float32, n)
			for i := range b.Channels[c] {
				b.Channels[c][i] = v
			}
		}
		return b
	}
	for _, ch := range []int{1, 2, 6} {
		b := FoldDown(one(3, ch, 1))
		if want := min(ch, 2); len(b.Channels) != want || b.Len() != 3 || b.Start != 7 || b.Rate != 48000 {
			t.Errorf("%d channels: %d out, %+v", ch, len(b.Channels), b)
		}
		if p := samplePeak(b.Channels[0]); p > 1.000001 || p < 0.999 {
			t.Errorf("%d channels at full scale come out at %g", ch, p)
		}
	}
	// 5.1: centre into both at -3 dB, left surround into left only, no LFE.
	b := one(1, 6, 0)
	b.Channels[2][0], b.Channels[3][0], b.Channels[4][0] = 0.5, 1, 0.25
	out := FoldDown(b).Channels
	scale := 1 / (1 + 2*h)
	near(t, "left", float64(out[0][0]), (0.5+0.25)*h*scale, 1e-6)
	near(t, "right", float64(out[1][0]), 0.5*h*scale, 1e-6)
}
