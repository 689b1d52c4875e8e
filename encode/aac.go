package encode

import (
	"fmt"
	"io"
	"slices"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Packet is one encoded access unit of sound.
type Packet struct {
	Data []byte
	// PTS is when the packet's first sample is heard, in sample frames; the
	// first packet's is -Priming.
	PTS      int64
	Duration int // sample frames
}

// aacBlock is the length of an AAC-LC access unit (ISO/IEC 14496-3, 4.5.2.1).
const aacBlock = 1024

// AAC encodes AAC-LC. Not safe for concurrent use.
type AAC struct {
	e       *av.Encoder
	packet  *av.Packet
	pending blocks
	at      int64
	flushed bool
	closed  bool
}

// NewAAC starts an encoder for 1 or 2 channels. bitrate is in bits per second,
// 0 means 192000 for stereo and 96000 for mono.
func NewAAC(rate media.SampleRate, channels, bitrate int) (*AAC, error) {
	if channels != 1 && channels != 2 {
		return nil, fmt.Errorf("encode: aac: %d channels, want 1 or 2", channels)
	}
	if bitrate == 0 {
		bitrate = 96000 * channels
	}
	e, err := av.NewEncoder(av.EncoderOptions{
		Codec: "aac", Header: true, BitRate: bitrate, SampleRate: rate, Channels: channels,
	})
	if err != nil {
		return nil, fmt.Errorf("encode: aac: %w", err)
	}
	return &AAC{e: e, packet: av.NewPacket(), pending: newBlocks(channels, aacBlock)}, nil
}

// Write encodes b, any length, and returns the packets that are complete. The
// packets are the caller's.
func (a *AAC) Write(b media.Block) ([]Packet, error) {
	var out []Packet
	err := a.pending.add(b, func(block [][]float32) error {
		p, err := a.send(block)
		out = append(out, p...)
		return err
	})
	return out, err
}

func (a *AAC) send(block [][]float32) ([]Packet, error) {
	if err := a.e.SendSound(block, media.PTS(a.at)); err != nil {
		return nil, fmt.Errorf("encode: aac: %w", err)
	}
	a.at += int64(len(block[0]))
	return a.drain(nil)
}

func (a *AAC) drain(out []Packet) ([]Packet, error) {
	for {
		err := a.e.Receive(a.packet)
		if err == av.ErrAgain || err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("encode: aac: %w", err)
		}
		out = append(out, Packet{Data: slices.Clone(a.packet.Data()), PTS: int64(a.packet.PTS()), Duration: aacBlock})
	}
}

// Flush returns the rest. Nothing can be written after it.
func (a *AAC) Flush() ([]Packet, error) {
	if a.flushed {
		return nil, nil
	}
	a.flushed = true
	var out []Packet
	// The last block is filled up with silence; whoever writes the file says how
	// long the sound really is.
	if rest := a.pending.pad(); rest != nil {
		p, err := a.send(rest)
		if err != nil {
			return nil, err
		}
		out = p
	}
	if err := a.e.Finish(); err != nil {
		return out, fmt.Errorf("encode: aac: %w", err)
	}
	return a.drain(out)
}

// Config returns the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
func (a *AAC) Config() []byte { return a.e.Config() }

// Priming returns how many sample frames precede the first real one.
func (a *AAC) Priming() int { return a.e.Priming() }

// Close frees everything. It may be called more than once.
func (a *AAC) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	a.packet.Close()
	return a.e.Close()
}
