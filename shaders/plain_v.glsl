// Plain variant, first pass: resizes one plane vertically.
//
// Fragment (x, y) is column x of the upright source and row y of the result,
//     sum over k < taps of weight[y][k] * source(x, base[y] + k).
// Weights come from engine/filter.go: edge taps are folded there, so a tap
// outside the plane has weight 0 and may be fetched from anywhere.

uniform sampler2D src;   // the plane as stored, one sample per texel, 0..1
uniform sampler2D lut;   // row y: base, then taps weights
uniform int taps;
uniform ivec2 size;      // upright source size, samples
uniform ivec3 turn_x;    // stored x = dot(turn_x, (x, y, 1)) of upright x, y
uniform ivec3 turn_y;    // stored y likewise
uniform float full;      // code value that 1.0 stands for: 255 or 65535

out float code;          // in the source's code values

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy);
    int base = int(texelFetch(lut, ivec2(0, p.y), 0).r);
    float sum = 0.0;
    for (int k = 0; k < taps; k++) {
        int y = clamp(base + k, 0, size.y - 1);
        ivec2 at = ivec2(turn_x.x * p.x + turn_x.y * y + turn_x.z,
                         turn_y.x * p.x + turn_y.y * y + turn_y.z);
        sum += texelFetch(lut, ivec2(k + 1, p.y), 0).r * texelFetch(src, at, 0).r;
    }
    code = sum * full;
}
