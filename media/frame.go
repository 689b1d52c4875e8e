package media

import "time"

// Plane is one component array of a picture.
type Plane struct {
	// Data holds Height rows, Stride bytes apart. Samples of more than 8 bits
	// are two bytes each, little endian, in the low bits.
	Data []byte
	// Stride is the distance from row to row in bytes; it may exceed the row.
	Stride int
	// Width and Height are in samples.
	Width, Height int
}

// MaxSide is the longest side of a picture that can be drawn, in samples: what every
// OpenGL driver in use has for textures.
const MaxSide = 16384

// Frame is one picture in planar Y'CbCr, origin top left.
//
// Whoever hands out a Frame says until when its Data is valid.
type Frame struct {
	// Time is when the picture is first shown, in the time line of its source:
	// part time for decoded pictures (zero is the part's origin, the earliest
	// timestamp of any of its streams), song time for composed ones.
	Time time.Duration
	// Planes are Y, Cb, Cr. A monochrome picture has empty Cb and Cr.
	Planes [3]Plane
	// SubX and SubY are log2 of the chroma subsampling: 1, 1 for 4:2:0.
	SubX, SubY int
	// Depth is bits per sample: 8, or 9..16 in two bytes.
	Depth int
	// Color and Siting are as tagged; unknown values are resolved by Color.Resolve.
	Color  Color
	Siting Siting
	// SAR is the sample aspect ratio; the zero value means square.
	SAR Ratio
	// Rotation turns the stored picture upright.
	Rotation Rotation
}

// Width returns the stored width in luma samples.
func (f *Frame) Width() int { return f.Planes[0].Width }

// Height returns the stored height in luma samples.
func (f *Frame) Height() int { return f.Planes[0].Height }

// Ratio is a positive fraction. The zero value means 1.
type Ratio struct {
	Num int `json:"num"`
	Den int `json:"den"`
}

// Float returns the ratio as a number, 1 for the zero value.
func (r Ratio) Float() float64 {
	if r.Num <= 0 || r.Den <= 0 {
		return 1
	}
	return float64(r.Num) / float64(r.Den)
}

// Rotation is how many degrees clockwise a stored picture must be turned to
// stand upright: 0, 90, 180 or 270.
type Rotation int

// Swaps reports whether the rotation exchanges width and height.
func (r Rotation) Swaps() bool { return r == 90 || r == 270 }

// DisplaySize returns the size of a picture as it should be seen: the stored
// size in luma samples, stretched by the sample aspect ratio (width only, as
// SAR is width/height of a sample) and turned upright.
func DisplaySize(width, height int, sar Ratio, rot Rotation) (w, h float64) {
	w, h = float64(width)*sar.Float(), float64(height)
	if rot.Swaps() {
		return h, w
	}
	return w, h
}

// Crop is a window of an upright picture, in shares of its width and height from the
// top left corner: x, y, width, height. The zero value is all of it.
type Crop [4]float64

// Whole reports whether nothing is cropped.
func (c Crop) Whole() bool { return c == Crop{} || c == Crop{0, 0, 1, 1} }

// Size returns the window's size in a picture of the given one.
func (c Crop) Size(width, height float64) (w, h float64) {
	if c.Whole() {
		return width, height
	}
	return width * c[2], height * c[3]
}

// NewFrame allocates an 8-bit 4:2:0 picture of even size, rows padded to 32 bytes.
func NewFrame(width, height int) *Frame {
	f := &Frame{SubX: 1, SubY: 1, Depth: 8}
	for i := range f.Planes {
		w, h := width, height
		if i > 0 {
			w, h = (width+1)/2, (height+1)/2
		}
		stride := (w + 31) &^ 31
		f.Planes[i] = Plane{Data: make([]byte, stride*h), Stride: stride, Width: w, Height: h}
	}
	return f
}
