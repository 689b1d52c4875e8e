package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/stitch"
)

// verify decodes the movie and every stripe alone and compares all samples. A
// segment that differs is a *stitch.RefusalError, as if joining had refused it.
func (f *finisher) verify(ctx context.Context, movie *os.File) error {
	if _, err := movie.Seek(0, io.SeekStart); err != nil {
		return err
	}
	whole, err := decode.OpenVideo(ctx, movie, decode.VideoOptions{Threads: 1})
	if err != nil {
		return err
	}
	defer whole.Close()
	for i := range f.plan.Segments {
		if err := f.verifySegment(ctx, whole, i); err != nil {
			return err
		}
	}
	if _, err := whole.Read(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more than %d pictures (%v)", f.plan.Frames, err)
	}
	f.out.Verified = true
	return nil
}

// verifySegment compares the next pictures of the movie with those of segment i.
func (f *finisher) verifySegment(ctx context.Context, whole *decode.Video, i int) error {
	seg := f.segment(ctx, i)
	var stripes []*decode.Video
	for k, open := range seg.Stripes {
		r, err := open()
		if err != nil {
			return err
		}
		defer r.Close()
		v, err := decode.OpenStripe(ctx, r, f.plan.Rate)
		if err != nil {
			return fmt.Errorf("segment %d: stripe %d: %w", i, k, err)
		}
		defer v.Close()
		stripes = append(stripes, v)
	}
	for n := range seg.Frames {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		picture, err := whole.Read()
		if err != nil {
			return fmt.Errorf("segment %d: picture %d: %w", i, n, err)
		}
		y := 0
		for k, v := range stripes {
			alone, err := v.Read()
			if err != nil {
				return fmt.Errorf("segment %d: stripe %d: picture %d: %w", i, k, n, err)
			}
			if !stitch.SameRows(picture, y, alone) {
				return &stitch.RefusalError{Segment: i, Stripe: k, Picture: n, What: "the decoded picture is not the stripe's"}
			}
			y += alone.Height()
		}
	}
	return nil
}
