package decode

import (
	"context"
	"errors"
	"io"

	"github.com/choirless/render/media"
)

// BestFrame returns the best of n pictures spread over the recording: sharp,
// well exposed, not black. The frame is the caller's. ErrNoVideo when there is
// no picture at all.
func BestFrame(ctx context.Context, src io.ReadSeeker, n int) (*media.Frame, error) {
	return nil, errors.ErrUnsupported
}
