package mix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/media"
)

// memory is a Source over samples in memory, read in blocks of uneven length.
type memory struct {
	channels [][]float32
	at       int
	step     int
	closed   *int
	fail     error
}

func (m *memory) Read() (media.Block, error) {
	if m.fail != nil && m.at > 0 {
		return media.Block{}, m.fail
	}
	n := len(m.channels[0])
	if m.at >= n {
		return media.Block{}, io.EOF
	}
	m.step = m.step*5%1777 + 300
	to := min(n, m.at+m.step)
	b := media.Block{Start: int64(m.at), Rate: media.MixRate}
	for _, x := range m.channels {
		b.Channels = append(b.Channels, append([]float32(nil), x[m.at:to]...))
	}
	m.at = to
	return b, nil
}

func (m *memory) Close() error {
	if m.closed != nil {
		*m.closed++
	}
	return nil
}

// seekable adds SeekTo.
type seekable struct{ *memory }

func (s seekable) SeekTo(n int64) error {
	s.at = int(min(n, int64(len(s.channels[0]))))
	return nil
}

// voiceOf is a voice over samples in memory, gain 1 in both channels when it is
// stereo and panned by constant gain times two; see unity.
func voiceOf(channels ...[]float32) Voice {
	return Voice{
		Name: "v", Gain: 1, Send: 1,
		Open: func() (Source, error) { return &memory{channels: channels}, nil },
	}
}

// unity is the gain that makes a centred voice pass unchanged: 1/cos(π/4).
var unity = math.Sqrt2

func sumAll(t *testing.T, voices []Voice, samples int64) (dry, send [2][]float32) {
	t.Helper()
	return sumSpan(t, voices, Span{0, samples}, samples)
}

func sumSpan(t *testing.T, voices []Voice, span Span, samples int64) (dry, send [2][]float32) {
	t.Helper()
	err := SumRange(context.Background(), voices, span, samples, func(d, s [][]float32) error {
		for c := range 2 {
			dry[c] = append(dry[c], d[c]...)
			if s != nil {
				send[c] = append(send[c], s[c]...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dry, send
}

// ramp is a signal that tells its own index: ramp[i] = (i+1)·2^-20.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i+1) / (1 << 20)
	}
	return x
}

func TestOffsetsToTheSample(t *testing.T) {
	x := ramp(30000)
	for _, off := range []int64{0, 1, -1, 4095, 4096, -4096, -4097, 12345, -12345} {
		v := voiceOf(x)
		v.Gain = unity
		v.Offset = media.Offset(media.MixRate.Duration(off))
		dry, _ := sumAll(t, []Voice{v}, 50000)
		start, end := max(0, -off), 30000-off
		for i := range int64(50000) {
			want := 0.0
			if i >= start && i < end {
				want = float64(x[i+off])
				// Outside the fades the samples are what they were, to the last
				// bits that two roundings of the gain cost.
				if d := min(i-start, end-1-i); d < FadeSamples {
					want *= math.Sin(math.Pi / 2 * (float64(d) + 0.5) / FadeSamples)
				}
			}
			if got := float64(dry[0][i]); math.Abs(got-want) > 1e-8 {
				t.Fatalf("offset %d: sample %d is %g, want %g", off, i, got, want)
			}
			if dry[0][i] != dry[1][i] {
				t.Fatalf("offset %d: sample %d differs between left and right", off, i)
			}
		}
	}
}

func TestDriftPutsEventsInPlace(t *testing.T) {
	// Impulses every second of song time, recorded by a clock 100 ppm fast.
	for _, c := range []struct {
		ppm float64
		off time.Duration
	}{{100, 0}, {-250, 300 * time.Millisecond}, {20000, -700 * time.Millisecond}} {
		const seconds = 12
		x := make([]float32, 13*48000)
		for k := 1; k < seconds; k++ {
			p := int(math.Round((c.off.Seconds() + float64(k)*(1+c.ppm/1e6)) * fs))
			for d := -40; d <= 40; d++ { // a raised cosine, centred to a fraction of a sample
				u := float64(p+d) - (c.off.Seconds()+float64(k)*(1+c.ppm/1e6))*fs
				if i := p + d; i >= 0 && i < len(x) {
					x[i] += float32(0.5 + 0.5*math.Cos(math.Pi*max(-1, min(1, u/40))))
				}
			}
		}
		v := voiceOf(x)
		v.Gain, v.DriftPPM, v.Offset = unity, c.ppm, media.Offset(c.off)
		dry, _ := sumAll(t, []Voice{v}, 12*48000)
		for k := 1; k < seconds; k++ {
			var m, w float64
			for d := -60; d <= 60; d++ {
				a := float64(dry[0][k*48000+d])
				m, w = m+a*float64(d), w+a
			}
			if math.Abs(m/w) > 0.02 {
				t.Errorf("%+v: impulse %d is %.3f samples off", c, k, m/w)
			}
		}
	}
}

// A voice whose clock runs fast or slow keeps its tones as a resampler would.
func TestDriftKeepsTones(t *testing.T) {
	for _, ppm := range []float64{100, -50, 145, 20000} {
		for _, f := range []float64{997, 5003, 10007, 15013, 18013} {
			v := voiceOf(tone(48000, fs*(1+ppm/1e6), f, 0.5))
			v.Gain, v.DriftPPM = unity, ppm
			dry, _ := sumAll(t, []Voice{v}, 40000)
			if snr, gain, _ := toneSNR(dry[0], f/fs); snr < 120 || math.Abs(gain+6.0206) > 0.001 {
				t.Errorf("%g ppm, %g Hz: signal to error %.1f dB, want 120; gain %.4f dB, want 0 ± 0.001", ppm, f, snr, gain+6.0206)
			}
		}
	}
}

func TestNoLevelChangeWhenAPartEnds(t *testing.T) {
	long, short := tone(96000, fs, 440, 0.25), tone(40000, fs, 660, 0.25)
	both, _ := sumAll(t, []Voice{voiceOf(long), voiceOf(short)}, 96000)
	alone, _ := sumAll(t, []Voice{voiceOf(long)}, 96000)
	for i := 40000; i < 96000; i++ {
		if both[0][i] != alone[0][i] {
			t.Fatalf("sample %d: %g with the ended part, %g without", i, both[0][i], alone[0][i])
		}
	}
	// And the short part itself is what it is alone, while the other sounds.
	other, _ := sumAll(t, []Voice{voiceOf(short)}, 96000)
	for i := range 40000 {
		if d := both[0][i] - alone[0][i] - other[0][i]; math.Abs(float64(d)) > 1e-7 {
			t.Fatalf("sample %d: off by %g", i, d)
		}
	}
}

// choir is a mix with everything in it: mono, stereo, drift, offsets, sends,
// clean-up, parts that end early.
func choir(seeks bool) []Voice {
	r := rand.New(rand.NewPCG(5, 5))
	rnd := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
		return x
	}
	var voices []Voice
	for i, n := range []int{200000, 90000, 150000, 199999, 120000, 170000} {
		ch := [][]float32{rnd(n)}
		if i%2 == 1 {
			ch = append(ch, rnd(n))
		}
		for _, x := range ch { // rests, so that a gate has something to do
			for k := 40000; k < 80000; k++ {
				x[k] *= 1e-4
			}
		}
		v := voiceOf(ch...)
		v.Name = fmt.Sprint("v", i)
		v.Pan = float64(i)/3 - 0.8
		v.Send = []float64{1, 0.5, 0}[i%3]
		v.Gain = 0.3 + float64(i)*0.1
		v.Offset = media.Offset([]int64{0, 1234567890, -723456789, 1500000000, 20833, -20833}[i])
		v.DriftPPM = []float64{0, 0, 75, -33.3, 0, 120}[i]
		if i >= 4 {
			v.Cleanup = Cleanup{HighPass: true, Gate: true, DeClick: true, GateDB: -40, Rests: []Span{{30000, 60000}}}
		}
		if seeks {
			v.Open = func() (Source, error) { return seekable{&memory{channels: ch}}, nil }
		}
		voices = append(voices, v)
	}
	return voices
}

func TestSegmentsAreBitIdentical(t *testing.T) {
	const samples = 190000
	whole, wholeSend := sumAll(t, choir(false), samples)
	for _, seek := range []bool{false, true} {
		for _, span := range []Span{{0, 1}, {0, 50000}, {50000, 120000}, {120000, samples}, {4096, 8192}, {77777, 77777}, {101, 150001}} {
			part, send := sumSpan(t, choir(seek), span, samples)
			if int64(len(part[0])) != span.To-span.From {
				t.Fatalf("%v: %d samples", span, len(part[0]))
			}
			for c := range 2 {
				for i, v := range part[c] {
					at := span.From + int64(i)
					if v != whole[c][at] || send[c][i] != wholeSend[c][at] {
						t.Fatalf("seek %v, %v: channel %d sample %d is %g, want %g", seek, span, c, at, v, whole[c][at])
					}
				}
			}
		}
	}
}

func TestSumIsDeterministic(t *testing.T) {
	a, _ := sumAll(t, choir(false), 100000)
	b, _ := sumAll(t, choir(true), 100000)
	for i := range a[0] {
		if a[0][i] != b[0][i] {
			t.Fatalf("sample %d differs between two runs", i)
		}
	}
}

func TestStemsAddUp(t *testing.T) {
	voices := choir(false)
	voices[3].Gain = 0
	want, _ := sumAll(t, voices, 150000)
	got := [2][]float32{make([]float32, 150000), make([]float32, 150000)}
	at := make([]int, len(voices))
	err := Stems(context.Background(), voices, 150000, func(v int, s [][]float32) error {
		for c := range 2 {
			for i, x := range s[c] {
				got[c][at[v]+i] += x
			}
		}
		at[v] += len(s[0])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for v, n := range at {
		if n != 150000 {
			t.Errorf("voice %d: %d samples", v, n)
		}
	}
	for i := range want[0] {
		if got[0][i] != want[0][i] || got[1][i] != want[1][i] {
			t.Fatalf("sample %d: stems %g, sum %g", i, got[0][i], want[0][i])
		}
	}
}

func TestSend(t *testing.T) {
	a, b := voiceOf(tone(9000, fs, 440, 0.2)), voiceOf(tone(9000, fs, 550, 0.2))
	if _, send := sumAll(t, []Voice{a, b}, 9000); send[0] != nil {
		t.Error("a send of its own though every voice has Send 1")
	}
	b.Send, a.Send = 0, 0.5
	_, send := sumAll(t, []Voice{a, b}, 9000)
	a.Send = 1
	dry, _ := sumAll(t, []Voice{a}, 9000)
	for i := range send[0] {
		if math.Abs(float64(send[0][i]-dry[0][i]/2)) > 1e-8 {
			t.Fatalf("sample %d: send %g, want half of %g", i, send[0][i], dry[0][i])
		}
	}
}

func TestStereoKeepsItsImage(t *testing.T) {
	l, r := tone(9000, fs, 440, 0.5), tone(9000, fs, 550, 0.5)
	v := voiceOf(l, r)
	dry, _ := sumAll(t, []Voice{v}, 9000)
	for i := 1000; i < 8000; i++ {
		if math.Abs(float64(dry[0][i])-float64(l[i])*h) > 1e-7 || math.Abs(float64(dry[1][i])-float64(r[i])*h) > 1e-7 {
			t.Fatalf("sample %d: %g %g, want %g %g at -3 dB", i, dry[0][i], dry[1][i], l[i], r[i])
		}
	}
}

func TestSumErrorsAndClosing(t *testing.T) {
	ctx := context.Background()
	drop := func(_, _ [][]float32) error { return nil }
	boom := errors.New("boom")
	closed := 0
	good := voiceOf(ramp(20000))
	good.Open = func() (Source, error) { return &memory{channels: [][]float32{ramp(20000)}, closed: &closed}, nil }
	bad := voiceOf(ramp(20000))
	bad.Name = "alto-2"
	bad.Open = func() (Source, error) { return &memory{channels: [][]float32{ramp(20000)}, fail: boom}, nil }
	err := Sum(ctx, []Voice{good, bad}, 20000, drop)
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), `voice "alto-2": read: boom`) {
		t.Errorf("read error: %v", err)
	}
	if closed != 1 {
		t.Errorf("closed %d times after an error, want 1", closed)
	}
	closed = 0
	if err := Sum(ctx, []Voice{good}, 20000, func(_, _ [][]float32) error { return boom }); !errors.Is(err, boom) || closed != 1 {
		t.Errorf("sink error: %v, closed %d", err, closed)
	}
	muted := good
	muted.Gain = 0
	muted.Open = func() (Source, error) { t.Error("a muted voice was opened"); return nil, boom }
	if err := Sum(ctx, []Voice{muted}, 20000, drop); err != nil {
		t.Error(err)
	}
	for _, f := range []func(*Voice){
		func(v *Voice) { v.Gain = math.NaN() }, func(v *Voice) { v.Gain = -1 }, func(v *Voice) { v.Send = math.Inf(1) },
		func(v *Voice) { v.DriftPPM = 30000 }, func(v *Voice) { v.Law = 7 },
	} {
		v := good
		f(&v)
		if err := Sum(ctx, []Voice{v}, 10, drop); err == nil || !strings.HasPrefix(err.Error(), `voice "v": `) {
			t.Errorf("bad voice accepted: %v", err)
		}
	}
	stopped, cancel := context.WithCancelCause(ctx)
	cancel(boom)
	if err := Sum(stopped, []Voice{good}, 20000, drop); !errors.Is(err, boom) {
		t.Errorf("cancelled: %v", err)
	}
	wrongRate := voiceOf(ramp(10))
	wrongRate.Open = func() (Source, error) { return rated{&memory{channels: [][]float32{ramp(10)}}}, nil }
	if err := Sum(ctx, []Voice{wrongRate}, 10, drop); err == nil || !strings.Contains(err.Error(), "44100") {
		t.Errorf("wrong rate: %v", err)
	}
}

type rated struct{ *memory }

func (r rated) Read() (media.Block, error) {
	b, err := r.memory.Read()
	b.Rate = 44100
	return b, err
}

func TestPanLaws(t *testing.T) {
	for _, c := range []struct {
		law         PanLaw
		pan         float64
		left, right float64 // dB
	}{
		{ConstantPower, 0, -3.0103, -3.0103},
		{ConstantPower, -1, 0, -200},
		{ConstantPower, 1, -200, 0},
		{ConstantPower, 0.5, -8.3428, -0.6877},
		{ConstantPower, 7, -200, 0},
		{ConstantPower, math.NaN(), -3.0103, -3.0103},
		{ConstantGain, 0, -6.0206, -6.0206},
		{ConstantGain, -1, 0, -200},
		{ConstantGain, 0.5, -12.0412, -2.4988},
	} {
		l, r := c.law.Gains(c.pan)
		near(t, fmt.Sprint(c.law, c.pan, " left"), dbFloor(l, -200), c.left, 1e-3)
		near(t, fmt.Sprint(c.law, c.pan, " right"), dbFloor(r, -200), c.right, 1e-3)
	}
	for p := -1.0; p <= 1; p += 0.01 {
		l, r := ConstantPower.Gains(p)
		near(t, "power", l*l+r*r, 1, 1e-12)
		l, r = ConstantGain.Gains(p)
		near(t, "gain", l+r, 1, 1e-12)
	}
	for _, name := range []string{"", "constant-power", "constant-gain"} {
		if l, err := ParsePanLaw(name); err != nil || name != "" && l.String() != name {
			t.Errorf("%q: %v %v", name, l, err)
		}
	}
	if _, err := ParsePanLaw("sideways"); err == nil {
		t.Error("a law called sideways was accepted")
	}
}

func BenchmarkSum(b *testing.B) {
	x := hiss(make([]float32, 60*48000), 0.1, 1)
	v := voiceOf(x)
	v.Offset = media.OffsetMS(123)
	voices := []Voice{v, v, v, v}
	reportCPU(b)
	for b.Loop() { // four mono minutes
		if err := Sum(context.Background(), voices, 60*48000, func(_, _ [][]float32) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
