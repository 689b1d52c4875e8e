// Vertex stage of every pass: a strip of two triangles over the whole
// viewport, made from the vertex number alone. The viewport is the rectangle.

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
