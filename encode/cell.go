package encode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// The range of x264's constant rate factor, the best first.
const (
	CRFLeast = 1
	CRFMost  = 51
)

// CellOptions say how a cell is encoded. All cells that are to be joined must
// have the same options but for Height.
type CellOptions struct {
	Codec         Codec
	Width, Height int // luma pixels, even
	Rate          media.FrameRate
	Preset        string  // x264 preset; "" is superfast
	CRF           float64 // x264 constant rate factor, CRFLeast to CRFMost
	GOP           int     // output frames per closed GOP
	// StripeMV asks for motion kept inside the stripe. Whether that happened is
	// in Cell.Stitchable.
	StripeMV bool
	// CanvasHeight decides the level, which is that of the whole canvas; 0 means Height.
	CanvasHeight int
	// Threads is how many threads the encoder may use; 0 means 1. The bytes
	// depend on it.
	Threads int
}

func (o *CellOptions) validate() error {
	var errs []error
	if o.Width < 16 || o.Width%2 != 0 || o.Height < 16 || o.Height%2 != 0 {
		errs = append(errs, fmt.Errorf("size %dx%d: want even numbers of at least 16", o.Width, o.Height))
	}
	if o.Rate.Num <= 0 || o.Rate.Den <= 0 {
		errs = append(errs, fmt.Errorf("frame rate %d/%d: want a positive fraction", o.Rate.Num, o.Rate.Den))
	}
	if o.CRF < CRFLeast || o.CRF > CRFMost {
		errs = append(errs, fmt.Errorf("crf %g: want %d to %d", o.CRF, CRFLeast, CRFMost))
	}
	if o.GOP < 1 {
		errs = append(errs, fmt.Errorf("gop %d: want at least 1", o.GOP))
	}
	if _, ok := presetReferences[o.Preset]; !ok {
		errs = append(errs, fmt.Errorf("preset %q: not one of x264's", o.Preset))
	}
	if o.CanvasHeight < o.Height {
		errs = append(errs, fmt.Errorf("canvas height %d: less than the cell's %d", o.CanvasHeight, o.Height))
	}
	if o.Codec != X264 && o.StripeMV {
		errs = append(errs, fmt.Errorf("codec %v: cannot keep motion inside a stripe", o.Codec))
	}
	return errors.Join(errs...)
}

// params are x264's options, the same on every node. Everything that a joined
// stream must have in common is said here: closed GOPs of fixed length, picture
// types by position and not by content (scenecut, b-adapt), parameter sets that
// do not depend on the content (stitchable), the canvas' level and its colour.
//
// People who stand still before a wall are what is encoded, and what a picture
// gets right there serves for seconds. So more than usual goes into what later
// pictures are predicted from (mbtree, which the quick presets leave out, with
// its strength raised by a low qcomp), and adaptive quantisation, which
// takes from the detailed faces for the flat walls, goes by the picture's own
// variance and a little weaker. Figures in bench/RESULTS.md.
//
// stripe-mv comes last: it sets a bit in a field that options before it may
// overwrite.
func (o *CellOptions) params() string {
	p := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:b-adapt=0:open-gop=0:stitchable=1:level=%s"+
		":mbtree=1:rc-lookahead=10:qcomp=0.3:aq-mode=2:aq-strength=0.8"+
		":colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv",
		o.GOP, o.GOP, level(o.Width, o.CanvasHeight, o.Rate, o.Preset))
	if o.StripeMV {
		p += ":stripe-mv=1"
	}
	return p
}

// Cell encodes one (stripe, segment) as raw H.264 (Annex B): closed GOPs, IDR
// first, constant frame rate. Not safe for concurrent use.
type Cell struct {
	o          CellOptions
	w          io.Writer
	e          *av.Encoder
	packet     *av.Packet
	sent       int
	frames     int
	stitchable bool
	err        error
	closed     bool
}

// NewCell starts a cell that is written to w, which is not closed.
func NewCell(w io.Writer, o CellOptions) (*Cell, error) {
	if o.Preset == "" {
		o.Preset = "superfast"
	}
	if o.CanvasHeight == 0 {
		o.CanvasHeight = o.Height
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("encode: cell: %w", err)
	}
	name, options := o.encoder()
	e, err := av.NewEncoder(av.EncoderOptions{
		Codec: name, Threads: o.Threads, Options: options,
		Width: o.Width, Height: o.Height,
		TimeBase: media.TimeBase{Num: o.Rate.Den, Den: o.Rate.Num},
		Rate:     o.Rate,
		Color:    media.CanvasColor,
		Siting:   media.SitingLeft,
	})
	if err != nil {
		return nil, fmt.Errorf("encode: cell: %w", err)
	}
	return &Cell{o: o, w: w, e: e, packet: av.NewPacket()}, nil
}

// Write encodes the next picture: 8-bit 4:2:0 of the cell's size, in
// media.CanvasColor. f may be reused as soon as Write returns.
func (c *Cell) Write(f *media.Frame) error {
	if c.err != nil {
		return c.err
	}
	if f.Width() != c.o.Width || f.Height() != c.o.Height || f.Depth != 8 || f.SubX != 1 || f.SubY != 1 {
		return fmt.Errorf("encode: cell: picture of %dx%d, %d bits, want %dx%d, 8 bits 4:2:0",
			f.Width(), f.Height(), f.Depth, c.o.Width, c.o.Height)
	}
	if c.err = c.e.SendPicture(f, media.PTS(c.sent)); c.err == nil {
		c.sent++
		c.err = c.drain()
	}
	return c.err
}

// drain writes what the encoder has ready.
func (c *Cell) drain() error {
	for {
		err := c.e.Receive(c.packet)
		if err == av.ErrAgain || err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("encode: cell: %w", err)
		}
		data := c.packet.Data()
		if c.frames == 0 {
			c.stitchable = Stitchable(data)
		}
		if _, err := c.w.Write(data); err != nil {
			return fmt.Errorf("encode: cell: %w", err)
		}
		c.frames++
	}
}

// Close flushes and frees everything. It may be called more than once, and
// returns the first error of the cell.
func (c *Cell) Close() error {
	if c.closed {
		return c.err
	}
	c.closed = true
	if c.err == nil {
		if c.err = c.e.Finish(); c.err == nil {
			c.err = c.drain()
		}
	}
	if c.err == nil && c.frames != c.sent {
		c.err = fmt.Errorf("encode: cell: internal error: %d pictures in, %d out", c.sent, c.frames)
	}
	c.packet.Close()
	c.e.Close()
	return c.err
}

// Frames returns how many pictures have been written to the stream; all of
// them only after Close.
func (c *Cell) Frames() int { return c.frames }

// Stitchable reports whether the encoder really keeps all motion inside the
// stripe, as its own SEI in the stream says. Meaningful after Close.
func (c *Cell) Stitchable() bool { return c.stitchable && c.o.StripeMV }

// StripeMVAvailable reports whether the libx264 in this process can keep motion
// inside a stripe. It is found out once by a tiny encode. Safe for concurrent use.
func StripeMVAvailable() bool { return stripeMV() }

var stripeMV = sync.OnceValue(func() bool {
	var out bytes.Buffer
	c, err := NewCell(&out, CellOptions{
		Width: 32, Height: 32, Rate: media.FrameRate{Num: 25, Den: 1}, Preset: "ultrafast",
		CRF: 30, GOP: 1, StripeMV: true,
	})
	if err != nil {
		return false
	}
	err = c.Write(media.NewFrame(32, 32))
	return errors.Join(err, c.Close()) == nil && c.Stitchable()
})

// x264SEI is the UUID of the SEI in which x264 writes its options.
var x264SEI = []byte("\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xef")

// stripeMVFlag is the bit in the second number of x264's "analyse=a:b" that says
// that motion was kept inside the stripe (X264_ANALYSE_STRIPE_MV of our patch).
const stripeMVFlag = 0x8000

// Stitchable reports whether a raw H.264 stream, of which head is at least the
// first access unit, says in x264's SEI that all motion was kept inside the
// picture, so that it may be joined with others.
func Stitchable(head []byte) bool {
	i := bytes.Index(head, x264SEI)
	if i < 0 {
		return false
	}
	// The text holds no zero bytes, so no emulation prevention is in the way.
	text, _, _ := bytes.Cut(head[i+len(x264SEI):], []byte{0})
	_, rest, ok := strings.Cut(string(text), " analyse=")
	if !ok {
		return false
	}
	var a, b uint32
	if _, err := fmt.Sscanf(rest, "%v:%v", &a, &b); err != nil {
		return false
	}
	return b&stripeMVFlag != 0
}
