// Fast variant: what its two passes share. The bodies are written by
// engine/scale.go, one statement per tap, because the taps that matter differ
// from ratio to ratio and a loop costs a third more on llvmpipe.
//
// Sixteen bytes travel per fetch: 16 samples of a source row, or 2 columns by
// 4 rows of 16-bit values between the passes. The time goes into fetches, so
// their width is what counts; the arithmetic is plain floats.
//
// All integers are turned into floats through int, never uint: x86 before
// AVX-512 has no instruction for unsigned ones.

// Four samples of a row from one word, leftmost first.
vec4 bytes(uint w) {
    return vec4(ivec4(w & 255u, (w >> 8) & 255u, (w >> 16) & 255u, w >> 24));
}

// Four rows of one column from two words.
vec4 halves(uint a, uint b) {
    return vec4(ivec4(a & 0xffffu, a >> 16, b & 0xffffu, b >> 16));
}

// Two weights from one word, signed 16-bit each.
float low(uint w) { return float(int(w << 16) >> 16); }
float high(uint w) { return float(int(w) >> 16); }

// Two values of 0..65535 in one word; the fraction is cut off.
uint pair(float a, float b) { return uint(int(a)) | uint(int(b)) << 16; }

// Four samples of a row in one word, clamped to 0..255.
uint samples(float a, float b, float c, float d) {
    ivec4 v = ivec4(clamp(vec4(a, b, c, d), 0.0, 255.0));
    return uint(v.x | v.y << 8 | v.z << 16 | v.w << 24);
}
