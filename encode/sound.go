package encode

import (
	"fmt"
	"io"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// soundBlock is how many sample frames a packet has. At 48 kHz it is 50 ms, so
// that the timestamps of a container that counts milliseconds are exact; and in
// FLAC it is within the streamable subset (RFC 9639, section 7: at most 4608).
const soundBlock = 2400

// sound feeds an encoder whose packets go into a container.
type sound struct {
	e       *av.Encoder
	packet  *av.Packet
	pending blocks
	at      int64
	stream  int
}

func newSound(e *av.Encoder, channels int) sound {
	return sound{e: e, packet: av.NewPacket(), pending: newBlocks(channels, soundBlock)}
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
