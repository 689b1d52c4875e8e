package definition

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Pair is two whole numbers of pixels: width and height, or x and y.
type Pair [2]int

// Crop is a window of an upright picture, in shares of its width and height: x, y,
// width, height.
type Crop [4]float64

// Kind is what a part is for.
type Kind string

const (
	Backing   Kind = "backing"   // what everyone sang to; its time line is the song's
	Reference Kind = "reference" // a guide voice to learn from
	Rendition Kind = "rendition" // a singer's take
)

// Kinds lists the part kinds.
func Kinds() []Kind { return []Kind{Backing, Reference, Rendition} }

// Span says which stretch of song time is rendered.
type Span string

const (
	SpanBacking Span = "backing" // from the start of the backing's file to its end
	SpanUnion   Span = "union"   // from the earliest start of any part to the latest end
)

// Fit says how a picture fills its tile.
type Fit string

const (
	FitContain Fit = "contain" // all of the picture, background left over
	FitCover   Fit = "cover"   // all of the tile, picture cropped in the middle
)

// PanLaw names how a pan becomes a left and a right gain.
type PanLaw string

const (
	ConstantPower PanLaw = "constant-power" // -3 dB in the middle
	ConstantGain  PanLaw = "constant-gain"  // -6 dB in the middle: left + right is constant
)

// Balance says who sets the level of a voice.
type Balance string

const (
	BalanceAuto Balance = "auto" // measured loudness is levelled first, then volume multiplies
	BalanceOff  Balance = "off"  // volume alone
)

// FPS is a frame rate in frames per second, as the fraction Num/Den in lowest
// terms. On the wire it is a whole number (25) or a fraction in a string ("30000/1001").
type FPS struct{ Num, Den int }

// MaxFPSTerm bounds both terms of a frame rate. A movie's length is counted in 32 bits
// of ticks of 1/Num s, which with this bound hold nearly five hours.
const MaxFPSTerm = 240_000

// ParseFPS reads "25", "29.97" or "30000/1001". Decimals become the fraction they
// stand for: the NTSC rates 23.976, 29.97 and 59.94 are 24000, 30000 and 60000 / 1001.
func ParseFPS(s string) (FPS, error) {
	f, err := parseFPS(s)
	if err == nil && (f.Num > MaxFPSTerm || f.Den > MaxFPSTerm) {
		err = fmt.Errorf("%q is no frame rate, want terms of at most %d", s, MaxFPSTerm)
	}
	if err != nil {
		return FPS{}, err
	}
	return f, nil
}

func parseFPS(s string) (FPS, error) {
	if num, den, ok := strings.Cut(s, "/"); ok {
		n, err1 := strconv.Atoi(num)
		d, err2 := strconv.Atoi(den)
		if err1 != nil || err2 != nil || n <= 0 || d <= 0 {
			return FPS{}, fmt.Errorf("%q is no frame rate, want a number such as 25 or a fraction such as 30000/1001", s)
		}
		return FPS{n, d}.lowest(), nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0 && v < 1e6) {
		return FPS{}, fmt.Errorf("%q is no frame rate, want a number such as 25 or a fraction such as 30000/1001", s)
	}
	for _, n := range []int{24000, 30000, 60000, 120000} {
		if f := float64(n) / 1001; v > f-0.005 && v < f+0.005 {
			return FPS{n, 1001}, nil
		}
	}
	n := int(v*1000 + 0.5)
	if n == 0 {
		return FPS{}, fmt.Errorf("%q is no frame rate, want at least 0.001", s)
	}
	return FPS{n, 1000}.lowest(), nil
}

func (f FPS) lowest() FPS {
	a, b := f.Num, f.Den
	for b != 0 {
		a, b = b, a%b
	}
	return FPS{f.Num / a, f.Den / a}
}

// Float returns the rate as a number, 0 for the zero value.
func (f FPS) Float() float64 {
	if f.Den == 0 {
		return 0
	}
	return float64(f.Num) / float64(f.Den)
}

// String returns "25" or "30000/1001".
func (f FPS) String() string {
	if f.Den == 1 {
		return strconv.Itoa(f.Num)
	}
	return fmt.Sprintf("%d/%d", f.Num, f.Den)
}

// MarshalJSON writes a whole number, or a string for other fractions.
func (f FPS) MarshalJSON() ([]byte, error) {
	if f.Den == 1 {
		return []byte(strconv.Itoa(f.Num)), nil
	}
	return json.Marshal(f.String())
}

// UnmarshalJSON reads a number or a string.
func (f *FPS) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	v, err := ParseFPS(s)
	if err == nil {
		*f = v
	}
	return err
}

// RGB is an sRGB colour; "#rrggbb" on the wire.
type RGB [3]uint8

// ParseRGB reads "#rrggbb" or "#rgb".
func ParseRGB(s string) (RGB, error) {
	hex, ok := strings.CutPrefix(s, "#")
	if ok && len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	v, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return RGB{}, fmt.Errorf("%q is no colour, want #rrggbb", s)
	}
	return RGB{uint8(v >> 16), uint8(v >> 8), uint8(v)}, nil
}

// String returns "#rrggbb".
func (c RGB) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// MarshalText writes "#rrggbb".
func (c RGB) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "#rrggbb".
func (c *RGB) UnmarshalText(b []byte) error {
	v, err := ParseRGB(string(b))
	if err == nil {
		*c = v
	}
	return err
}
