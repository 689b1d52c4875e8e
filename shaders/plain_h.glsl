// Plain variant, second pass: resizes one plane horizontally.
//
// Fragment (x, y) is sum over k < taps of weight[x][k] * mid(base[x] + k, y).
// No rounding and no clamping here: the colour pass does both, once.

uniform sampler2D mid;   // result of plain_v, code values
uniform sampler2D lut;   // row x: base, then taps weights
uniform int taps;
uniform int width;       // of mid, samples

out float code;          // in the source's code values

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy);
    int base = int(texelFetch(lut, ivec2(0, p.x), 0).r);
    float sum = 0.0;
    for (int k = 0; k < taps; k++) {
        int x = clamp(base + k, 0, width - 1);
        sum += texelFetch(lut, ivec2(k + 1, p.x), 0).r * texelFetch(mid, ivec2(x, p.y), 0).r;
    }
    code = sum;
}
