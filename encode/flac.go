package encode

import (
	"fmt"
	"io"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// flacBlock is how many sample frames a FLAC packet has. At 48 kHz it is 50 ms,
// so that the timestamps of a container that counts milliseconds are exact; and
// it is within the streamable subset (RFC 9639, section 7: at most 4608).
const flacBlock = 2400

// flacLevel is libav's compression level: linear prediction, but the quick
// search. Against the default (5) files grow by about a hundredth.
const flacLevel = "3"

func newFLACEncoder(rate media.SampleRate, channels int) (*av.Encoder, error) {
	if channels < 1 || channels > 8 {
		return nil, fmt.Errorf("%d channels, want 1 to 8", channels)
	}
	return av.NewEncoder(av.EncoderOptions{
		Codec: "flac", Header: true, SampleRate: rate, Channels: channels, BlockSize: flacBlock,
		Options: []av.Option{{Key: "compression_level", Value: flacLevel}},
	})
}

// FLAC writes a 24-bit FLAC file. Not safe for concurrent use.
type FLAC struct {
	s      sound
	m      *av.Muxer
	err    error
	closed bool
}

// sound feeds an encoder whose packets go into a container.
type sound struct {
	e       *av.Encoder
	packet  *av.Packet
	pending blocks
	at      int64
	stream  int
}

// NewFLAC starts a file on w, which is not closed. 1 to 8 channels.
func NewFLAC(w io.WriteSeeker, rate media.SampleRate, channels int) (*FLAC, error) {
	e, err := newFLACEncoder(rate, channels)
	if err != nil {
		return nil, fmt.Errorf("encode: flac: %w", err)
	}
	m, err := av.NewMuxer(w, "flac")
	if err == nil {
		_, err = m.AddEncoded(e)
	}
	if err != nil {
		e.Close()
		m.Close()
		return nil, fmt.Errorf("encode: flac: %w", err)
	}
	return &FLAC{m: m, s: sound{e: e, packet: av.NewPacket(), pending: newBlocks(channels, flacBlock)}}, nil
}

// Write appends b; samples beyond full scale are clipped.
func (f *FLAC) Write(b media.Block) error {
	if f.err == nil {
		f.err = f.s.write(f.m, b)
	}
	return f.err
}

// Close finishes the file and frees everything. It may be called more than
// once, and returns the first error of the file.
func (f *FLAC) Close() error {
	if f.closed {
		return f.err
	}
	f.closed = true
	if f.err == nil {
		f.err = f.s.finish(f.m)
	}
	if f.err == nil {
		f.err = f.m.Finish()
	}
	f.m.Close()
	f.s.close()
	return f.err
}

func (s *sound) write(m *av.Muxer, b media.Block) error {
	return s.pending.add(b, func(block [][]float32) error { return s.send(m, block) })
}

func (s *sound) send(m *av.Muxer, block [][]float32) error {
	if err := s.e.SendSound(block, media.PTS(s.at)); err != nil {
		return fmt.Errorf("encode: sound: %w", err)
	}
	s.at += int64(len(block[0]))
	return s.drain(m)
}

func (s *sound) drain(m *av.Muxer) error {
	for {
		err := s.e.Receive(s.packet)
		if err == av.ErrAgain || err == io.EOF {
			return nil
		}
		if err == nil {
			err = m.Write(s.stream, s.packet, s.e.TimeBase())
		}
		if err != nil {
			return fmt.Errorf("encode: sound: %w", err)
		}
	}
}

func (s *sound) finish(m *av.Muxer) error {
	if rest := s.pending.rest(); rest != nil {
		if err := s.send(m, rest); err != nil {
			return err
		}
	}
	if err := s.e.Finish(); err != nil {
		return fmt.Errorf("encode: sound: %w", err)
	}
	return s.drain(m)
}

func (s *sound) close() {
	s.packet.Close()
	s.e.Close()
}
