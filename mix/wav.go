package mix

import (
	"io"

	"github.com/choirless/render/media"
)

// WAVWriter writes 32-bit float WAV, RF64 beyond 4 GB, without seeking.
type WAVWriter struct{}

// NewWAVWriter writes the header of a file of exactly samples sample frames.
func NewWAVWriter(w io.Writer, rate media.SampleRate, channels int, samples int64) (*WAVWriter, error) {
	panic("unfinished")
}

// Write appends sample frames, one slice per channel.
func (w *WAVWriter) Write(channels [][]float32) error { panic("unfinished") }

// Close checks that all sample frames were written. It does not close the
// underlying writer.
func (w *WAVWriter) Close() error { panic("unfinished") }

// WAVReader reads WAV, RF64 and WAVE_FORMAT_EXTENSIBLE: PCM of 8, 16, 24 and 32
// bits, float of 32 and 64. It is a Source. Not safe for concurrent use.
type WAVReader struct{}

// OpenWAV reads the header. The reader closes r, if r is an io.Closer.
func OpenWAV(r io.Reader) (*WAVReader, error) { panic("unfinished") }

// Rate returns the sample rate.
func (w *WAVReader) Rate() media.SampleRate { panic("unfinished") }

// Channels returns the number of channels.
func (w *WAVReader) Channels() int { panic("unfinished") }

// Samples returns the number of sample frames the header promises, -1 if unknown.
func (w *WAVReader) Samples() int64 { panic("unfinished") }

// Read returns the next block, valid until the next Read; io.EOF at the end,
// io.ErrUnexpectedEOF when the file is cut short.
func (w *WAVReader) Read() (media.Block, error) { panic("unfinished") }

// Close closes the underlying reader if it can be closed.
func (w *WAVReader) Close() error { panic("unfinished") }
