// Fast variant, horizontal pass. Fragment = 8 columns by 8 rows of the result;
// output r is row r, 8 samples.

layout(rgba32ui, binding = 0) readonly uniform uimage2DArray mid; // result of the vertical pass
layout(rgba32ui, binding = 1) readonly uniform uimageBuffer lut;   // row g: (base, weights...) of result columns 8g..8g+7
uniform ivec2 from;          // of this plane in mid: x, y
uniform ivec2 origin;        // of this plane in the targets

layout(location = 0) out uvec2 o0;
layout(location = 1) out uvec2 o1;
layout(location = 2) out uvec2 o2;
layout(location = 3) out uvec2 o3;
layout(location = 4) out uvec2 o4;
layout(location = 5) out uvec2 o5;
layout(location = 6) out uvec2 o6;
layout(location = 7) out uvec2 o7;
