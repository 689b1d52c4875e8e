package engine

// Colour: what the numbers of a picture mean, and how they become the canvas'
// numbers. Read from top to bottom.
//
// 1. Y'CbCr. A camera's R'G'B' (each 0..1, gamma-corrected, hence the primes)
// becomes one luma and two colour differences:
//
//	Y' = Kr R' + Kg G' + Kb B'       Kg = 1 - Kr - Kb
//	Cb = (B' - Y') / (2 (1 - Kb))    -1/2 .. 1/2
//	Cr = (R' - Y') / (2 (1 - Kr))    -1/2 .. 1/2
//
// The standards differ in Kr and Kb only: BT.601-7 section 2.5.1, BT.709-6
// item 3.2, BT.2020-2 table 4 (non-constant luminance).
//
// 2. Range. Numbers are stored in n bits. Limited range leaves head and foot
// room, full range does not (BT.709-6 item 4.6, H.264 (2021) E.2.1
// video_full_range_flag):
//
//	limited  Y = (219 Y' + 16) 2^(n-8)    C = (224 C' + 128) 2^(n-8)
//	full     Y = (2^n - 1) Y'             C = (2^n - 1) C' + 2^(n-1)
//
// 3. So when only matrix and range differ, canvas codes are a linear function
// of source codes: one 3x4 matrix, computed here in float64. As R' = G' = B'
// gives Cb = Cr = 0 in every matrix, the chroma rows never need luma: a source's
// chroma planes can be converted on their own, and its luma plane needs a bit
// of chroma (-0.118 Cb - 0.213 Cr from BT.601 to BT.709: leave it out and every
// face gets a shade wrong).
//
// 4. Siting, where a chroma sample lies, is geometry: see geometry.go.
//
// 5. Wide colour. BT.2020 primaries, HLG and PQ (BT.2100-2) cannot be converted
// that way: equal numbers are different lights. Those go through linear light,
// shaders/color.glsl:
//
//	codes -> R'G'B' -> light (1 = reference white, 203 cd/m2, BT.2408-7
//	section 2.2) -> BT.709 primaries (BT.2087-0) -> tone curve -> R'G'B' -> codes
//
// The tone curve is a straight line up to the knee and a hyperbola from there
// to the peak; for SDR in wide primaries, whose white is the canvas' white, it is
// the line alone. It leaves faces, which live below the knee, exactly as bright as
// the light says, and puts reference white at 0.77 of the SDR signal's light
// (code 212), with the rest for highlights. Taking HLG codes for SDR codes
// instead is the "washed out" look: too bright in the shadows, too pale.
// BT.2446's curves were considered: they need the luminance of the whole
// picture or three times the arithmetic, for highlights only.

import (
	"math"

	"github.com/choirless/render/media"
)

// knee and peak of the tone curve, in units of reference white. 1000 cd/m2 is
// the nominal peak of HLG and what most PQ material is graded on.
const (
	toneKnee = 0.5
	tonePeak = 1000.0 / 203
)

// mat3 is row by row.
type mat3 [3][3]float64

func (m mat3) mul(n mat3) (o mat3) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				o[i][j] += m[i][k] * n[k][j]
			}
		}
	}
	return o
}

func (m mat3) floats() []float32 {
	var f []float32
	for _, r := range m {
		f = append(f, float32(r[0]), float32(r[1]), float32(r[2]))
	}
	return f
}

// luma returns Kr and Kb.
func luma(m media.Matrix) (kr, kb float64) {
	switch m {
	case media.BT601:
		return 0.299, 0.114
	case media.BT2020:
		return 0.2627, 0.0593
	}
	return 0.2126, 0.0722
}

// fromRGB returns the matrix from R'G'B' to Y'CbCr.
func fromRGB(m media.Matrix) mat3 {
	kr, kb := luma(m)
	kg := 1 - kr - kb
	b, r := 2*(1-kb), 2*(1-kr)
	return mat3{
		{kr, kg, kb},
		{-kr / b, -kg / b, (1 - kb) / b},
		{(1 - kr) / r, -kg / r, -kb / r},
	}
}

// toRGB returns the matrix from Y'CbCr to R'G'B'.
func toRGB(m media.Matrix) mat3 {
	kr, kb := luma(m)
	kg := 1 - kr - kb
	b, r := 2*(1-kb), 2*(1-kr)
	return mat3{
		{1, 0, r},
		{1, -b * kb / kg, -r * kr / kg},
		{1, b, 0},
	}
}

// gamut2020to709 converts linear light, BT.2087-0 annex 2 (M2).
var gamut2020to709 = mat3{
	{1.6605, -0.5876, -0.0728},
	{-0.1246, 1.1329, -0.0083},
	{-0.0182, -0.1006, 1.1187},
}

// codes says which code values stand for 0 and for 1 of luma and chroma.
type codes struct{ lumaZero, lumaOne, chromaZero, chromaOne float64 }

func codesOf(r media.Range, depth int) codes {
	if r == media.Full {
		top := math.Exp2(float64(depth)) - 1
		return codes{0, top, math.Exp2(float64(depth - 1)), math.Exp2(float64(depth-1)) + top}
	}
	u := math.Exp2(float64(depth - 8))
	return codes{16 * u, 235 * u, 128 * u, 352 * u}
}

// transform turns source codes into 8-bit canvas codes.
type transform struct {
	// linear: canvas code = rows * (y, cb, cr, 1).
	rows [3][4]float64
	// wide: not linear, goes through light; transfer and gamut say how.
	wide     bool
	transfer media.Transfer
	gamut    mat3
	toRGB    mat3
	from     codes
}

// transformOf returns the transform from a resolved colour.
func transformOf(c media.Color, depth int) transform {
	t := transform{
		from:     codesOf(c.Range, depth),
		toRGB:    toRGB(c.Matrix),
		transfer: c.Transfer,
		gamut:    mat3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	}
	if c.Primaries == media.Primaries2020 {
		t.wide, t.gamut = true, gamut2020to709
	}
	if c.Transfer == media.TransferPQ || c.Transfer == media.TransferHLG {
		t.wide = true
	}
	to := codesOf(media.CanvasColor.Range, 8)
	m := mat3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	if c.Matrix != media.CanvasColor.Matrix {
		m = fromRGB(media.CanvasColor.Matrix).mul(t.toRGB)
		// Zero by the argument of point 3; make it so exactly.
		m[0][0], m[1][0], m[2][0] = 1, 0, 0
	}
	zero := [3]float64{t.from.lumaZero, t.from.chromaZero, t.from.chromaZero}
	size := [3]float64{t.from.lumaOne - t.from.lumaZero, t.from.chromaOne - t.from.chromaZero, t.from.chromaOne - t.from.chromaZero}
	toZero := [3]float64{to.lumaZero, to.chromaZero, to.chromaZero}
	toSize := [3]float64{to.lumaOne - to.lumaZero, to.chromaOne - to.chromaZero, to.chromaOne - to.chromaZero}
	for i := range 3 {
		t.rows[i][3] = toZero[i]
		for j := range 3 {
			k := m[i][j] * toSize[i] / size[j]
			t.rows[i][j] = k
			t.rows[i][3] -= k * zero[j]
		}
	}
	return t
}

// copies reports whether the transform leaves 8-bit codes as they are.
func (t transform) copies() bool {
	return !t.wide && t.rows == [3][4]float64{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}
}

// lumaAlone reports whether luma needs no chroma.
func (t transform) lumaAlone() bool {
	return !t.wide && t.rows[0][1] == 0 && t.rows[0][2] == 0
}

// canvasColor converts an sRGB colour to canvas codes, not rounded. sRGB and
// BT.709 share primaries, and video players show BT.709 codes as if they were
// sRGB, so a colour picked on a screen keeps its look when R'G'B' is taken as is.
func canvasColor(r, g, b float64) (y, cb, cr float64) {
	m := fromRGB(media.CanvasColor.Matrix)
	v := [3]float64{r, g, b}
	var o [3]float64
	for i := range 3 {
		for j := range 3 {
			o[i] += m[i][j] * v[j]
		}
	}
	return 219*o[0] + 16, 224*o[1] + 128, 224*o[2] + 128
}
