// Wide colour: the function of shaders/color.glsl with its curves as tables.
// It is applied to tiles already resized, of which there are few pixels. One
// table over all three codes was tried: near the edge of the gamut the function
// is too crooked for it, 35 levels off with 33 nodes a side.
//
// Curves are indexed by the square root where the power function is steep.

#include "convert.h"
#include <math.h>
#include <stddef.h>

static inline int bounded(int v, int top) { return v < 0 ? 0 : v > top ? top : v; }

static inline float unit(float v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

static inline float curve(const float *nodes, float at) {
	float x = unit(at) * CHOIR_STEPS;
	int i = (int)x;
	return nodes[i] + (nodes[i + 1] - nodes[i]) * (x - (float)i);
}

// Canvas signal, R'G'B', of a pixel given as codes.
static inline void signal(const choir_light_t *l, float y, float b, float r, float *o) {
	float v[3], g[3];
	for (int i = 0; i < 3; i++)
		v[i] = curve(l->linear, l->rgb[i][0] * y + l->rgb[i][1] * b + l->rgb[i][2] * r + l->rgb[i][3]);
	float gain = curve(l->gain, sqrtf(v[0] * l->luma[0] + v[1] * l->luma[1] + v[2] * l->luma[2]));
	float top = 0;
	for (int i = 0; i < 3; i++) {
		g[i] = gain * (l->gamut[i][0] * v[0] + l->gamut[i][1] * v[1] + l->gamut[i][2] * v[2]);
		g[i] = g[i] < 0 ? 0 : g[i];
		top = g[i] > top ? g[i] : top;
	}
	float factor = curve(l->tone, sqrtf(top / l->top));
	for (int i = 0; i < 3; i++) o[i] = curve(l->gamma, sqrtf(g[i] * factor));
}

static inline uint8_t code(const float *row, const float *o) {
	return (uint8_t)bounded((int)(row[0] * o[0] + row[1] * o[1] + row[2] * o[2] + row[3] + 0.5f), 255);
}

void choir_light(uint8_t *dst_y, int dst_stride_y, uint8_t *dst_cb, uint8_t *dst_cr, int dst_stride_c,
	const uint8_t *y, int stride_y, const uint8_t *cb, const uint8_t *cr, int stride_c,
	int w, int h, int cw, int ch, int odd_x, int odd_y, const choir_light_t *l) {
	float o[3];
	// Luma, with chroma bilinearly at its places, in quarters down and halves
	// across: chroma lies on even columns, between two rows.
	for (int row = 0; row < h; row++) {
		int at = row - odd_y, near = bounded(at >> 1, ch - 1), far = bounded((at & 1) ? (at >> 1) + 1 : (at >> 1) - 1, ch - 1);
		const uint8_t *bn = cb + (ptrdiff_t)near * stride_c, *bf = cb + (ptrdiff_t)far * stride_c;
		const uint8_t *rn = cr + (ptrdiff_t)near * stride_c, *rf = cr + (ptrdiff_t)far * stride_c;
		for (int x = 0; x < w; x++) {
			int i = bounded((x - odd_x) >> 1, cw - 1), j = bounded((x - odd_x + 1) >> 1, cw - 1);
			int b = 3 * (bn[i] + bn[j]) + bf[i] + bf[j], r = 3 * (rn[i] + rn[j]) + rf[i] + rf[j];
			signal(l, y[(ptrdiff_t)row * stride_y + x], (float)b / 8, (float)r / 8, o);
			dst_y[(ptrdiff_t)row * dst_stride_y + x] = code(l->out[0], o);
		}
	}
	// Chroma, with the mean of the luma around it, weighted 1 2 1 across.
	for (int row = 0; row < ch; row++) {
		const uint8_t *y0 = y + (ptrdiff_t)bounded(2 * row + odd_y, h - 1) * stride_y;
		const uint8_t *y1 = y + (ptrdiff_t)bounded(2 * row + odd_y + 1, h - 1) * stride_y;
		for (int x = 0; x < cw; x++) {
			int m = bounded(2 * x + odd_x, w - 1), a = bounded(m - 1, w - 1), n = bounded(m + 1, w - 1);
			int v = y0[a] + y1[a] + 2 * (y0[m] + y1[m]) + y0[n] + y1[n];
			ptrdiff_t s = (ptrdiff_t)row * stride_c + x, d = (ptrdiff_t)row * dst_stride_c + x;
			signal(l, (float)v / 8, cb[s], cr[s], o);
			dst_cb[d] = code(l->out[1], o);
			dst_cr[d] = code(l->out[2], o);
		}
	}
}
