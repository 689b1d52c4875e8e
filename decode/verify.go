package decode

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/choirless/render/media"
)

// A decoder on a card is used for a codec when it gives every picture of a carried
// clip as libav's own decoder does: as many, in the same order, at the same times,
// with the same tags, every sample equal.
//
// The clips are as small as all cards take (NVDEC wants 144x144 of HEVC, 128x128 of
// VP9 and AV1), and hold what decoders get wrong: motion in parts of a pixel and
// beyond the edges, pictures out of order, pictures that are never shown, times that
// are not even, keyframes to begin in the middle.

//go:generate clips/make
//go:embed clips/*.mkv
var clips embed.FS

// clipMiddle is a part time past the second keyframe of every clip.
const clipMiddle = 700 * time.Millisecond

// verify reports how a candidate differs from libav's own decoder on the codec's clip.
func verify(c *candidate, codec string) error {
	clip, err := clips.ReadFile("clips/" + codec + ".mkv")
	if err != nil {
		return err
	}
	return verifyWith(c, clip, clip)
}

// verifyWith compares what libav's own decoder makes of one clip with what the
// candidate makes of another.
func verifyWith(c *candidate, clip, candidates []byte) error {
	none := func(string) *candidate { return nil }
	only := func(string) *candidate { return c }
	for _, from := range []time.Duration{0, clipMiddle} {
		want, err := openVideo(context.Background(), bytes.NewReader(clip), VideoOptions{From: from}, none)
		if err != nil {
			return err
		}
		got, err := openVideo(context.Background(), bytes.NewReader(candidates), VideoOptions{From: from}, only)
		if err == nil {
			err = sameVideo(want, got)
			got.Close()
		}
		want.Close()
		if err != nil {
			return fmt.Errorf("%s: clip from %v: %w", c.library, from, err)
		}
	}
	return nil
}

// sameVideo reads both to the end. got must not have fallen back.
func sameVideo(want, got *Video) error {
	for n := 0; ; n++ {
		w, werr := want.Read()
		g, gerr := got.Read()
		switch {
		case got.fallback != nil:
			return got.fallback
		case werr == io.EOF && gerr == io.EOF && n > 0:
			return nil
		case werr != nil || gerr != nil:
			return fmt.Errorf("picture %d: %v, in software %v", n, gerr, werr)
		}
		if err := sameFrame(w, g); err != nil {
			return fmt.Errorf("picture %d: %w", n, err)
		}
	}
}

// sameFrame reports how two pictures differ.
func sameFrame(want, got *media.Frame) error {
	w, g := withoutSamples(want), withoutSamples(got)
	if !reflect.DeepEqual(w, g) {
		return fmt.Errorf("is %+v, in software %+v", g, w)
	}
	for i, w := range want.Planes {
		g, row := got.Planes[i], w.Width*((want.Depth+7)/8)
		for y := range w.Height {
			a, b := w.Data[y*w.Stride:][:row], g.Data[y*g.Stride:][:row]
			if bytes.Equal(a, b) {
				continue
			}
			x := 0
			for a[x] == b[x] {
				x++
			}
			return fmt.Errorf("plane %d, row %d, byte %d: %d, in software %d", i, y, x, b[x], a[x])
		}
	}
	return nil
}

// withoutSamples is all else that a picture says.
func withoutSamples(f *media.Frame) media.Frame {
	c := *f
	for i, p := range c.Planes {
		c.Planes[i] = media.Plane{Width: p.Width, Height: p.Height}
	}
	return c
}
