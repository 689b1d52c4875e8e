// Fast variant, horizontal pass. Fragment = 8 columns by 8 rows of the result;
// target r is row r, 8 samples. With 4 targets the pass is drawn twice, for 4
// rows each.

LAYERS(0) mid;               // result of the vertical pass
ROW(1) lut;                  // row g: (base, weights...) of result columns 8g..8g+7
uniform ivec2 from;          // of this plane in mid: x, y
uniform ivec2 origin;        // of this plane in the targets

layout(location = 0) out uvec2 o0;
layout(location = 1) out uvec2 o1;
layout(location = 2) out uvec2 o2;
layout(location = 3) out uvec2 o3;
#if TARGETS > 4
layout(location = 4) out uvec2 o4;
layout(location = 5) out uvec2 o5;
layout(location = 6) out uvec2 o6;
layout(location = 7) out uvec2 o7;
#endif
