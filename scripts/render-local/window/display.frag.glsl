#version 430 core
// Shows a canvas: BT.709, limited range, 4:2:0 sited left, to sRGB, as a video
// player does. stage/rgba.go is the same in Go. MODE is defined before this text:
// 0 ours, 1 split, 2 difference.

uniform sampler2D y0, cb0, cr0;   // ours
uniform sampler2D y1, cb1, cr1;   // the other one
uniform float divide;             // split: where ours ends, 0..1 of the window's picture
uniform float left_edge, width;   // split: of the rectangle, window pixels

in vec2 at;
out vec4 color;

vec3 rgb(sampler2D y, sampler2D cb, sampler2D cr) {
    // A chroma sample lies on the left one of its two luma samples: a quarter of
    // a chroma sample left of where texture() thinks.
    vec2 c = at + vec2(0.25 / float(textureSize(cb, 0).x), 0.0);
    float l = (texture(y, at).r * 255.0 - 16.0) / 219.0;
    vec2 d = (vec2(texture(cb, c).r, texture(cr, c).r) * 255.0 - 128.0) / 224.0;
    return vec3(l + 1.5748 * d.y, l - 0.18732 * d.x - 0.46812 * d.y, l + 1.8556 * d.x);
}

void main() {
    vec3 ours = rgb(y0, cb0, cr0);
#if MODE == 1
    float x = (gl_FragCoord.x - left_edge) / width;
    if (abs(x - divide) * width < 1.0) ours = vec3(1.0);
    else if (x > divide) ours = rgb(y1, cb1, cr1);
#elif MODE == 2
    ours = abs(clamp(ours, 0.0, 1.0) - clamp(rgb(y1, cb1, cr1), 0.0, 1.0)) * 8.0;
#endif
    color = vec4(clamp(ours, 0.0, 1.0), 1.0);
}
