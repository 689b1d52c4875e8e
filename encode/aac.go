package encode

import (
	"errors"

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

// AAC encodes AAC-LC. Not safe for concurrent use.
type AAC struct{}

// NewAAC starts an encoder for 1 or 2 channels. bitrate is in bits per second,
// 0 means 192000 for stereo and 96000 for mono.
func NewAAC(rate media.SampleRate, channels, bitrate int) (*AAC, error) {
	return nil, errors.ErrUnsupported
}

// Write encodes b, any length, and returns the packets that are complete. The
// packets are the caller's.
func (a *AAC) Write(b media.Block) ([]Packet, error) { return nil, errors.ErrUnsupported }

// Flush returns the rest. Nothing can be written after it.
func (a *AAC) Flush() ([]Packet, error) { return nil, errors.ErrUnsupported }

// Config returns the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
func (a *AAC) Config() []byte { return nil }

// Priming returns how many sample frames precede the first real one.
func (a *AAC) Priming() int { return 0 }

// Close frees everything. It may be called more than once.
func (a *AAC) Close() error { return nil }
