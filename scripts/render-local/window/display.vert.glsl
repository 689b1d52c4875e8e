#version 430 core
// A rectangle of the window. Window coordinates have their origin at the top left.

uniform vec4 place;    // of the rectangle: left, top, right, bottom, -1..1, y up
uniform vec4 part;     // of the picture that fills it: left, top, right, bottom, 0..1

out vec2 at;           // in the picture, 0..1, origin top left

void main() {
    vec2 c = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    at = mix(part.xy, part.zw, c);
    gl_Position = vec4(mix(place.xy, place.zw, c), 0.0, 1.0);
}
