// The look: a grading of every part's picture, in the codes of the canvas. It is
// compiled in only where a definition asks for one, so that it costs nothing
// otherwise.
//
// A uniform with "tune LEAST..MOST = DEFAULT" behind it can be set by its name in
// a definition's output.look, and has a slider in render-local. At its default it
// changes nothing.

uniform bool chroma;         // the plane is Cb or Cr, not luma
uniform float gamma;         // tune 0.5..2.0 = 1.0, mid-tones: above 1 is brighter
uniform float contrast;      // tune 0.5..1.5 = 1.0, around middle grey
uniform float saturation;    // tune 0.0..2.0 = 1.0

// code: four samples of one plane, 8-bit canvas codes.
vec4 look(vec4 code) {
    if (chroma) return (code - 128.0) * saturation + 128.0;
    vec4 v = pow(clamp((code - 16.0) / 219.0, 0.0, 1.0), vec4(1.0 / gamma));
    return ((v - 0.5) * contrast + 0.5) * 219.0 + 16.0;
}
