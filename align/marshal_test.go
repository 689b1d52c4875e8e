package align

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"testing"
)

func TestMarshalRoundTrip(t *testing.T) {
	f := extracted(t, refSong)
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if perMinute := float64(len(b)) * 60 / songSeconds; perMinute > 500e3 {
		t.Errorf("%.0f bytes per minute", perMinute)
	}
	var g Features
	if err := g.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f, &g) {
		t.Error("features differ after a round trip")
	}
	part := extracted(t, record(sung, human(tune, 1, 0.02), songSeconds, 0.3, 0, 2))
	if a, b := pairOf(t, f, part), pairOf(t, &g, part); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	b, err := extracted(t, refSong[:3*testRate]).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b); n += 97 {
		if err := new(Features).UnmarshalBinary(b[:n]); !errors.Is(err, errDamaged) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for i := 4; i < len(b); i += 61 {
		c := bytes.Clone(b)
		c[i] ^= 0x10
		if err := new(Features).UnmarshalBinary(c); !errors.Is(err, errDamaged) {
			t.Fatalf("byte %d wrong: %v", i, err)
		}
	}
	b[3] = 9
	if err := new(Features).UnmarshalBinary(b); !errors.Is(err, ErrStale) || errors.Is(err, errDamaged) {
		t.Errorf("another version: %v", err)
	}
}

// Whatever is accepted can be used.
func FuzzUnmarshal(f *testing.F) {
	ref := extracted(f, refSong[:3*testRate])
	b, err := ref.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:60])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 8 { // the checksum would stop everything
			data = bytes.Clone(data)
			copy(data, magic)
			binary.LittleEndian.PutUint32(data[4:], crc32.ChecksumIEEE(data[8:]))
		}
		var g Features
		if g.UnmarshalBinary(data) != nil || g.samples > 10*testRate {
			return
		}
		if _, err := Pair(t.Context(), ref, &g, Options{}); err != nil {
			t.Fatal(err)
		}
		if _, err := g.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
	})
}
