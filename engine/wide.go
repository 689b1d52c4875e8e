package engine

// Wide colour on the CPU: the function of shaders/color.glsl again, in float64,
// from which the fast variant's curves are made (engine/gl/light.c).

import (
	"math"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
)

// lightSpec describes a wide transform of 8-bit codes.
func lightSpec(t transform) gl.LightSpec {
	s := gl.LightSpec{
		Linear: func(v float64) float64 { return math.Pow(v, 2.4) }, // BT.1886
		Gain:   func(float64) float64 { return 1 },
		Gamut:  t.gamut,
		Tone:   func(light float64) float64 { return math.Min(light, 1) },
		Top:    2, // SDR light passes 1 only by what the gamut adds
		Gamma:  func(light float64) float64 { return math.Pow(light, 1/2.4) },
	}
	switch t.transfer {
	case media.TransferHLG:
		s.Linear, s.Tone, s.Top = hlgScene, tone, 2*tonePeak
		s.Luma = [3]float64{0.2627, 0.6780, 0.0593}
		s.Gain = func(y float64) float64 { return math.Pow(math.Max(y, 1e-6), 0.2) * tonePeak }
	case media.TransferPQ:
		// Light beyond the peak is the peak; so the curve's steps are not
		// wasted on what no camera makes.
		s.Linear = func(v float64) float64 { return math.Min(pqLight(v)/tonePeak/4, 1) }
		s.Gain, s.Tone, s.Top = func(float64) float64 { return 4 * tonePeak }, tone, 8*tonePeak
	}
	zero := [3]float64{t.from.lumaZero, t.from.chromaZero, t.from.chromaZero}
	size := [3]float64{t.from.lumaOne - t.from.lumaZero, t.from.chromaOne - t.from.chromaZero, t.from.chromaOne - t.from.chromaZero}
	out := fromRGB(media.CanvasColor.Matrix)
	to := codesOf(media.CanvasColor.Range, 8)
	for i := range 3 {
		for j := range 3 {
			k := t.toRGB[i][j] / size[j]
			s.RGB[i][j] = k
			s.RGB[i][3] -= k * zero[j]
			scale := to.chromaOne - to.chromaZero
			if i == 0 {
				scale = to.lumaOne - to.lumaZero
			}
			s.Out[i][j] = out[i][j] * scale
		}
		s.Out[i][3] = to.chromaZero
	}
	s.Out[0][3] = to.lumaZero
	return s
}

// hlgScene is the inverse OETF, BT.2100-2 table 5.
func hlgScene(v float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	if v < 0.5 {
		return v * v / 3
	}
	return (math.Exp((v-c)/a) + b) / 12
}

// pqLight is the EOTF, BT.2100-2 table 4, in units of reference white.
func pqLight(v float64) float64 {
	const m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
	e := math.Pow(v, 1/m2)
	return math.Pow(math.Max(e-c1, 0)/(c2-c3*e), 1/m1) * 10000 / 203
}

// tone is the curve that brings light down to 0..1.
func tone(light float64) float64 {
	if light <= toneKnee {
		return light
	}
	t := (math.Min(light, tonePeak) - toneKnee) / (tonePeak - toneKnee)
	a := (tonePeak-toneKnee)/(1-toneKnee) - 1
	return toneKnee + (1-toneKnee)*t*(1+a)/(1+a*t)
}
