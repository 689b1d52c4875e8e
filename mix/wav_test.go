package mix

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func readWAV(r io.Reader) ([][]float32, *WAVReader, error) {
	w, err := OpenWAV(r)
	if err != nil {
		return nil, nil, err
	}
	out := make([][]float32, w.Channels())
	for {
		b, err := w.Read()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return out, w, w.Close()
		}
		if err != nil {
			return out, w, err
		}
		if b.Start != int64(len(out[0])) {
			return out, w, errors.New("blocks do not follow each other")
		}
		for c := range out {
			out[c] = append(out[c], b.Channels[c]...)
		}
	}
}

func TestWAVRoundTrip(t *testing.T) {
	for _, channels := range []int{1, 2, 4, 6} {
		for _, n := range []int{0, 1, 4096, 10001} {
			want := make([][]float32, channels)
			for c := range want {
				want[c] = hiss(make([]float32, n), 0.3, uint64(c))
			}
			var b bytes.Buffer
			w, err := NewWAVWriter(&b, 48000, channels, int64(n))
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < n; at += 777 {
				part := make([][]float32, channels)
				for c := range part {
					part[c] = want[c][at:min(at+777, n)]
				}
				if err := w.Write(part); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if int64(b.Len()) != WAVSize(channels, int64(n)) {
				t.Errorf("%d bytes, WAVSize says %d", b.Len(), WAVSize(channels, int64(n)))
			}
			got, r, err := readWAV(&b)
			if err != nil || r.Rate() != 48000 || n > 0 && r.Samples() != int64(n) {
				t.Fatalf("%d channels of %d: %v", channels, n, err)
			}
			for c := range want {
				if !slices.Equal(got[c], want[c]) && n > 0 {
					t.Errorf("%d channels of %d: channel %d differs", channels, n, c)
				}
			}
		}
	}
}

// zeros yields n zero bytes and counts nothing else.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	k := min(int64(len(p)), z.n)
	clear(p[:k])
	z.n -= k
	return int(k), nil
}

func TestWAVBeyond4GB(t *testing.T) {
	const samples = 300_000_000 // two channels: 2.4 GB is RIFF, four: 4.8 GB is RF64
	for _, c := range []struct {
		channels int
		id       string
	}{{2, "RIFF"}, {4, "RF64"}} {
		var b bytes.Buffer
		w, err := NewWAVWriter(&b, 48000, c.channels, samples)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err == nil {
			t.Error("Close did not miss the sample frames")
		}
		head := b.Bytes()
		if string(head[:4]) != c.id {
			t.Errorf("%d channels: %q, want %q", c.channels, head[:4], c.id)
		}
		data := int64(samples) * int64(c.channels) * 4
		if int64(len(head))+data != WAVSize(c.channels, samples) {
			t.Errorf("%d channels: header of %d bytes, WAVSize %d", c.channels, len(head), WAVSize(c.channels, samples))
		}
		r, err := OpenWAV(io.MultiReader(&b, &zeros{data}))
		if err != nil || r.Samples() != samples {
			t.Errorf("%d channels: %v, %d sample frames", c.channels, err, r.Samples())
		}
	}
}

// wavFile makes a file of one format by hand.
func wavFile(tag, channels, bits int, data []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00fmt ") // an odd chunk is padded
	f := le.AppendUint16(nil, uint16(tag))
	f = le.AppendUint16(f, uint16(channels))
	f = le.AppendUint32(f, 44100)
	f = le.AppendUint32(f, uint32(44100*channels*bits/8))
	f = le.AppendUint16(f, uint16(channels*bits/8))
	f = le.AppendUint16(f, uint16(bits))
	if tag == wavExtensible {
		f = le.AppendUint16(f, 22)
		f = le.AppendUint16(f, uint16(bits))
		f = le.AppendUint32(f, 3)
		f = append(f, "\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
	}
	b = append(le.AppendUint32(b, uint32(len(f))), f...)
	b = append(b, "data"...)
	return append(le.AppendUint32(b, uint32(len(data))), data...)
}

func TestWAVFormats(t *testing.T) {
	f64 := binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.25))
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	for _, c := range []struct {
		name string
		file []byte
		want []float32
	}{
		{"8 bit", wavFile(1, 1, 8, []byte{0, 128, 255}), []float32{-1, 0, 127. / 128}},
		{"16 bit", wavFile(1, 1, 16, []byte{0, 0x80, 0xff, 0x7f, 0, 0x40}), []float32{-1, 32767. / 32768, 0.5}},
		{"24 bit", wavFile(1, 1, 24, []byte{0, 0, 0x80, 0, 0, 0x40, 0xff, 0xff, 0xff}), []float32{-1, 0.5, -1. / (1 << 23)}},
		{"32 bit", wavFile(1, 1, 32, []byte{0, 0, 0, 0xc0}), []float32{-0.5}},
		{"extensible", wavFile(0xFFFE, 1, 16, []byte{0, 0x40}), []float32{0.5}},
		{"double", wavFile(3, 1, 64, f64), []float32{-0.25}},
		{"not a number", wavFile(3, 1, 32, nan), []float32{0}},
	} {
		got, r, err := readWAV(bytes.NewReader(c.file))
		if err != nil || r.Rate() != 44100 || !slices.Equal(got[0], c.want) {
			t.Errorf("%s: %v %v, want %v", c.name, got, err, c.want)
		}
	}
	// A size of 0 or 0xFFFFFFFF means: to the end of the file.
	f := wavFile(1, 1, 16, []byte{0, 0x40, 0, 0x20, 1})
	copy(f[len(f)-9:], "\xff\xff\xff\xff")
	if got, r, err := readWAV(bytes.NewReader(f)); err != nil || r.Samples() != -1 || !slices.Equal(got[0], []float32{0.5, 0.25}) {
		t.Errorf("unknown size: %v %v", got, err)
	}
}

func TestWAVFaults(t *testing.T) {
	good := wavFile(1, 2, 16, make([]byte, 400))
	if _, _, err := readWAV(bytes.NewReader(good[:len(good)-5])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "unexpected EOF", nil},
		{"text", "not a RIFF", []byte("hello, this is not audio")},
		{"cut header", "unexpected EOF", good[:30]},
		{"mp3 inside", "format 0x55", wavFile(0x55, 2, 16, nil)},
		{"12 bit", "12 bits", wavFile(1, 2, 12, nil)},
		{"no channels", "0 channels", wavFile(1, 0, 16, nil)},
		{"data first", "data before fmt", []byte("RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00")},
	} {
		_, _, err := readWAV(bytes.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	var b bytes.Buffer
	for _, f := range []func() error{
		func() error { _, err := NewWAVWriter(&b, 0, 2, 1); return err },
		func() error { _, err := NewWAVWriter(&b, 48000, 0, 1); return err },
		func() error { _, err := NewWAVWriter(&b, 48000, 2, -1); return err },
		func() error {
			w, _ := NewWAVWriter(&b, 48000, 2, 1)
			return w.Write([][]float32{{1, 2}, {1, 2}})
		},
		func() error { w, _ := NewWAVWriter(&b, 48000, 2, 1); return w.Write([][]float32{{1}}) },
	} {
		if f() == nil {
			t.Error("misuse of the writer was accepted")
		}
	}
}

func FuzzWAV(f *testing.F) {
	f.Add(wavFile(1, 2, 16, make([]byte, 40)))
	f.Add(wavFile(3, 1, 32, make([]byte, 40)))
	f.Add(wavFile(0xFFFE, 1, 24, make([]byte, 9)))
	f.Add([]byte("RF64\xff\xff\xff\xffWAVEds64\x1c\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, _, err := readWAV(bytes.NewReader(file))
		n := 0
		for _, x := range got {
			n += len(x)
			for _, v := range x {
				if v-v != 0 {
					t.Fatal("a value that is not finite came through")
				}
			}
		}
		if n > len(file) {
			t.Fatalf("%d samples out of %d bytes (%v)", n, len(file), err)
		}
	})
}
