package encode

import (
	"errors"
	"io"

	"github.com/choirless/render/media"
)

// CellOptions say how a cell is encoded. All cells that are to be joined must
// have the same options but for Height.
type CellOptions struct {
	Width, Height int // luma pixels, even
	Rate          media.FrameRate
	Preset        string // x264 preset; "" is veryfast
	CRF           int    // x264 constant rate factor
	GOP           int    // output frames per closed GOP
	// StripeMV asks for motion kept inside the stripe. Whether that happened is
	// in Cell.Stitchable.
	StripeMV bool
	// CanvasHeight decides the level, which is that of the whole canvas; 0 means Height.
	CanvasHeight int
	// Threads is how many threads the encoder may use; 0 means 1. The bytes
	// depend on it.
	Threads int
}

// Cell encodes one (stripe, segment) as raw H.264 (Annex B): closed GOPs, IDR
// first, constant frame rate. Not safe for concurrent use.
type Cell struct{}

// NewCell starts a cell that is written to w, which is not closed.
func NewCell(w io.Writer, o CellOptions) (*Cell, error) { return nil, errors.ErrUnsupported }

// Write encodes the next picture: 8-bit 4:2:0 of the cell's size, in
// media.CanvasColor. f may be reused as soon as Write returns.
func (c *Cell) Write(f *media.Frame) error { return errors.ErrUnsupported }

// Close flushes and frees everything. It may be called more than once.
func (c *Cell) Close() error { return nil }

// Frames returns how many pictures have been written to the stream; all of
// them only after Close.
func (c *Cell) Frames() int { return 0 }

// Stitchable reports whether the encoder really keeps all motion inside the
// stripe, as its own SEI in the stream says. Meaningful after Close.
func (c *Cell) Stitchable() bool { return false }

// StripeMVAvailable reports whether the libx264 in this process can keep motion
// inside a stripe. It is found out once by a tiny encode. Safe for concurrent use.
func StripeMVAvailable() bool { return false }
