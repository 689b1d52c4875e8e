// Colour conversion on the way to the GPU.
//
// Frames are copied into mapped GL memory anyway; here they are converted in
// the same go, at the source's resolution, where the conversion belongs: chroma
// is not yet smoothed by the resize. It costs a few tenths of a nanosecond per
// sample, because these loops are written for the compiler's vectoriser. The
// same thing as a GL pass costs llvmpipe three times that in fetches, and in Go
// ten times, as Go has no vectors. Only 8-bit canvas codes come out.
//
// Luma is y' = luma * y + K, where K is a linear function of chroma, worked out
// once per chroma sample and spread to luma positions bilinearly, in quarters,
// which is exact for every siting of 4:2:0 and 4:2:2.

#include "convert.h"
#include <stddef.h>
#include <string.h>

// One function for any x86-64, one for AVX2 and, by compilers that can choose it, one
// for AVX-512; which is decided when the program is loaded.
#if !defined(__x86_64__) || !defined(__GLIBC__) || !defined(__GNUC__) || defined(__clang__)
#define VECTOR
#elif __GNUC__ < 12
#define VECTOR __attribute__((optimize("O3"), target_clones("avx2", "default")))
#else
#define VECTOR __attribute__((optimize("O3"), target_clones("arch=x86-64-v4", "avx2", "default")))
#endif

static inline uint8_t clamp8(int32_t v) { return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v; }

// Half of a product's 32 bits; compilers know it as one instruction.
static inline int16_t high(int16_t a, int16_t b) { return (int16_t)(((int32_t)a * b) >> 16); }

// Converts a row of chroma, and works out K for it. Coefficients are 1.15 fixed
// point and small, as the identity is taken out of them; samples are 8.8 around
// zero; so products are in 1/128.
VECTOR static void chroma_row(uint8_t *restrict dcb, uint8_t *restrict dcr, int16_t *restrict k,
	const uint8_t *restrict cb, const uint8_t *restrict cr, int n, const choir_matrix_t *m) {
	const int16_t bb = m->cb[0], br = m->cb[1], b0 = m->cb[2];
	const int16_t rb = m->cr[0], rr = m->cr[1], r0 = m->cr[2];
	const int16_t kb = m->k[0], kr = m->k[1], k0 = m->k[2];
	for (int i = 0; i < n; i++) {
		int16_t b = (int16_t)((cb[i] - 128) * 256), r = (int16_t)((cr[i] - 128) * 256);
		int16_t vb = (int16_t)(cb[i] + ((int16_t)(high(b, bb) + high(r, br) + b0) >> 7));
		int16_t vr = (int16_t)(cr[i] + ((int16_t)(high(b, rb) + high(r, rr) + r0) >> 7));
		vb = vb < 0 ? 0 : vb;
		vr = vr < 0 ? 0 : vr;
		dcb[i] = (uint8_t)(vb > 255 ? 255 : vb);
		dcr[i] = (uint8_t)(vr > 255 ? 255 : vr);
		k[i] = (int16_t)((int16_t)(high(b, kb) + high(r, kr) + k0) >> 1);
	}
}

// (a (4-w) + b w) / 4
VECTOR static void blend_row(int16_t *restrict out, const int16_t *restrict a, const int16_t *restrict b, int n, int w) {
	int16_t wa = (int16_t)(4 - w), wb = (int16_t)w;
	for (int i = 0; i < n; i++) out[i] = (int16_t)(((int16_t)(a[i] * wa) + (int16_t)(b[i] * wb) + 2) >> 2);
}

// Doubles a row. k[-1] and k[n] must be readable.
VECTOR static void spread_row(int16_t *restrict out, const int16_t *restrict k, int n, int prev, int next) {
	int16_t p = (int16_t)prev, q = (int16_t)(4 - prev), s = (int16_t)next, t = (int16_t)(4 - next);
	for (int i = 0; i < n; i++) {
		out[2 * i] = (int16_t)(((int16_t)(k[i - 1] * p) + (int16_t)(k[i] * q) + 2) >> 2);
		out[2 * i + 1] = (int16_t)(((int16_t)(k[i] * t) + (int16_t)(k[i + 1] * s) + 2) >> 2);
	}
}

static inline int16_t corrected(int16_t y, int16_t k) {
	int16_t v = (int16_t)((int16_t)((y << CHOIR_K) + (1 << (CHOIR_K - 1))) + k) >> CHOIR_K;
	v = v < 0 ? 0 : v;
	return v > 255 ? 255 : v;
}

VECTOR static void luma_row(uint8_t *restrict out, const uint8_t *restrict y, const int16_t *restrict k, int n) {
	for (int i = 0; i < n; i++) out[i] = (uint8_t)corrected(y[i], k[i]);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PAIRS 1
typedef uint16_t __attribute__((aligned(1), may_alias)) pair_t;

// spread_row and luma_row in one, for n pairs of luma samples. Taking pairs as
// 16-bit numbers spares the compiler all shuffling.
VECTOR static void luma_pairs(pair_t *restrict out, const pair_t *restrict y, const int16_t *restrict k, int n, int prev, int next) {
	int16_t p = (int16_t)prev, q = (int16_t)(4 - prev), s = (int16_t)next, t = (int16_t)(4 - next);
	for (int i = 0; i < n; i++) {
		int16_t before = (int16_t)((int16_t)((int16_t)(k[i - 1] * p) + (int16_t)(k[i] * q) + 2) >> 2);
		int16_t after = (int16_t)((int16_t)((int16_t)(k[i] * t) + (int16_t)(k[i + 1] * s) + 2) >> 2);
		out[i] = (uint16_t)(corrected((int16_t)(y[i] & 255), before) | corrected((int16_t)(y[i] >> 8), after) << 8);
	}
}
#endif

VECTOR static void luma_row_scaled(uint8_t *restrict out, const uint8_t *restrict y, const int16_t *restrict k, int n, int32_t scale) {
	for (int i = 0; i < n; i++)
		out[i] = clamp8((y[i] * scale + (k[i] << (CHOIR_ONE - CHOIR_K)) + (1 << (CHOIR_ONE - 1))) >> CHOIR_ONE);
}

// scratch holds 3 rows of cw + 2, one of cw + 2 and one of 2 cw + 2 values.
void choir_matrix(uint8_t *dst_y, int dst_stride_y, uint8_t *dst_cb, uint8_t *dst_cr, int dst_stride_c,
	const uint8_t *y, int stride_y, const uint8_t *cb, int stride_cb, const uint8_t *cr, int stride_cr,
	int w, int h, int cw, int ch, const choir_matrix_t *m, int16_t *scratch) {
	int16_t *ring[3], *between = scratch + 3 * (cw + 2) + 1, *wide = between + cw + 1;
	for (int i = 0; i < 3; i++) ring[i] = scratch + i * (cw + 2) + 1;
	int done = 0;  // chroma rows converted
	for (int row = 0; row < h; row++) {
		int j = row >> m->sub_y;
		if (j >= ch) j = ch - 1;
		int odd = m->sub_y ? row & 1 : 0;
		while (done < ch && done <= j + 1) {
			chroma_row(dst_cb + (ptrdiff_t)done * dst_stride_c, dst_cr + (ptrdiff_t)done * dst_stride_c, ring[done % 3],
				cb + (ptrdiff_t)done * stride_cb, cr + (ptrdiff_t)done * stride_cr, cw, m);
			done++;
		}
		int weight = m->sub_y ? (odd ? m->next_y : m->prev_y) : 0;
		int other = odd ? j + 1 : j - 1;
		if (other < 0) other = 0;
		if (other >= ch) other = ch - 1;
		int16_t *k = ring[j % 3];
		if (weight != 0 && other != j) {
			blend_row(between, k, ring[other % 3], cw, weight);
			k = between;
		}
		if (m->sub_x) {
			k[-1] = k[0];
			k[cw] = k[cw - 1];
#ifdef PAIRS
			if (m->luma == 1 << CHOIR_ONE) {
				uint8_t *d = dst_y + (ptrdiff_t)row * dst_stride_y;
				const uint8_t *s = y + (ptrdiff_t)row * stride_y;
				luma_pairs((pair_t *)d, (const pair_t *)s, k, w / 2, m->prev_x, m->next_x);
				if (w & 1) {
					int i = w / 2;
					d[w - 1] = (uint8_t)corrected(s[w - 1], (int16_t)((k[i - 1] * m->prev_x + k[i] * (4 - m->prev_x) + 2) >> 2));
				}
				continue;
			}
#endif
			spread_row(wide, k, cw, m->prev_x, m->next_x);
			k = wide;
		}
		if (m->luma == 1 << CHOIR_ONE)
			luma_row(dst_y + (ptrdiff_t)row * dst_stride_y, y + (ptrdiff_t)row * stride_y, k, w);
		else
			luma_row_scaled(dst_y + (ptrdiff_t)row * dst_stride_y, y + (ptrdiff_t)row * stride_y, k, w, m->luma);
	}
}

VECTOR static void affine_row(uint8_t *restrict dst, const uint8_t *restrict src, int n, int32_t mul, int32_t add) {
	for (int i = 0; i < n; i++) dst[i] = clamp8((src[i] * mul + add) >> CHOIR_ONE);
}

// dst = (src * mul + add) >> CHOIR_ONE
void choir_affine(uint8_t *dst, int dst_stride, const uint8_t *src, int stride, int w, int h, int32_t mul, int32_t add) {
	for (int y = 0; y < h; y++) {
		uint8_t *d = dst + (ptrdiff_t)y * dst_stride;
		const uint8_t *s = src + (ptrdiff_t)y * stride;
		if (mul == 1 << CHOIR_ONE && add == 0)
			memcpy(d, s, (size_t)w);
		else
			affine_row(d, s, w, mul, add);
	}
}

// What is added before cutting off the bits below 8, instead of a half: a fixed
// pattern whose mean is a half. The resize averages it away and with it keeps
// most of what 10 bits have over 8; without it skies get steps. Fixed, so that
// a still picture stays still for the encoder.
static const int32_t dither[2][2] = {{1 << 13, 5 << 13}, {7 << 13, 3 << 13}};

// The sample at column x of row y, as 8 bits: (v * mul + add) >> 16.
static inline uint8_t sample(const uint8_t *row, int x, int y, int bytes, int32_t mul, int32_t add) {
	if (bytes == 1) return row[x];
	int32_t v = row[2 * x] | row[2 * x + 1] << 8; // v * mul is below 2^24
	return clamp8((v * mul + add + dither[y & 1][x & 1]) >> 16);
}

// A whole row of samples of two bytes, not turned.
VECTOR static void narrow_row(uint8_t *restrict dst, const uint8_t *restrict row, int n, int y, int32_t mul, int32_t add) {
	const int32_t even = add + dither[y & 1][0], odd = add + dither[y & 1][1];
	for (int x = 0; x < n; x++) {
		int32_t v = row[2 * x] | row[2 * x + 1] << 8;
		dst[x] = clamp8((v * mul + (x & 1 ? odd : even)) >> 16);
	}
}

// Side of the square that is turned at a time, so that its rows stay in cache.
#define TURN 32

// Turns a plane of w by h samples clockwise and makes it 8 bits deep.
void choir_turn(uint8_t *dst, int dst_stride, const uint8_t *src, int stride, int w, int h,
	int bytes, int degrees, int32_t mul, int32_t add) {
	if (degrees == 0 && bytes == 2) {
		for (int y = 0; y < h; y++)
			narrow_row(dst + (ptrdiff_t)y * dst_stride, src + (ptrdiff_t)y * stride, w, y, mul, add);
		return;
	}
	for (int y0 = 0; y0 < h; y0 += TURN)
		for (int x0 = 0; x0 < w; x0 += TURN)
			for (int y = y0; y < h && y < y0 + TURN; y++) {
				const uint8_t *row = src + (ptrdiff_t)y * stride;
				int end = x0 + TURN < w ? x0 + TURN : w;
				uint8_t *d;
				ptrdiff_t step;
				switch (degrees) {
				case 90: d = dst + (ptrdiff_t)x0 * dst_stride + (h - 1 - y); step = dst_stride; break;
				case 180: d = dst + (ptrdiff_t)(h - 1 - y) * dst_stride + (w - 1 - x0); step = -1; break;
				case 270: d = dst + (ptrdiff_t)(w - 1 - x0) * dst_stride + y; step = -dst_stride; break;
				default: d = dst + (ptrdiff_t)y * dst_stride + x0; step = 1; break;
				}
				for (int x = x0; x < end; x++, d += step) *d = sample(row, x, y, bytes, mul, add);
			}
}
