// Fast variant, vertical pass. Fragment = 16 columns by 4 rows of the result.
// Output j holds columns 2j and 2j+1: (col 0 rows 01, col 0 rows 23, col 1
// rows 01, col 1 rows 23), a transpose that costs nothing and lets the
// horizontal pass fetch two columns of four rows at once.

layout(rgba32ui, binding = 0) readonly uniform uimageBuffer src; // rows of 16-sample texels
layout(rgba32ui, binding = 1) readonly uniform uimageBuffer lut;   // row g: (base, weights...) of result rows 4g..4g+3
uniform ivec2 plane;         // first texel of the plane, texels per row
uniform ivec2 origin;        // of this plane in the targets

layout(location = 0) out uvec4 o0;
layout(location = 1) out uvec4 o1;
layout(location = 2) out uvec4 o2;
layout(location = 3) out uvec4 o3;
layout(location = 4) out uvec4 o4;
layout(location = 5) out uvec4 o5;
layout(location = 6) out uvec4 o6;
layout(location = 7) out uvec4 o7;
