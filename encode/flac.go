package encode

import (
	"fmt"
	"io"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// flacLevel is libav's compression level: linear prediction, but the quick
// search. Against the default (5) files grow by about a hundredth.
const flacLevel = "3"

// FLAC writes a 24-bit FLAC file. Not safe for concurrent use.
type FLAC struct {
	s      sound
	m      *av.Muxer
	err    error
	closed bool
}

// NewFLAC starts a file on w, which is not closed. 1 to 8 channels.
func NewFLAC(w io.WriteSeeker, rate media.SampleRate, channels int) (*FLAC, error) {
	if channels < 1 || channels > 8 {
		return nil, fmt.Errorf("encode: flac: %d channels, want 1 to 8", channels)
	}
	e, err := av.NewEncoder(av.EncoderOptions{
		Codec: "flac", Header: true, SampleRate: rate, Channels: channels, BlockSize: soundBlock,
		Options: []av.Option{{Key: "compression_level", Value: flacLevel}},
	})
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
	return &FLAC{m: m, s: newSound(e, channels)}, nil
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
