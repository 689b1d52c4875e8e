package align

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"sync"
)

// The stored form, little endian:
//
//	4 bytes  "CAF" and the version, 2 (1 was the same, of sounds heard with
//	         other roundings)
//	4 bytes  CRC-32 (IEEE) of all that follows
//	4 bytes  samples at 16 kHz
//	1 byte   sample on which frame 0 is centred
//	4×       per series: 1 byte frames per value, 1 byte channels,
//	         4 bytes number of values per channel, 4+4 bytes float32 zero and step
//	4 bytes  bytes of the one-bit signal, then these bytes
//	rest     the values of all series, one byte each, channel by channel,
//	         in DEFLATE (RFC 1951)
const (
	magic      = "CAF\x02"
	seriesHead = 14
	seriesMax  = 64      // channels
	samplesMax = 1 << 30 // 18 hours
)

// ErrStale says that stored features cannot be used, and that the recording is to
// be read again: another version of the program made them, or they are damaged.
var ErrStale = errors.New("features to be made again")

// errDamaged is wrapped with what is wrong.
var errDamaged = fmt.Errorf("%w: damaged", ErrStale)

// deflaters are kept from one recording to the next: one is 0.8 MB.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, 4)
	if err != nil {
		panic(err) // not with this level
	}
	return w
}}

// MarshalBinary returns the features in a compact versioned form, about 0.2 MB
// per minute.
func (f *Features) MarshalBinary() ([]byte, error) {
	b := append([]byte(magic), 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(f.samples))
	b = append(b, byte(f.origin))
	for _, s := range f.all() {
		b = append(b, byte(s.step), byte(len(s.ch)))
		b = binary.LittleEndian.AppendUint32(b, uint32(s.len()))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s.zero))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s.unit))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.bits)))
	b = append(b, f.bits...)
	var packed bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&packed)
	for _, s := range f.all() {
		for _, c := range s.ch {
			if _, err := w.Write(c); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	b = append(b, packed.Bytes()...)
	binary.LittleEndian.PutUint32(b[4:], crc32.ChecksumIEEE(b[8:]))
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote. Data that is damaged or of
// another version is refused with ErrStale; it never panics.
func (f *Features) UnmarshalBinary(data []byte) error {
	if len(data) < 13 || string(data[:3]) != magic[:3] {
		return fmt.Errorf("%w: not features", errDamaged)
	}
	if data[3] != magic[3] {
		return fmt.Errorf("%w: version %d, want %d", ErrStale, data[3], magic[3])
	}
	if binary.LittleEndian.Uint32(data[4:]) != crc32.ChecksumIEEE(data[8:]) {
		return fmt.Errorf("%w: checksum", errDamaged)
	}
	return f.decode(data[8:])
}

// decode reads what follows the checksum.
func (f *Features) decode(data []byte) error {
	var g Features
	samples := binary.LittleEndian.Uint32(data)
	if samples > samplesMax || samples < uint32(MinDuration.Seconds()*workRate) {
		return fmt.Errorf("%w: %d samples", errDamaged, samples)
	}
	g.samples, g.origin = int(samples), int(data[4])
	if g.origin >= hop {
		return fmt.Errorf("%w: frames begin at sample %d", errDamaged, g.origin)
	}
	data = data[5:]
	for i, s := range g.all() {
		if len(data) < seriesHead {
			return fmt.Errorf("%w: ends in the head", errDamaged)
		}
		if err := s.head(data, g.samples, seriesShape[i]); err != nil {
			return err
		}
		data = data[seriesHead:]
	}
	if len(data) < 4 {
		return fmt.Errorf("%w: ends in the head", errDamaged)
	}
	n := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(n) > uint64(len(data)) || int(n) < g.samples/8 {
		return fmt.Errorf("%w: %d bytes of signal", errDamaged, n)
	}
	g.bits = bytes.Clone(data[:n])
	r := flate.NewReader(bytes.NewReader(data[n:]))
	for _, s := range g.all() {
		length := s.len()
		for c := range s.ch {
			// Read before allocating more: the lengths are not to be trusted.
			v, err := io.ReadAll(io.LimitReader(r, int64(length)))
			if err != nil || len(v) != length {
				return fmt.Errorf("%w: values end early", errDamaged)
			}
			s.ch[c] = v
		}
	}
	g.identify()
	*f = g
	return nil
}

// seriesShape is what the series must look like.
var seriesShape = [...]struct{ step, channels int }{
	{1, 1}, {1, onsetBands}, {chordStep, pitches}, {1, 1},
}

// head reads the head of a series and checks it.
func (s *series) head(b []byte, samples int, want struct{ step, channels int }) error {
	n := int64(binary.LittleEndian.Uint32(b[2:]))
	s.zero = math.Float32frombits(binary.LittleEndian.Uint32(b[6:]))
	s.unit = math.Float32frombits(binary.LittleEndian.Uint32(b[10:]))
	finite := func(v float32) bool { return v > -1e6 && v < 1e6 }
	most := int64(samples/(hop*want.step) + 2)
	if int(b[0]) != want.step || int(b[1]) != want.channels || n > most || n < most-4 || !finite(s.zero) || !finite(s.unit) {
		return fmt.Errorf("%w: head of a series", errDamaged)
	}
	s.step, s.length = want.step, int(n)
	s.ch = make([][]byte, want.channels)
	return nil
}
