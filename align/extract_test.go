package align

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/choirless/render/media"
)

func TestFinishRefuses(t *testing.T) {
	e := NewExtractor(48000)
	e.Write(make([]float32, 48000*3))
	if _, err := e.Finish(); !errors.Is(err, ErrSilent) {
		t.Errorf("silence: %v", err)
	}
	e = NewExtractor(44100)
	e.Write(make([]float32, 44100*2-1))
	if _, err := e.Finish(); !errors.Is(err, ErrTooShort) {
		t.Errorf("short: %v", err)
	}
	for _, n := range []int{2 * testRate, 2*testRate + 1, 3*testRate - 7} {
		if f := extracted(t, refSong[:n]); f.Duration() != media.SampleRate(testRate).Duration(int64(n)) {
			t.Errorf("%d samples: duration %v", n, f.Duration())
		}
	}
}

// The shortest and quietest recordings give a result, not a panic.
func TestLeastRecordings(t *testing.T) {
	ref := extracted(t, refSong)
	click := make([]float32, 2*testRate)
	click[1000] = 2e-4
	for _, x := range [][]float32{refSong[:2*testRate], click} {
		f := extracted(t, x)
		pairOf(t, ref, f)
		pairOf(t, f, ref)
		pairOf(t, f, f)
	}
}

// How the sound is cut into blocks does not matter, to the last bit.
func TestBlocks(t *testing.T) {
	x := record(sung, tune, 12, 0.1, 0, 2)
	for _, rate := range []media.SampleRate{44100, 48000} {
		want, err := extractedAt(t, x, rate, len(x)).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range []int{1, 7, 960, 40000} {
			got, err := extractedAt(t, x, rate, block).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d Hz in blocks of %d: other features", rate, block)
			}
		}
	}
}

// What an Extractor works with is handed on to the next one, and nothing in it.
func TestHandedOn(t *testing.T) {
	bytesOf := func(x []float32) []byte {
		b, err := extracted(t, x).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, b := record(sung, tune, 4, 0.1, 0, 2), record(plucked, tune, 12, 0, 0, 3)
	fresh := func(x []float32) []byte {
		workspaces = sync.Pool{New: workspaces.New}
		return bytesOf(x)
	}
	wantA, wantB := fresh(a), fresh(b)
	for range 4 {
		f := extracted(t, b)
		bits := bytes.Clone(f.bits)
		if !bytes.Equal(bytesOf(a), wantA) || !bytes.Equal(bytesOf(b), wantB) {
			t.Error("other features after another recording")
		}
		if !bytes.Equal(f.bits, bits) {
			t.Error("features change with the next recording")
		}
	}
}

// A recording has the same place at every sample rate.
func TestRates(t *testing.T) {
	ref := extracted(t, refSong)
	for _, rate := range []float64{8000, 44100, 48000} {
		x := make([]float64, int(songSeconds*rate))
		plucked(x, tune, -0.0777, rate)
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = float32(v)
		}
		near(t, media.SampleRate(rate).Duration(int64(rate)).String(), pairOf(t, ref, extractedAt(t, y, media.SampleRate(rate), 1000)).Offset, 77.7, 0.1)
	}
}

// The resampler keeps time and level of what is below 6 kHz and takes out what
// would fold back below 6.5 kHz.
func TestResampler(t *testing.T) {
	for _, rate := range []int{8000, 11025, 44100, 48000, 192000} {
		for _, f := range []float64{100, 3000, 6000, 10000} {
			if f > float64(rate)*0.4 {
				continue
			}
			x := make([]float32, rate/2)
			for i := range x {
				x[i] = float32(math.Sin(2 * math.Pi * f * float64(i) / float64(rate)))
			}
			r := newResampler(rate)
			y := r.flush(r.process(x, nil))
			worst := 0.0
			for k := 1000; k < 7000; k++ {
				want := math.Sin(2 * math.Pi * f * float64(k) / workRate)
				if f > workRate/2 {
					want = 0
				}
				worst = max(worst, math.Abs(float64(y[k])-want))
			}
			if worst > 0.01 {
				t.Errorf("%d Hz: a tone of %.0f Hz is off by %.4f", rate, f, worst)
			}
		}
	}
}

func TestLogPower(t *testing.T) {
	for _, p := range []float32{1e-16, 3e-9, 0.5, 1, 1.9999, 2, 12345} {
		want := (math.Log(float64(p)) + logZero) * logScale
		if got := float64(logPower(p)); math.Abs(got-want) > 0.8 {
			t.Errorf("logPower(%g) = %g, want %.2f", p, got, want)
		}
	}
	if logPower(0) != 0 || logPower(float32(math.NaN())) != 0 {
		t.Error("nothing and not-a-number are 0")
	}
}

// The network finds where notes begin, and nothing in noise.
func TestNoteBeginnings(t *testing.T) {
	for name, s := range map[string]sound{"plucked": plucked, "sung": sung} {
		f := extracted(t, record(s, tune, songSeconds, 0, 0, 4))
		p := f.note.curves()[0]
		found, sum := 0, 0.0
		for _, n := range tune {
			best, at := float32(0), 0
			for d := -6; d <= 6; d++ {
				if i := int((n.at*workRate-float64(f.origin))/hop+0.5) + d; p[i] > best {
					best, at = p[i], i
				}
			}
			if best > 0.3 {
				found++
				sum += (float64(at)*hop+float64(f.origin))/workRate - n.at
			}
		}
		if found < len(tune)*7/10 || math.Abs(sum/float64(found)) > 0.025 {
			t.Errorf("%s: %d of %d notes found, on average %.1f ms late", name, found, len(tune), 1000*sum/float64(found))
		}
	}
}

// The one-bit signal is the same by samples and by words.
func TestWords(t *testing.T) {
	f := extracted(t, refSong[:4*testRate])
	signs, words := make([]float32, 640), make([]uint64, 10)
	for _, at := range []int{0, 1, 13, 40001} {
		f.signs(signs, at)
		if !f.words(words, at) {
			t.Fatalf("no words at %d", at)
		}
		for i, s := range signs {
			if want := 1 - 2*float32(words[i/64]>>(i%64)&1); s != want {
				t.Fatalf("sample %d+%d: %v and %v", at, i, s, want)
			}
		}
	}
	if f.words(words, -300) || f.words(words, 4*testRate-100) {
		t.Error("words outside the recording")
	}
}

// The wide search for bleed agrees with correlation by its definition.
func TestBleedCurves(t *testing.T) {
	ref, part := extracted(t, refSong[:3*testRate]), extracted(t, record(plucked, tune, 3, 0.05, 0, 2))
	const reach = 2000
	a, b := bleedCurves(t.Context(), ref, part, reach)
	for i := range a {
		a[i] += b[i]
	}
	x, y := make([]float32, ref.samples), make([]float32, part.samples)
	ref.signs(x, 0)
	part.signs(y, 0)
	plain := make([]float32, len(a))
	for i := range plain {
		l := i - reach
		lo, hi := max(0, l), min(len(y), len(x)+l)
		plain[i] = dot(y[lo:hi], x[lo-l:hi-l])
	}
	if argmax(a) != argmax(plain) || argmax(a) != reach+800 {
		t.Errorf("peak at %d, plainly at %d, want %d", argmax(a), argmax(plain), reach+800)
	}
	// Only the band from whiteLow to whiteHigh is kept: most of the height.
	if k := argmax(a); a[k] < 0.7*plain[k] || a[k] > 1.1*plain[k] {
		t.Errorf("height %.0f, plainly %.0f", a[k], plain[k])
	}
}

// Lags at which one recording is digitally silent do not make the others look high.
func TestSpread(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	c := make([]float32, 8*workRate)
	for i := range 2 * workRate {
		c[i] = float32(r.NormFloat64())
	}
	if s := spread(c, workRate); s < 0.95 || s > 1.05 {
		t.Errorf("among noise %.2f, want 1", s)
	}
	if s := spread(c, 6*workRate); s < 0.45 || s > 0.55 {
		t.Errorf("among silence %.2f, want that of all, 0.5", s)
	}
}
