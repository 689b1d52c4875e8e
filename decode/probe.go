package decode

import (
	"context"
	"errors"
	"io"

	"github.com/choirless/render/media"
)

// Probe reads the whole of src once, without decoding more than its beginning,
// and returns what it found. A recording that can never be used is a
// *RejectError; what is odd but usable is in Facts.Warnings ("cut short: …").
func Probe(ctx context.Context, src io.ReadSeeker) (media.Facts, error) {
	return media.Facts{}, errors.ErrUnsupported
}
