package decode

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/choirless/render/media"
)

// VideoOptions are the options of OpenVideo; the zero value reads from the
// beginning on one thread.
type VideoOptions struct {
	// Threads is how many threads the codec may use; 0 means 1.
	Threads int
	// From makes the first Read give a picture at or before this part time
	// (the first picture, when none is that early).
	From time.Duration
	// Wanted, when set, is asked whether a picture on show during [from, to)
	// will be looked at. A picture that will not be, and that no other picture
	// is predicted from, is not decoded and not returned.
	Wanted func(from, to time.Duration) bool
}

// Video reads the pictures of one recording in display order.
// Not safe for concurrent use.
type Video struct{}

// OpenVideo opens the picture of a recording. src is read until Close and is
// not closed. Errors: ErrNoVideo, *RejectError, or of reading.
func OpenVideo(ctx context.Context, src io.ReadSeeker, o VideoOptions) (*Video, error) {
	return nil, errors.ErrUnsupported
}

// OpenStripe reads a raw H.264 byte stream (Annex B) as a cell holds it:
// pictures in display order, picture n at time n/rate. src is not closed.
func OpenStripe(ctx context.Context, src io.Reader, rate media.FrameRate) (*Video, error) {
	return nil, errors.ErrUnsupported
}

// Read returns the next picture in display order, io.EOF after the last. The
// frame is planar in its native subsampling and depth and is valid until the
// next Read or Close. Its size may change from one picture to the next.
// Pictures that cannot be decoded are left out; Warnings counts them.
func (v *Video) Read() (*media.Frame, error) { return nil, errors.ErrUnsupported }

// Warnings says what was odd so far, for a person.
func (v *Video) Warnings() []string { return nil }

// Close frees everything. It may be called more than once.
func (v *Video) Close() error { return nil }
