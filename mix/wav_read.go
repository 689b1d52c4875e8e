package mix

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/choirless/render/media"
)

// WAVReader reads WAV, RF64 and WAVE_FORMAT_EXTENSIBLE: PCM of 8, 16, 24 and 32
// bits, float of 32 and 64. It is a Source. Not safe for concurrent use.
type WAVReader struct {
	r        *bufio.Reader
	src      io.Reader
	rate     media.SampleRate
	channels int
	format   int // wavPCM or wavFloat
	bytes    int // per sample
	samples  int64
	at       int64
	raw      []byte
	out      [][]float32
	toEnd    bool // no size known: read until the file ends
}

// OpenWAV reads the header, up to the first sample. Close closes r, if r is an
// io.Closer; OpenWAV does not, when it fails.
func OpenWAV(r io.Reader) (*WAVReader, error) {
	w := &WAVReader{r: bufio.NewReaderSize(r, 1<<16), src: r}
	if err := w.header(); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("wav: %w", err)
	}
	return w, nil
}

func (w *WAVReader) header() error {
	var head [12]byte
	if _, err := io.ReadFull(w.r, head[:]); err != nil {
		return err
	}
	long := string(head[:4]) == "RF64" || string(head[:4]) == "BW64"
	if !long && string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return errors.New("not a RIFF/WAVE file")
	}
	long64 := int64(-1)
	for {
		var c [8]byte
		if _, err := io.ReadFull(w.r, c[:]); err != nil {
			return err
		}
		id, size := string(c[:4]), int64(binary.LittleEndian.Uint32(c[4:]))
		switch id {
		case "data":
			return w.startData(size, long, long64)
		case "fmt ", "ds64":
			if size > 1<<16 {
				return fmt.Errorf("%q chunk of %d bytes", id, size)
			}
			body := make([]byte, size+size&1)
			if _, err := io.ReadFull(w.r, body); err != nil {
				return err
			}
			if id == "ds64" {
				if size < 16 {
					return fmt.Errorf("ds64 chunk of %d bytes", size)
				}
				long64 = int64(binary.LittleEndian.Uint64(body[8:]))
			} else if err := w.parseFormat(body[:size]); err != nil {
				return err
			}
		default:
			if _, err := io.CopyN(io.Discard, w.r, size+size&1); err != nil {
				return err
			}
		}
	}
}

func (w *WAVReader) parseFormat(b []byte) error {
	if len(b) < 16 {
		return fmt.Errorf("fmt chunk of %d bytes, want 16 or more", len(b))
	}
	le := binary.LittleEndian
	tag, align, bits := int(le.Uint16(b)), int(le.Uint16(b[12:])), int(le.Uint16(b[14:]))
	w.channels, w.rate = int(le.Uint16(b[2:])), media.SampleRate(le.Uint32(b[4:]))
	if tag == wavExtensible {
		if len(b) < 26 {
			return fmt.Errorf("extensible fmt chunk of %d bytes, want 26 or more", len(b))
		}
		tag = int(le.Uint16(b[24:])) // the first two bytes of the GUID are the tag
	}
	w.format, w.bytes = tag, bits/8
	switch {
	case w.channels < 1 || w.channels > wavMaxChannels:
		return fmt.Errorf("%d channels, want 1 to %d", w.channels, wavMaxChannels)
	case w.rate < 1 || w.rate > wavMaxRate:
		return fmt.Errorf("rate %d Hz, want 1 to %d", w.rate, wavMaxRate)
	case tag == wavPCM && (bits == 8 || bits == 16 || bits == 24 || bits == 32):
	case tag == wavFloat && (bits == 32 || bits == 64):
	default:
		return fmt.Errorf("format %#x with %d bits", tag, bits)
	}
	if align != w.channels*w.bytes {
		return fmt.Errorf("%d bytes per sample frame, want %d", align, w.channels*w.bytes)
	}
	return nil
}

func (w *WAVReader) startData(size int64, long bool, long64 int64) error {
	if w.channels == 0 {
		return errors.New("data before fmt")
	}
	if long && size == math.MaxUint32 {
		if long64 < 0 {
			return errors.New("RF64 without ds64 chunk")
		}
		size = long64
	} else if size == math.MaxUint32 || size == 0 {
		// A writer that could not seek back leaves this; the data ends with the file.
		w.toEnd = true
	}
	frame := int64(w.channels * w.bytes)
	w.samples = size / frame
	if w.toEnd {
		w.samples = -1
	}
	w.raw = make([]byte, wavBlock*frame)
	w.out = make([][]float32, w.channels)
	for c := range w.out {
		w.out[c] = make([]float32, wavBlock)
	}
	return nil
}

// Rate returns the sample rate.
func (w *WAVReader) Rate() media.SampleRate { return w.rate }

// Channels returns the number of channels.
func (w *WAVReader) Channels() int { return w.channels }

// Samples returns the number of sample frames the header promises, -1 if it
// does not say.
func (w *WAVReader) Samples() int64 { return w.samples }

// Read returns the next block, valid until the next Read; io.EOF at the end,
// an error that wraps io.ErrUnexpectedEOF when the file is cut short. A value
// that is not a number is read as 0.
func (w *WAVReader) Read() (media.Block, error) {
	n := int64(wavBlock)
	if !w.toEnd {
		n = min(n, w.samples-w.at)
	}
	if n == 0 {
		return media.Block{}, io.EOF
	}
	frame := w.channels * w.bytes
	got, err := io.ReadFull(w.r, w.raw[:int(n)*frame])
	if err != nil && !(w.toEnd && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return media.Block{}, fmt.Errorf("wav: at sample frame %d: %w", w.at, err)
	}
	if n = int64(got / frame); n == 0 {
		return media.Block{}, io.EOF
	}
	for c := range w.out {
		w.out[c] = w.out[c][:n]
		w.convert(w.out[c], w.raw[c*w.bytes:], frame)
	}
	b := media.Block{Start: w.at, Rate: w.rate, Channels: w.out}
	w.at += n
	return b, nil
}

func (w *WAVReader) convert(out []float32, raw []byte, frame int) {
	le := binary.LittleEndian
	for i := range out {
		b := raw[i*frame:]
		switch {
		case w.format == wavFloat && w.bytes == 4:
			out[i] = finite(math.Float32frombits(le.Uint32(b)))
		case w.format == wavFloat:
			out[i] = finite(float32(math.Float64frombits(le.Uint64(b))))
		case w.bytes == 1:
			out[i] = (float32(b[0]) - 128) / (1 << 7)
		case w.bytes == 2:
			out[i] = float32(int16(le.Uint16(b))) / (1 << 15)
		case w.bytes == 3:
			out[i] = float32(int32(b[0])<<8|int32(b[1])<<16|int32(b[2])<<24) / (1 << 31)
		default:
			out[i] = float32(float64(int32(le.Uint32(b))) / (1 << 31))
		}
	}
}

// finite returns v, or 0 for NaN and infinities.
func finite(v float32) float32 {
	if v-v != 0 {
		return 0
	}
	return v
}

// Close closes the underlying reader if it can be closed.
func (w *WAVReader) Close() error {
	if c, ok := w.src.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
