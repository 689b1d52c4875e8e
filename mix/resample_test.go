package mix

import (
	"fmt"
	"math"
	"testing"

	"github.com/choirless/render/media"
)

// tone returns n samples of a sine of frequency f Hz and the given amplitude.
func tone(n int, rate, f, amplitude float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(amplitude * math.Sin(2*math.Pi*f*float64(i)/rate))
	}
	return x
}

// toneSNR fits a sine of frequency f (cycles per sample) to the middle of x by
// least squares and returns the level of the rest against it in dB, the gain
// against amplitude 1 in dB, and the phase at x[0].
func toneSNR(x []float32, f float64) (snr, gainDB, phase float64) {
	lo, hi := len(x)/4, len(x)*3/4
	var ss, sc, cc, xs, xc float64
	for i := lo; i < hi; i++ {
		s, c := math.Sincos(2 * math.Pi * f * float64(i))
		v := float64(x[i])
		ss, sc, cc, xs, xc = ss+s*s, sc+s*c, cc+c*c, xs+v*s, xc+v*c
	}
	det := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/det, (xc*ss-xs*sc)/det
	var e float64
	for i := lo; i < hi; i++ {
		s, c := math.Sincos(2 * math.Pi * f * float64(i))
		d := float64(x[i]) - a*s - b*c
		e += d * d
	}
	p := (a*a + b*b) / 2
	return 10 * math.Log10(p/(e/float64(hi-lo)+1e-30)), 10 * math.Log10(2*p), math.Atan2(b, a)
}

// resampleAll runs x through r in runs of uneven length.
func resampleAll(r *Resampler, x [][]float32) [][]float32 {
	out := make([][]float32, len(x))
	take := func(b [][]float32) {
		for c := range b {
			out[c] = append(out[c], b[c]...)
		}
	}
	for at, n := 0, 1; at < len(x[0]); n = n*3%4001 + 1 {
		in := make([][]float32, len(x))
		for c := range x {
			in[c] = x[c][at:min(at+n, len(x[c]))]
		}
		take(r.Process(in))
		at += n
	}
	take(r.Flush())
	return out
}

type ratePair struct{ in, out media.SampleRate }

var ratePairs = []ratePair{
	{44100, 48000},
	{48000, 44100},
	{16000, 48000},
	{8000, 48000},
	{32000, 48000},
	{22050, 48000},
	{11025, 48000},
	{96000, 48000},
	{88200, 48000},
	{192000, 48000},
	{48000, 16000},
	{12000, 48000},
	{44056, 48000},
	{47999, 48000},
}

func TestResamplerTones(t *testing.T) {
	for _, p := range ratePairs {
		t.Run(fmt.Sprintf("%d-%d", p.in, p.out), func(t *testing.T) {
			t.Parallel()
			in := float64(p.in)
			low := min(in, float64(p.out))
			for _, f := range []float64{997, 5003, 10007, 15013, 18013, 20011} {
				if f > 0.45*low {
					continue
				}
				n := int(in) / 2
				// The second channel differs: channels must not leak into each other.
				x := [][]float32{tone(n, in, f, 0.5), make([]float32, n)}
				y := resampleAll(NewResampler(p.in, p.out, 2), x)
				if want := int(math.Ceil(float64(n) * float64(p.out) / in)); math.Abs(float64(len(y[0])-want)) > 1 {
					t.Errorf("%g Hz: %d samples out, want %d", f, len(y[0]), want)
				}
				snr, gain, phase := toneSNR(y[0], f/float64(p.out))
				if snr < 120 {
					t.Errorf("%g Hz: signal to error %.1f dB, want 120", f, snr)
				}
				if math.Abs(gain+6.0206) > 0.001 {
					t.Errorf("%g Hz: gain %.4f dB, want 0 ± 0.001", f, gain+6.0206)
				}
				// A thousandth of a sample at the output rate is the bound on delay.
				if d := phase / (2 * math.Pi * f) * float64(p.out); math.Abs(d) > 1e-3 {
					t.Errorf("%g Hz: shifted by %g samples", f, d)
				}
				for i, v := range y[1] {
					if math.Abs(float64(v)) > 1e-6 {
						t.Fatalf("%g Hz: %g leaks into the silent channel at %d", f, v, i)
					}
				}
			}
		})
	}
}

func TestResamplerAliases(t *testing.T) {
	for _, c := range []struct {
		in, out media.SampleRate
		f       []float64
	}{
		{48000, 44100, []float64{22100, 23000, 23900}},
		{96000, 48000, []float64{24100, 28000, 40000, 47000}},
		{48000, 16000, []float64{8050, 9000, 15000, 23000}},
		{48000, 47999, []float64{24000 - 1e-3}},
	} {
		for _, f := range c.f {
			n := int(c.in) / 2
			x := [][]float32{tone(n, float64(c.in), f, 0.5)}
			if c.out == 47999 {
				continue
			}
			y := resampleAll(NewResampler(c.in, c.out, 1), x)[0]
			var e float64
			for _, v := range y[len(y)/4 : len(y)*3/4] {
				e += float64(v) * float64(v)
			}
			db := 10 * math.Log10(e/float64(len(y)/2)/0.125+1e-30)
			if db > -110 {
				t.Errorf("%d to %d Hz, tone at %g Hz: %.1f dB left, want -110", c.in, c.out, f, db)
			}
		}
	}
}

func TestResamplerImpulseStaysInPlace(t *testing.T) {
	// An impulse at input time 0.1 s comes out at output time 0.1 s.
	for _, p := range []ratePair{{44100, 48000}, {44050, 48000}, {16000, 48000}} {
		x := make([]float32, int(p.in)/4)
		x[int(p.in)/10] = 1
		y := resampleAll(NewResampler(p.in, p.out, 1), [][]float32{x})[0]
		best := 0
		for i := range y {
			if math.Abs(float64(y[i])) > math.Abs(float64(y[best])) {
				best = i
			}
		}
		if best != int(p.out)/10 {
			t.Errorf("%+v: peak at %d, want %d", p, best, int(p.out)/10)
		}
	}
}

func TestResamplerEmptyAndIdentity(t *testing.T) {
	r := NewResampler(44100, 48000, 2)
	if out := r.Flush(); len(out) != 2 || len(out[0]) != 0 {
		t.Errorf("nothing in, %d channels of %d out", len(out), len(out[0]))
	}
	x := tone(1000, 48000, 440, 1)
	y := resampleAll(NewResampler(48000, 48000, 1), [][]float32{x})[0]
	if len(y) != len(x) {
		t.Fatalf("identity: %d samples, want %d", len(y), len(x))
	}
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("identity changes sample %d", i)
		}
	}
}

func BenchmarkResampler(b *testing.B) {
	for _, p := range []ratePair{{44100, 48000}, {48000, 44100}, {44056, 48000}, {16000, 48000}} {
		b.Run(fmt.Sprintf("%d-%d", p.in, p.out), func(b *testing.B) {
			in := [][]float32{tone(4096, 48000, 440, 0.5), tone(4096, 48000, 554, 0.5)}
			reportCPU(b)
			for b.Loop() { // a stereo minute
				r := NewResampler(p.in, p.out, 2)
				for n := 0; n < 60*int(p.in); n += 4096 {
					r.Process(in)
				}
			}
		})
	}
}
