// Wide colour: sources in BT.2020 primaries, or in HLG or PQ, to the BT.709
// canvas, through linear light. The argument is in engine/color.go.
//
// #define HLG | PQ | GAMMA   the transfer of the source

uniform vec3 code_zero;      // code values of Y' = 0, Cb = 0, Cr = 0
uniform vec3 code_scale;     // 1 / codes from 0 to 1
uniform mat3 to_rgb;         // Y'CbCr to R'G'B', from the source's Kr and Kb
uniform mat3 gamut;          // linear RGB in the source's primaries to BT.709's
uniform float knee;          // where the tone curve leaves the straight line
uniform float peak;          // brightest light, in units of reference white

// Linear light, 1.0 = reference white (203 cd/m2 by ITU-R BT.2408).
vec3 linear_light(vec3 v) {
#if defined(HLG)
    // Inverse OETF, BT.2100-2 table 5.
    const float a = 0.17883277, b = 0.28466892, c = 0.55991073;
    vec3 scene = mix(v * v / 3.0, (exp((v - c) / a) + b) / 12.0, step(0.5, v));
    // OOTF for a display of 1000 cd/m2: gamma 1.2 on luminance.
    float y = dot(scene, vec3(0.2627, 0.6780, 0.0593));
    return scene * pow(max(y, 1e-6), 0.2) * (1000.0 / 203.0);
#elif defined(PQ)
    // EOTF, BT.2100-2 table 4.
    const float m1 = 0.1593017578125, m2 = 78.84375, c1 = 0.8359375, c2 = 18.8515625, c3 = 18.6875;
    vec3 e = pow(v, vec3(1.0 / m2));
    return pow(max(e - c1, 0.0) / (c2 - c3 * e), vec3(1.0 / m1)) * (10000.0 / 203.0);
#else
    return pow(v, vec3(2.4)); // BT.1886
#endif
}

// Straight up to the knee, then a hyperbola that leaves with slope 1 and ends
// at 1.0 where the light is at its peak. SDR is as bright as it may be already.
float tone(float light) {
#if defined(GAMMA)
    return min(light, 1.0);
#endif
    if (light <= knee) return light;
    float t = (min(light, peak) - knee) / (peak - knee);
    float a = (peak - knee) / (1.0 - knee) - 1.0;
    return knee + (1.0 - knee) * t * (1.0 + a) / (1.0 + a * t);
}

// code: Y', Cb, Cr in the source's code values. Returns 8-bit canvas codes.
vec3 canvas_code(vec3 code) {
    vec3 v = clamp(to_rgb * ((code - code_zero) * code_scale), 0.0, 1.0);
    vec3 light = max(gamut * linear_light(v), 0.0);
    float top = max(light.r, max(light.g, light.b));
    // One factor for all three keeps the hue.
    if (top > 0.0) light *= tone(top) / top;
    vec3 o = pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.4));
    float y = dot(o, vec3(0.2126, 0.7152, 0.0722));
    return vec3(219.0 * y + 16.0, 224.0 * (o.b - y) / 1.8556 + 128.0, 224.0 * (o.r - y) / 1.5748 + 128.0);
}
