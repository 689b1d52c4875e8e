package decode

import (
	"context"
	"errors"
	"io"

	"github.com/choirless/render/media"
)

// Audio reads the sound of one recording as planar float32 at its native rate,
// contiguous from part time 0. Not safe for concurrent use.
type Audio struct{}

// OpenAudio opens the sound of a recording. src is read until Close and is not
// closed. Errors: ErrNoAudio, *RejectError, or of reading.
func OpenAudio(ctx context.Context, src io.ReadSeeker) (*Audio, error) {
	return nil, errors.ErrUnsupported
}

// Rate returns the sample rate of every block.
func (a *Audio) Rate() media.SampleRate { return 0 }

// Channels returns the number of channels of every block: 1, 2, or 6
// (media.Layout51, into which every larger layout is mapped).
func (a *Audio) Channels() int { return 0 }

// Read returns the next block, io.EOF after the last; valid until the next Read.
func (a *Audio) Read() (media.Block, error) { return media.Block{}, errors.ErrUnsupported }

// SeekTo makes the next block start at the given sample frame exactly. It is
// sample exact on converted parts (FLAC); elsewhere as exact as the timestamps.
func (a *Audio) SeekTo(sample int64) error { return errors.ErrUnsupported }

// Warnings says what was odd so far, for a person.
func (a *Audio) Warnings() []string { return nil }

// Close frees everything. It may be called more than once.
func (a *Audio) Close() error { return nil }
