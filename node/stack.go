package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// stack decodes the stripes of one segment, puts them on top of each other and
// encodes whole pictures: what is left to do where the stripes' encoder could
// not keep motion inside its stripe.
func (n *Node) stack(ctx context.Context, b bucket.Buckets, s *plan.Stack, progress func(float64)) (plan.CellResult, error) {
	var res plan.CellResult
	if err := available(encode.X264); err != nil {
		return res, fmt.Errorf("segment %d: %w", s.Segment.Index, err)
	}
	var enc *encode.Cell
	info, err := putStream(ctx, b, s.Out, func(w io.Writer) (err error) {
		stripes, err := openStripes(ctx, b, s)
		defer closeStripes(stripes)
		if err != nil {
			return err
		}
		enc, err = encode.NewCell(w, encode.CellOptions{
			Width: s.Width, Height: s.Height, Rate: s.Rate,
			Preset: s.Encoder.Preset, CRF: s.Encoder.CRF, GOP: s.Encoder.GOP,
			CanvasHeight: s.Encoder.CanvasHeight, Threads: 1,
		})
		if err != nil {
			return err
		}
		err = stackFrames(ctx, s, stripes, enc, progress)
		if cerr := enc.Close(); err == nil {
			err = cerr
		}
		return err
	})
	if err != nil {
		return res, fmt.Errorf("segment %d: %w", s.Segment.Index, err)
	}
	res = plan.CellResult{Frames: enc.Frames(), Bytes: info.Size, Stitchable: true}
	if res.Frames != s.Segment.Count {
		return res, fmt.Errorf("segment %d: %d frames encoded, want %d", s.Segment.Index, res.Frames, s.Segment.Count)
	}
	return res, nil
}

type stripeSource struct {
	src   io.Closer
	video *decode.Video
}

func openStripes(ctx context.Context, b bucket.Buckets, s *plan.Stack) ([]stripeSource, error) {
	var stripes []stripeSource
	for i, st := range s.Stripes {
		src, err := openRef(ctx, b, st.Source)
		if err != nil {
			return stripes, fmt.Errorf("stripe %d: %w", i, err)
		}
		v, err := decode.OpenStripe(ctx, src, s.Rate)
		if err != nil {
			src.Close()
			return stripes, fmt.Errorf("stripe %d: %w", i, err)
		}
		stripes = append(stripes, stripeSource{src, v})
	}
	return stripes, nil
}

func closeStripes(stripes []stripeSource) {
	for _, s := range stripes {
		s.video.Close()
		s.src.Close()
	}
}

func stackFrames(ctx context.Context, s *plan.Stack, stripes []stripeSource, enc *encode.Cell, progress func(float64)) error {
	canvas := media.NewFrame(s.Width, s.Height)
	canvas.Color, canvas.Siting = media.CanvasColor, media.SitingLeft
	for f := range s.Segment.Count {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		y := 0
		for i, st := range stripes {
			frame, err := st.video.Read()
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("stripe %d ends after %d frames, want %d", i, f, s.Segment.Count)
			}
			if err != nil {
				return fmt.Errorf("stripe %d, frame %d: %w", i, f, err)
			}
			if frame.Width() != s.Width || frame.Height() != s.Stripes[i].Height {
				return fmt.Errorf("stripe %d, frame %d: %dx%d, want %dx%d", i, f, frame.Width(), frame.Height(), s.Width, s.Stripes[i].Height)
			}
			copyRows(canvas, frame, y)
			y += frame.Height()
		}
		canvas.Time = s.Rate.Time(f)
		if err := enc.Write(canvas); err != nil {
			return fmt.Errorf("frame %d: %w", f, err)
		}
		progress(100 * float64(f+1) / float64(s.Segment.Count))
	}
	return nil
}

// copyRows copies stripe, 8-bit 4:2:0, into canvas from luma row y (even) down.
func copyRows(canvas, stripe *media.Frame, y int) {
	for i := range canvas.Planes {
		dst, src, top := canvas.Planes[i], stripe.Planes[i], y
		if i > 0 {
			top = y / 2
		}
		for r := range src.Height {
			copy(dst.Data[(top+r)*dst.Stride:][:dst.Width], src.Data[r*src.Stride:][:src.Width])
		}
	}
}
