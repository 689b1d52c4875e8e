// Fast variant: what its two passes share. The bodies are written by
// engine/scale.go, one statement per tap, because the taps that matter differ
// from ratio to ratio and a loop costs a third more on llvmpipe.
//
// Sixteen bytes travel per fetch: 16 samples of a source row, or 2 columns by
// 4 rows of 16-bit values between the passes. The time goes into fetches, so
// their width is what counts.
//
// All integers are turned into floats through int, never uint: x86 before
// AVX-512 has no instruction for unsigned ones.

// Four samples of a row from one word, two in each 16-bit half: the first and
// the third, the second and the fourth.
uvec2 pairs(uint w) { return uvec2(w & 0xff00ffu, (w >> 8) & 0xff00ffu); }

// Four rows of one column from two words.
vec4 halves(uint a, uint b) {
    return vec4(ivec4(a & 0xffffu, a >> 16, b & 0xffffu, b >> 16));
}

// The means of two words' halves.
uvec2 mean(uvec2 a, uvec2 b) { return (a & b) + (((a ^ b) & 0xfffefffeu) >> 1); }

// Two rows of one column: of the first in each pair, or of the second.
uint firsts(uint a, uint b) { return (a & 0xffffu) | b << 16; }
uint seconds(uint a, uint b) { return a >> 16 | (b & 0xffff0000u); }

// Four samples of a row in one word, clamped to 0..255.
uint samples(float a, float b, float c, float d) {
#ifdef LOOK
    vec4 s = look(vec4(a, b, c, d) - 0.5) + 0.5; // half was added for the cut
    a = s.x, b = s.y, c = s.z, d = s.w;
#endif
    ivec4 v = ivec4(clamp(vec4(a, b, c, d), 0.0, 255.0));
    return uint(v.x | v.y << 8 | v.z << 16 | v.w << 24);
}

// Where texels come from; engine/tuning.go chooses.
//
// #define IMAGES   imageLoad, quickest on llvmpipe; else texelFetch
// #define TARGETS  how many targets are drawn to at once, 8 or 4
//
// A row of texels is a buffer, or, where it is too long for the driver's, a 2D
// texture it is wrapped into, 2^WRAP_BITS wide. A fetch outside of a row has
// weight 0. As an image load it gives 0; for texelFetch, which promises nothing
// there, the place is clamped.

#define WRAP(i) ((i) & ((1 << WRAP_BITS) - 1)), ((i) >> WRAP_BITS)
#if defined(IMAGES)
#define ROW(unit) layout(rgba32ui, binding = unit) readonly uniform uimageBuffer
#define FETCH(row, i) imageLoad(row, i)
#define WRAPPED_ROW(unit) layout(rgba32ui, binding = unit) readonly uniform uimage2D
#define WRAPPED_FETCH(row, i) imageLoad(row, ivec2(WRAP(i)))
#define LAYERS(unit) layout(rgba32ui, binding = unit) readonly uniform uimage2DArray
#define LAYER_FETCH(layers, at) imageLoad(layers, at)
#else
#define ROW(unit) layout(binding = unit) uniform usamplerBuffer
#define FETCH(row, i) texelFetch(row, clamp(i, 0, textureSize(row) - 1))
#define WRAPPED_ROW(unit) layout(binding = unit) uniform usampler2D
#define WRAPPED_FETCH(row, i) texelFetch(row, clamp(ivec2(WRAP(i)), ivec2(0), textureSize(row, 0) - 1), 0)
#define LAYERS(unit) layout(binding = unit) uniform usampler2DArray
#define LAYER_FETCH(layers, at) texelFetch(layers, clamp(at, ivec3(0), textureSize(layers, 0) - 1), 0)
#endif
