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

// WAV: RIFF chunks (Microsoft/IBM "Multimedia Programming Interface and Data
// Specifications 1.0", 1991), and RF64 for what does not fit 32 bits (EBU Tech
// 3306 / ITU-R BS.2088: the sizes are 0xFFFFFFFF and the true ones in a "ds64"
// chunk in front). The number of sample frames is known before the first is
// written, so nothing is ever seeked and a sum can go straight into an object.

const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xFFFE
	// wavMaxChannels bounds what a reader accepts.
	wavMaxChannels = 64
	wavMaxRate     = 768000
	wavBlock       = 4096 // sample frames per Read
)

// WAVWriter writes 32-bit float WAV, RF64 beyond 4 GB, without seeking. Not
// safe for concurrent use.
type WAVWriter struct {
	w        *bufio.Writer
	channels int
	left     int64
	buf      []byte
}

// WAVSize returns the size in bytes of the file that NewWAVWriter makes.
func WAVSize(channels int, samples int64) int64 {
	data := samples * int64(channels) * 4
	if wavLong(data) {
		return 12 + 36 + 24 + 8 + data
	}
	return 12 + 24 + 12 + 8 + data
}

// wavLong reports whether data bytes need RF64.
func wavLong(data int64) bool { return data > math.MaxUint32-64 }

// NewWAVWriter writes the header of a file of exactly samples sample frames to
// w, which is buffered here.
func NewWAVWriter(w io.Writer, rate media.SampleRate, channels int, samples int64) (*WAVWriter, error) {
	switch {
	case rate <= 0 || rate > wavMaxRate:
		return nil, fmt.Errorf("wav: rate %d Hz, want 1 to %d", rate, wavMaxRate)
	case channels < 1 || channels > wavMaxChannels:
		return nil, fmt.Errorf("wav: %d channels, want 1 to %d", channels, wavMaxChannels)
	case samples < 0 || samples > math.MaxInt64/int64(4*channels)-128:
		return nil, fmt.Errorf("wav: %d sample frames", samples)
	}
	le := binary.LittleEndian
	data := samples * int64(channels) * 4
	var b []byte
	if wavLong(data) {
		b = append(b, "RF64\xff\xff\xff\xffWAVEds64"...)
		b = le.AppendUint32(b, 28)
		b = le.AppendUint64(b, uint64(WAVSize(channels, samples)-8))
		b = le.AppendUint64(b, uint64(data))
		b = le.AppendUint64(b, uint64(samples))
		b = le.AppendUint32(b, 0)
	} else {
		b = append(b, "RIFF"...)
		b = le.AppendUint32(b, uint32(WAVSize(channels, samples)-8))
		b = append(b, "WAVE"...)
	}
	b = append(b, "fmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, wavFloat)
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(int(rate)*channels*4))
	b = le.AppendUint16(b, uint16(channels*4))
	b = le.AppendUint16(b, 32)
	if !wavLong(data) {
		// A "fact" chunk is asked for by every format but PCM.
		b = append(b, "fact"...)
		b = le.AppendUint32(b, 4)
		b = le.AppendUint32(b, uint32(samples))
	}
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(min(data, math.MaxUint32)))
	out := &WAVWriter{w: bufio.NewWriterSize(w, 1<<16), channels: channels, left: samples}
	if _, err := out.w.Write(b); err != nil {
		return nil, fmt.Errorf("wav: header: %w", err)
	}
	return out, nil
}

// Write appends sample frames, one slice of equal length per channel.
func (w *WAVWriter) Write(channels [][]float32) error {
	if len(channels) != w.channels {
		return fmt.Errorf("wav: %d channels, want %d", len(channels), w.channels)
	}
	n := len(channels[0])
	if int64(n) > w.left {
		return fmt.Errorf("wav: %d sample frames more than the header says", int64(n)-w.left)
	}
	w.buf = w.buf[:0]
	for i := range n {
		for _, x := range channels {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, math.Float32bits(x[i]))
		}
	}
	w.left -= int64(n)
	_, err := w.w.Write(w.buf)
	return err
}

// Close writes what is buffered and checks that all sample frames were given.
// It does not close the underlying writer.
func (w *WAVWriter) Close() error {
	if w.left != 0 {
		return errors.Join(fmt.Errorf("wav: %d sample frames are missing", w.left), w.w.Flush())
	}
	return w.w.Flush()
}
