package encode_test

import (
	"bytes"
	"io"
	"math"
	"testing"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

func tone(samples int) media.Block {
	b := media.Block{Rate: 48000, Channels: [][]float32{make([]float32, samples), make([]float32, samples)}}
	for i := range samples {
		b.Channels[0][i] = float32(0.5 * math.Sin(float64(i)*0.07))
		b.Channels[1][i] = float32(i%1000)/1000 - 0.5
	}
	return b
}

func part(b media.Block, from, to int) media.Block {
	c := media.Block{Rate: b.Rate, Start: int64(from)}
	for _, ch := range b.Channels {
		c.Channels = append(c.Channels, ch[from:to])
	}
	return c
}

// Packets follow each other without a gap from -Priming on and cover all that
// went in, however it is cut.
func TestAACPackets(t *testing.T) {
	const n = 48000 + 77
	in := tone(n)
	var first []byte
	for _, step := range []int{n, 1024, 100, 4096, 1023} {
		a, err := encode.NewAAC(48000, 2, 0)
		if err != nil {
			t.Fatal(err)
		}
		var all []encode.Packet
		for at := 0; at < n; at += step {
			p, err := a.Write(part(in, at, min(at+step, n)))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p...)
		}
		p, err := a.Flush()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p...)
		next, bytesAll := int64(-a.Priming()), []byte(nil)
		for i, p := range all {
			if p.PTS != next || p.Duration != 1024 || len(p.Data) == 0 {
				t.Fatalf("step %d: packet %d at %d for %d, want %d for 1024", step, i, p.PTS, p.Duration, next)
			}
			next += 1024
			bytesAll = append(bytesAll, p.Data...)
		}
		if a.Priming() != 1024 || next < n {
			t.Errorf("step %d: priming %d, ends at %d, want 1024 and at least %d", step, a.Priming(), next, n)
		}
		// AAC-LC (2), 48 kHz (3), two channels; ISO/IEC 14496-3, 1.6.2.1.
		if c := a.Config(); len(c) < 2 || c[0] != 2<<3|3>>1 || c[1] != 3&1<<7|2<<3 {
			t.Errorf("AudioSpecificConfig % x", c)
		}
		if first == nil {
			first = bytesAll
		} else if !bytes.Equal(first, bytesAll) {
			t.Errorf("step %d: other bytes than in one go", step)
		}
		a.Close()
		a.Close()
	}
	if rate := float64(len(first)) * 8 / (float64(n) / 48000); rate > 240000 {
		t.Errorf("%.0f bits per second, want about 192000", rate)
	}
}

// 24 bits come back to half a step, clipped at full scale, NaN as silence.
func TestFLACRoundTrip(t *testing.T) {
	const n = 9001
	in := tone(n)
	in.Channels[0][10], in.Channels[0][11], in.Channels[0][12] = 1.5, -1.5, float32(math.NaN())
	var out avtest.Buffer
	f, err := encode.NewFLAC(&out, 48000, 2)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < n; at += 1000 {
		if err := f.Write(part(in, at, min(at+1000, n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := decode.OpenAudio(t.Context(), bytes.NewReader(out.Data))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	at := 0
	for {
		b, err := a.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for ch, x := range b.Channels {
			for i, v := range x {
				want := min(max(float64(in.Channels[ch][at+i]), -1), 1-1.0/(1<<23))
				if math.IsNaN(want) {
					want = 0
				}
				if d := math.Abs(float64(v) - want); d > 0.5/(1<<23)*1.01 {
					t.Fatalf("channel %d sample %d: %g, want %g", ch, at+i, v, want)
				}
			}
		}
		at += b.Len()
	}
	if at != n {
		t.Errorf("%d samples, want %d", at, n)
	}
}
