package stitch

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Codes from ITU-T H.264, table 9-2.
var golomb = []struct {
	bits string
	ue   uint32
	se   int32
}{
	{"1", 0, 0},
	{"010", 1, 1},
	{"011", 2, -1},
	{"00100", 3, 2},
	{"00101", 4, -2},
	{"00110", 5, 3},
	{"00111", 6, -3},
	{"0001000", 7, 4},
	{"0001001", 8, -4},
	{"0001010", 9, 5},
}

func bitString(s string) []byte {
	w := bitWriter{}
	for _, c := range s {
		w.u(uint32(c-'0'), 1)
	}
	return w.b
}

func TestGolomb(t *testing.T) {
	for _, c := range golomb {
		r := bitReader{b: bitString(c.bits)}
		if got := r.ue(); got != c.ue || r.pos != len(c.bits) || r.over {
			t.Errorf("ue(%s) = %d at bit %d, want %d", c.bits, got, r.pos, c.ue)
		}
		r = bitReader{b: bitString(c.bits)}
		if got := r.se(); got != c.se {
			t.Errorf("se(%s) = %d, want %d", c.bits, got, c.se)
		}
		w := bitWriter{}
		w.ue(c.ue)
		if want := bitString(c.bits); !bytes.Equal(w.b, want) {
			t.Errorf("ue %d written as %x, want %x", c.ue, w.b, want)
		}
	}
}

func TestGolombLarge(t *testing.T) {
	for _, v := range []uint32{1<<16 - 1, 1 << 16, 1<<31 - 2, 1<<31 - 1, 1<<32 - 2} {
		w := bitWriter{}
		w.u(5, 3)
		w.ue(v)
		r := bitReader{b: w.b, pos: 3}
		if got := r.ue(); got != v || r.over {
			t.Errorf("ue %d read back as %d (over: %t)", v, got, r.over)
		}
	}
}

func TestReaderOver(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		read func(*bitReader)
	}{
		{"u past the end", []byte{1}, func(r *bitReader) { r.u(9) }},
		{"flag at the end", nil, func(r *bitReader) { r.flag() }},
		{"ue without a one", []byte{0, 0}, func(r *bitReader) { r.ue() }},
		{"ue cut short", []byte{0b00010000}, func(r *bitReader) { r.u(3); r.ue(); r.ue() }},
		{"ue of 32 zeros", []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff}, func(r *bitReader) { r.ue() }},
	} {
		r := bitReader{b: c.b}
		if c.read(&r); !r.over {
			t.Errorf("%s: over is false", c.name)
		}
		if r.pos > 8*len(c.b) {
			t.Errorf("%s: bit %d of %d", c.name, r.pos, 8*len(c.b))
		}
	}
}

// Every shift and length around the eight-byte step, against bit by bit.
func TestCopyBits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	src := make([]byte, 40)
	for i := range src {
		src[i] = byte(rnd.Uint32())
	}
	for before := range 9 {
		for from := range 9 {
			for to := from; to <= 8*len(src); to += 1 + rnd.IntN(13) {
				fast, slow := bitWriter{}, bitWriter{}
				fast.u(0x155, before)
				slow.u(0x155, before)
				fast.copyBits(src, from, to)
				fast.u(1, 1)
				for r := (bitReader{b: src, pos: from}); r.pos < to; {
					slow.u(r.u(1), 1)
				}
				slow.u(1, 1)
				if !bytes.Equal(fast.b, slow.b) || fast.free != slow.free {
					t.Fatalf("%d bits, then [%d, %d): %x, want %x", before, from, to, fast.b, slow.b)
				}
			}
		}
	}
}

func TestStopBit(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want int
	}{
		{nil, 0},
		{[]byte{0, 0}, 0},
		{[]byte{0x80}, 0},
		{[]byte{0xff}, 7},
		{[]byte{0xff, 0x10, 0}, 11},
	} {
		if got := stopBit(c.b); got != c.want {
			t.Errorf("stopBit(%x) = %d, want %d", c.b, got, c.want)
		}
	}
}
