package stitch

import (
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
func Inspect(r io.Reader) (Info, error) { return Info{}, nil }

// StripeMV reports whether a SEI NAL unit (header byte first, no start code) is
// x264's and says that motion is kept inside the picture: bit 0x8000 in the
// second number of "analyse=a:b". The option being taken proves nothing, as a
// stock library takes it in silence.
func StripeMV(sei []byte) bool { return false }
