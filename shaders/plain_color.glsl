// Plain variant, last pass: one plane of the tile in the canvas' colour, from
// the source's planes resized to the positions of that plane's samples.
//
// #define LINEAR   source and canvas differ by matrix and range only
// #define GRAY     the source has no chroma
// #define CHANNEL  0, 1 or 2: which of Y, Cb, Cr to write (wide colour only)
// #define LOOK     the scene has a look; builds on look.glsl
// Builds on color.glsl, which has the other half of the uniforms.

uniform sampler2D plane_y;   // code values of the source
#ifndef GRAY
uniform sampler2D plane_cb;
uniform sampler2D plane_cr;
#endif
uniform vec4 row;            // LINEAR: canvas code = dot(row, (y, cb, cr, 1))
uniform float neutral;       // GRAY: the source's code for no colour

out float sample_out;        // 0..1 for code 0..255; GL rounds to nearest

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy);
#ifdef GRAY
    vec3 code = vec3(texelFetch(plane_y, p, 0).r, neutral, neutral);
#else
    vec3 code = vec3(texelFetch(plane_y, p, 0).r, texelFetch(plane_cb, p, 0).r, texelFetch(plane_cr, p, 0).r);
#endif
#ifdef LINEAR
    float v = dot(row, vec4(code, 1.0));
#else
    float v = canvas_code(code)[CHANNEL];
#endif
#ifdef LOOK
    v = look(vec4(v)).x;
#endif
    sample_out = clamp(v / 255.0, 0.0, 1.0);
}
