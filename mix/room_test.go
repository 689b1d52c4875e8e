package mix

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/choirless/render/mix/fft"
)

// hashOf is over the bits of the response.
func hashOf(r *IR) string {
	h := sha256.New()
	for _, x := range r.response {
		binary.Write(h, binary.LittleEndian, x)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// The rooms are part of what a song sounds like: parameters and seed must give
// the same bits on every machine and in every release. A change here is a
// change of every song that is rendered again.
func TestRoomsAreBitExact(t *testing.T) {
	for name, want := range map[string]string{
		"studio": "601cb2dd0cf9069f", "room": "033141c9cec49eb2", "hall": "d66beb419f31ecfd", "church": "ec1fa6a693e67900",
	} {
		ir, err := Room(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := hashOf(ir); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, err := Room("bathroom"); err == nil || !strings.Contains(err.Error(), `"hall"`) {
		t.Errorf("unknown room: %v", err)
	}
}

// decayTime returns the reverberation time of x (T30, from -5 to -35 dB of the
// backward integral, M. R. Schroeder 1965) in the octave around f.
func decayTime(x []float32, f float64) float64 {
	p, q, r := bandpass(f/fs), bandpass(f/fs), bandpass(f/fs)
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = r.next(q.next(p.next(float64(v))))
	}
	sum := 0.0
	for i := len(y) - 1; i >= 0; i-- {
		sum += y[i] * y[i]
		y[i] = sum
	}
	first, last := 0, 0
	for i, e := range y {
		switch db := 10 * math.Log10(e/y[0]); {
		case db > -5:
			first = i
		case db > -35:
			last = i
		}
	}
	return 2 * float64(last-first) / fs
}

func TestRoomsDecayAsTheySay(t *testing.T) {
	for _, p := range rooms {
		ir, err := Room(p.name)
		if err != nil {
			t.Fatal(err)
		}
		for b, f := range roomBands {
			got := decayTime(ir.response[0], f)
			// Small rooms: their early reflections and the skirts of the test's own
			// filter weigh in, hence a fifth and 50 ms.
			// The highest band hears the skirt of the one below, hence two fifths.
			share := 0.2
			if b == len(roomBands)-1 {
				share = 0.4
			}
			if d := math.Abs(got - p.rt60[b]); d > share*p.rt60[b]+0.05 {
				t.Errorf("%s at %g Hz: %.2f s, want %.2f", p.name, f, got, p.rt60[b])
			}
		}
		var ll, rr, lr float64
		for i := 4800; i < len(ir.response[0]); i++ {
			l, r := float64(ir.response[0][i]), float64(ir.response[1][i])
			ll, rr, lr = ll+l*l, rr+r*r, lr+l*r
		}
		if c := math.Abs(lr / math.Sqrt(ll*rr)); c > 0.15 {
			t.Errorf("%s: left and right of the tail correlate by %.2f, want a wide room", p.name, c)
		}
		if math.Abs(ir.overlap) > 0.1 {
			t.Errorf("%s: overlap with the dry signal %.2f, want no direct sound", p.name, ir.overlap)
		}
	}
}

// octaveLevels returns the power of the rooms' bands, dB, both channels together.
func octaveLevels(ir *IR) (db [7]float64) {
	const n = 1 << 19
	p := fft.NewReal(n)
	x, re, im := make([]float32, n), make([]float32, p.Bins()), make([]float32, p.Bins())
	var sum [7]float64
	for _, h := range ir.response {
		clear(x)
		copy(x, h)
		p.Forward(x, re, im)
		for b, f := range roomBands {
			lo, hi := int(f/math.Sqrt2*n/48000), int(f*math.Sqrt2*n/48000)
			for k := lo; k < hi; k++ {
				sum[b] += (float64(re[k])*float64(re[k]) + float64(im[k])*float64(im[k])) / float64(hi-lo)
			}
		}
	}
	for b := range db {
		db[b] = 10 * math.Log10(sum[b]/2)
	}
	return db
}

var neutral = [7]float64{-1, 0, 0, 0, 0, -1, -5}

func TestRoomsAreNeutral(t *testing.T) {
	for _, p := range rooms {
		ir, err := Room(p.name)
		if err != nil {
			t.Fatal(err)
		}
		got := octaveLevels(ir)
		mean := (got[1] + got[2] + got[3] + got[4]) / 4
		for b, f := range roomBands {
			near(t, fmt.Sprint(p.name, " at ", f), got[b]-mean, neutral[b], 0.5)
		}
	}
}

// octet is a mono choir of eight voices that sing for 6 s.
func octet() []float32 {
	x := make([]float32, 6*48000)
	for i, f := range []float64{98, 110, 147, 165, 220, 233, 330, 349} {
		for k, v := range sung(6, f, 0.05, uint64(i+1)) {
			x[k] += v
		}
	}
	return x
}

// choirNoise is stationary noise with the spectrum of a choir, roughly: a
// programme without the luck of single notes meeting single modes.
func choirNoise(seed uint64) []float32 {
	x := hiss(make([]float32, 6*48000), 0.2, seed)
	a, b, c := 0.0, 0.0, 0.0
	for i, v := range x {
		a += (float64(v) - a) * 0.09 // 700 Hz
		b += (a - b) * 0.09
		c += (b - c) * 0.02 // high-pass at 150 Hz
		x[i] = float32(b - c)
	}
	return x
}

// Rooms are interchangeable: the wet signal alone, of any room, is as loud as
// the dry signal, and so is any blend of the two. On average, that is: the
// notes of one choir meet peaks and dips of one room, which moves the wet
// signal alone by up to 0.7 LU and a blend of a third by half of that.
func TestRoomsAreCalibrated(t *testing.T) {
	loudness := func(l, r []float32) float64 {
		m := NewMeter(48000, 2)
		m.Write([][]float32{l, r})
		return float64(m.Integrated())
	}
	for _, c := range []struct {
		name      string
		x         []float32
		shares    []float64
		tolerance float64
	}{{"noise", choirNoise(1), []float64{0.3, 1}, 0.25}, {"choir", octet(), []float64{0.1, 0.3}, 0.5}} {
		dry := loudness(c.x, c.x)
		for _, name := range RoomNames() {
			ir, err := Room(name)
			if err != nil {
				t.Fatal(err)
			}
			// Reverberation takes the first second to build up; it is run in.
			run := append(append([]float32(nil), c.x...), c.x...)
			wet := convolveAll(NewConvolver(ir.responses(), ConvolveBlock), [][]float32{run, run}, 0)
			for _, share := range c.shares {
				a, b := ir.wetDry(share)
				y := [][]float32{make([]float32, len(c.x)), make([]float32, len(c.x))}
				for k := range y {
					for i, v := range c.x {
						y[k][i] = float32(a*float64(v) + b*float64(wet[k][len(c.x)+i]))
					}
				}
				near(t, fmt.Sprintf("%s in %s, wet %.1f", c.name, name, share), loudness(y[0], y[1]), dry, c.tolerance)
			}
		}
	}
}

func TestWetZeroIsDry(t *testing.T) {
	for _, name := range RoomNames() {
		ir, _ := Room(name)
		if a, b := ir.wetDry(0); a != 1 || b != 0 {
			t.Errorf("%s: %g %g", name, a, b)
		}
	}
}

func TestReadIR(t *testing.T) {
	file := func(rate int, ch ...[]float32) []byte {
		var b bytes.Buffer
		w, err := NewWAVWriter(&b, 48000, len(ch), int64(len(ch[0])))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(ch); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out := b.Bytes()
		binary.LittleEndian.PutUint32(out[24:], uint32(rate))
		return out
	}
	// A measured response: 20 ms of nothing, a direct sound, a decay.
	x := make([]float32, 48000)
	copy(x[2000:], decay(40000, 3))
	x[1920] = 0.5
	for _, c := range []struct {
		name string
		file []byte
	}{{"mono", file(48000, x)}, {"stereo", file(48000, x, x)}, {"four", file(48000, x, x, x, x)}, {"44.1k", file(44100, x)}} {
		ir, err := ReadIR(c.name, bytes.NewReader(c.file))
		if err != nil {
			t.Fatal(err)
		}
		best := 0
		for i, v := range ir.response[0] {
			if abs32(v) > abs32(ir.response[0][best]) {
				best = i
			}
		}
		if best > 1 {
			t.Errorf("%s: direct sound at sample %d, want 0", c.name, best)
		}
		q := choirNoise(2)
		wet := convolveAll(NewConvolver(ir.responses(), ConvolveBlock), [][]float32{q, q}, 0)
		// Compared where the reverberation has built up.
		for k := range wet {
			wet[k] = wet[k][48000:]
		}
		m, d := NewMeter(48000, 2), NewMeter(48000, 2)
		m.Write(wet)
		d.Write([][]float32{q, q})
		near(t, c.name, float64(m.Integrated()), float64(d.Integrated()), 0.5)
	}
	for name, b := range map[string][]byte{"silent": file(48000, make([]float32, 100)), "empty": nil, "text": []byte("no sound in here at all, sorry")} {
		if _, err := ReadIR(name, bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testdata/click.flac: 16 bit, 44.1 kHz, stereo: a click at sample 441, then a
// tone of 1 kHz at a tenth of it for 0.1 s.
func TestReadFLAC(t *testing.T) {
	b, err := os.ReadFile("testdata/click.flac")
	if err != nil {
		t.Fatal(err)
	}
	ch, rate, err := readSamples(bytes.NewReader(b))
	if err != nil || rate != 44100 || len(ch) != 2 || len(ch[0]) != 4410 {
		t.Fatalf("%v, %d Hz, %d channels", err, rate, len(ch))
	}
	if ch[0][441] != 0.5 || ch[1][441] != -0.5 || ch[0][0] != 0 {
		t.Errorf("samples %g %g %g", ch[0][441], ch[1][441], ch[0][0])
	}
	ir, err := ReadIR("click", bytes.NewReader(b))
	if err != nil || ir.response[0][0] < 3*abs32(ir.response[0][50]) {
		t.Errorf("%v", err)
	}
	if _, err := ReadIR("cut", bytes.NewReader(b[:len(b)/2])); err == nil {
		t.Error("a cut file was accepted")
	}
}

// A person's file may be anything at all.
func FuzzReadIR(f *testing.F) {
	b, err := os.ReadFile("testdata/click.flac")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:200])
	f.Add(wavFile(1, 2, 16, []byte{0, 0, 0, 0x40, 0, 0x20, 0, 0}))
	f.Fuzz(func(t *testing.T, file []byte) {
		ir, err := ReadIR("fuzz", bytes.NewReader(file))
		if err != nil {
			return
		}
		for _, h := range ir.response {
			for _, v := range h {
				if v-v != 0 {
					t.Fatal("a response that is not finite")
				}
			}
		}
	})
}
