package gl

/*
#cgo LDFLAGS: -lm
#include "convert.h"
*/
import "C"

// LightSpec describes a conversion through linear light.
type LightSpec struct {
	// RGB gives R'G'B' (0..1) from codes (y, cb, cr, 1).
	RGB [3][4]float64
	// Linear is the light of a signal, each 0..1 for 0..1.
	Linear func(signal float64) float64
	// Gain is a factor on all three, by luminance under the weights Luma.
	Luma [3]float64
	Gain func(luma float64) float64
	// Gamut is applied to light after Gain.
	Gamut [3][3]float64
	// Tone brings light from 0..Top down to 0..1.
	Top  float64
	Tone func(light float64) float64
	// Gamma is the canvas' signal of a light.
	Gamma func(light float64) float64
	// Out gives canvas codes from (R', G', B', 1).
	Out [3][4]float64
}

// Light is a conversion of 8-bit Y'CbCr codes through linear light. It is
// immutable and safe for concurrent use.
type Light struct{ c *C.choir_light_t }

// NewLight works out the curves.
func NewLight(s LightSpec) Light {
	l := &C.choir_light_t{top: C.float(s.Top)}
	for i := range 3 {
		l.luma[i] = C.float(s.Luma[i])
		for j := range 4 {
			l.rgb[i][j], l.out[i][j] = C.float(s.RGB[i][j]), C.float(s.Out[i][j])
		}
		for j := range 3 {
			l.gamut[i][j] = C.float(s.Gamut[i][j])
		}
	}
	for i := range l.linear {
		x := min(float64(i)/C.CHOIR_STEPS, 1)
		l.linear[i] = C.float(s.Linear(x))
		l.gain[i] = C.float(s.Gain(x * x))
		l.gamma[i] = C.float(s.Gamma(x * x))
		light := max(x*x, 1e-9) * s.Top
		l.tone[i] = C.float(s.Tone(light) / light)
	}
	return Light{l}
}

// Convert converts a 4:2:0 picture sited left. oddX and oddY, 0 or 1, is the
// luma column and row at which chroma sample 0 lies.
func (l Light) Convert(dst, src [3]Samples, oddX, oddY int) {
	C.choir_light(dst[0].ptr(), C.int(dst[0].Stride), dst[1].ptr(), dst[2].ptr(), C.int(dst[1].Stride),
		src[0].ptr(), C.int(src[0].Stride), src[1].ptr(), src[2].ptr(), C.int(src[1].Stride),
		C.int(src[0].Width), C.int(src[0].Height), C.int(src[1].Width), C.int(src[1].Height),
		C.int(oddX), C.int(oddY), l.c)
}
