package stitch

import (
	"context"
	"io"
)

// JoinOptions say what Join lets pass.
type JoinOptions struct {
	// AnyMotion is that of Movie.
	AnyMotion bool
}

// Join writes the joined segments as one H.264 byte stream (Annex B), with the
// parameter sets before every IDR picture.
func Join(ctx context.Context, w io.Writer, segments []Segment, o JoinOptions) (Stats, error) {
	return Stats{}, nil
}

// Poison writes the byte stream that shows whether a stripe keeps its motion
// inside: noise above and below it, as one picture. Decoded, the rows of the
// stripe must equal the stripe decoded alone; a reference outside of the stripe
// would have read noise. Noise is a stripe of the same width made with the same
// encoder options and number of pictures. It returns the first row of the
// stripe in the joined picture, in luma samples.
func Poison(ctx context.Context, w io.Writer, noise, stripe Opener) (row int, err error) {
	return 0, nil
}
