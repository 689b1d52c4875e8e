package stitch

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// JoinOptions say what Join lets pass.
type JoinOptions struct {
	// AnyMotion is that of Movie.
	AnyMotion bool
}

// Join writes the joined segments as one H.264 byte stream (Annex B), with the
// parameter sets before every IDR picture. Stats has no duration and no size on
// the time line: a byte stream has no clock.
func Join(ctx context.Context, w io.Writer, segments []Segment, o JoinOptions) (Stats, error) {
	return joinStream(ctx, w, segments, &joiner{anyMotion: o.AnyMotion})
}

// Poison writes the byte stream that shows whether a stripe keeps its motion
// inside: noise above and below it, as one picture. Decoded, the rows of the
// stripe must equal the stripe decoded alone; a reference outside of the stripe
// would have read noise. Noise is a stripe of the same width made with the same
// encoder options and number of pictures, of a height that is a multiple of 16.
// It returns the first row of the stripe in the joined picture, in luma samples.
func Poison(ctx context.Context, w io.Writer, noise, stripe Opener) (row int, err error) {
	r, err := noise()
	if err != nil {
		return 0, fmt.Errorf("noise: %w", err)
	}
	info, err := Inspect(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return 0, fmt.Errorf("noise: %w", err)
	}
	if info.Height%16 != 0 {
		return 0, fmt.Errorf("noise: %d rows, want a multiple of 16", info.Height)
	}
	seg := Segment{Stripes: []Opener{noise, stripe, noise}}
	_, err = joinStream(ctx, w, []Segment{seg}, &joiner{anyMotion: true, anyCrop: true})
	return info.Height, err
}

func joinStream(ctx context.Context, w io.Writer, segments []Segment, j *joiner) (Stats, error) {
	out := bufio.NewWriterSize(w, 1<<18)
	var stats Stats
	put := func(b []byte) error {
		n, err := out.Write(b)
		stats.Bytes += int64(n)
		return err
	}
	for i, seg := range segments {
		err := j.segment(ctx, i, seg, func(u unit) error {
			if u.idr {
				sets := append(startCodes(nil, j.sps), startCodes(nil, j.pps)...)
				if err := put(sets); err != nil {
					return err
				}
			}
			stats.Frames++
			stats.Video += int64(len(u.data))
			lengthsToStartCodes(u.data)
			return put(u.data)
		})
		if err != nil {
			return stats, err
		}
	}
	if j.format != nil {
		stats.Width, stats.Height = j.format.width(), j.format.height()
	}
	return stats, out.Flush()
}

// startCodes appends a NAL unit behind a start code of four bytes.
func startCodes(dst, nal []byte) []byte {
	return append(append(dst, 0, 0, 0, 1), nal...)
}

// lengthsToStartCodes replaces the length before every NAL unit, in place.
func lengthsToStartCodes(b []byte) {
	for len(b) > 0 {
		n := 4 + int(binary.BigEndian.Uint32(b))
		binary.BigEndian.PutUint32(b, 1)
		b = b[n:]
	}
}

// countPictures returns how many coded pictures a stripe has.
func countPictures(open Opener) (n int, err error) {
	r, err := open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for nals := newNALReader(r); ; {
		nal, _, err := nals.next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if t := nalType(nal); (t == nalSlice || t == nalIDRSlice) && len(nal) > 1 && nal[1]&0x80 != 0 {
			n++
		}
	}
}
