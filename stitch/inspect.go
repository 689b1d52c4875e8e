package stitch

import (
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/media"
)

// Info is what the headers of a stripe say.
type Info struct {
	Width, Height int // luma samples as shown
	// Rate is from the VUI timing; zero when absent.
	Rate media.FrameRate
	// Encoder is x264's own description of its settings, from the SEI; empty
	// when there is none.
	Encoder string
	// StripeMV: the encoder promises to keep all motion inside the picture.
	StripeMV bool
	CABAC    bool
	Profile  int // profile_idc
	Level    int // level_idc, ten times the level
}

// Inspect reads a stripe (Annex B) up to its first slice.
func Inspect(r io.Reader) (Info, error) {
	s := newStripe(r)
	if err := s.begin(); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("no picture")
		}
		return Info{}, fmt.Errorf("stripe: %w", err)
	}
	return Info{
		Width:    s.sps.width(),
		Height:   s.sps.height(),
		Rate:     s.sps.vui.rate,
		Encoder:  s.encoder,
		StripeMV: s.stripeMV,
		CABAC:    s.pps.cabac,
		Profile:  int(s.sps.profile),
		Level:    int(s.sps.level),
	}, nil
}
