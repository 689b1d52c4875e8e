#version 430 core
// A panel that lies over the picture, premultiplied.

uniform sampler2D panel;

in vec2 at;
out vec4 color;

void main() { color = texture(panel, at); }
