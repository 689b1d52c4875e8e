// Fast variant, vertical pass. Fragment = 16 columns by 4 rows of the result.
// Layer j of mid gets columns 2j and 2j+1: (col 0 rows 01, col 0 rows 23, col 1
// rows 01, col 1 rows 23), a transpose that costs nothing and lets the
// horizontal pass fetch two columns of four rows at once. With 4 targets the
// pass is drawn twice, for 8 columns each.

// #define WRAPPED  the source is a 2D texture, see fast.glsl

#ifdef WRAPPED
WRAPPED_ROW(0) src;          // rows of 16-sample texels
#define SOURCE(i) WRAPPED_FETCH(src, i)
#else
ROW(0) src;
#define SOURCE(i) FETCH(src, i)
#endif
ROW(1) lut;                  // row g: (base, weights...) of result rows 4g..4g+3
uniform ivec2 plane;         // first texel of the plane, texels per row
uniform ivec2 origin;        // of this plane in the targets

layout(location = 0) out uvec4 o0;
layout(location = 1) out uvec4 o1;
layout(location = 2) out uvec4 o2;
layout(location = 3) out uvec4 o3;
#if TARGETS > 4
layout(location = 4) out uvec4 o4;
layout(location = 5) out uvec4 o5;
layout(location = 6) out uvec4 o6;
layout(location = 7) out uvec4 o7;
#endif
