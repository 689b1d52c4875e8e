package media

// Matrix names the coefficients that turn R'G'B' into Y'CbCr.
type Matrix int

// Primaries names the gamut.
type Primaries int

// Transfer names the electro-optical transfer, as far as it matters here.
type Transfer int

// Range says which code values black and white have.
type Range int

// Siting is the position of a chroma sample inside its cell of luma samples.
type Siting int

// Zero is always "unknown"; see Color.Resolve.
const (
	MatrixUnknown Matrix = iota
	BT601                // ITU-R BT.601, Kr 0.299, Kb 0.114 (SMPTE 170M, BT.470BG)
	BT709                // ITU-R BT.709, Kr 0.2126, Kb 0.0722
	BT2020               // ITU-R BT.2020 non-constant luminance, Kr 0.2627, Kb 0.0593
)

const (
	RangeUnknown Range = iota
	Limited            // 8 bit: Y 16..235, C 16..240
	Full               // 8 bit: 0..255
)

const (
	PrimariesUnknown Primaries = iota
	Primaries601               // SMPTE 170M and BT.470BG, near enough to each other and to BT.709 to be treated as BT.709
	Primaries709
	Primaries2020
)

const (
	TransferUnknown Transfer = iota
	TransferSDR              // BT.709, BT.601, BT.2020 SDR and sRGB
	TransferPQ               // SMPTE ST 2084
	TransferHLG              // ARIB STD-B67, ITU-R BT.2100
)

const (
	SitingUnknown Siting = iota
	SitingLeft           // co-sited with the left luma column, between two rows (MPEG-2, H.264 default)
	SitingCenter         // in the middle of the cell (JPEG, MPEG-1)
	SitingTopLeft        // co-sited with the top left luma sample (BT.2020)
)

// Color says what the code values of a picture mean. Zero fields are unknown.
type Color struct {
	Matrix    Matrix    `json:"matrix,omitempty"`
	Range     Range     `json:"range,omitempty"`
	Primaries Primaries `json:"primaries,omitempty"`
	Transfer  Transfer  `json:"transfer,omitempty"`
}

// CanvasColor is the colour of everything we compose: BT.709, limited range,
// chroma sited left.
var CanvasColor = Color{Matrix: BT709, Range: Limited, Primaries: Primaries709, Transfer: TransferSDR}

// Resolve replaces unknown fields by what players assume. codedHeight is the
// number of luma rows of the coded source.
//
//	field      unknown becomes
//	Matrix     BT.601 below 720 coded rows, else BT.709 (what Chromium does)
//	Range      limited (MJPEG and the yuvj formats are tagged full by decode)
//	Primaries  those of the matrix
//	Transfer   SDR
func (c Color) Resolve(codedHeight int) Color {
	if c.Matrix == MatrixUnknown {
		switch {
		case c.Primaries == Primaries2020 || c.Transfer == TransferPQ || c.Transfer == TransferHLG:
			c.Matrix = BT2020
		case codedHeight < 720:
			c.Matrix = BT601
		default:
			c.Matrix = BT709
		}
	}
	if c.Range == RangeUnknown {
		c.Range = Limited
	}
	if c.Primaries == PrimariesUnknown {
		c.Primaries = map[Matrix]Primaries{BT601: Primaries601, BT709: Primaries709, BT2020: Primaries2020}[c.Matrix]
	}
	if c.Transfer == TransferUnknown {
		c.Transfer = TransferSDR
	}
	return c
}

// Resolve replaces an unknown siting by SitingLeft, the default of the MPEG family.
func (s Siting) Resolve() Siting {
	if s == SitingUnknown {
		return SitingLeft
	}
	return s
}
