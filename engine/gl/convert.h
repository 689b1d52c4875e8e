// See convert.c.
#include <stdint.h>

// Fixed point: 1.0 is 1 << CHOIR_ONE in luma, 1 << CHOIR_SMALL in the other
// coefficients and 1 << CHOIR_CHROMA in their constants, 1 << CHOIR_K in K.
#define CHOIR_ONE 14
#define CHOIR_SMALL 15
#define CHOIR_CHROMA 7
#define CHOIR_K 6

typedef struct {
	// With b, r the source's chroma less 128: y' = luma * y + k(b, r),
	// cb' = cb + cb(b, r), cr' = cr + cr(b, r); the third is a constant.
	int32_t luma, k[3], cb[3], cr[3];
	// Quarters of weight that an even luma column (row) gives the chroma sample
	// before its own, and an odd one the sample after it.
	int32_t prev_x, next_x, prev_y, next_y;
	int32_t sub_x, sub_y;
} choir_matrix_t;

void choir_matrix(uint8_t *dst_y, int dst_stride_y, uint8_t *dst_cb, uint8_t *dst_cr, int dst_stride_c,
	const uint8_t *y, int stride_y, const uint8_t *cb, int stride_cb, const uint8_t *cr, int stride_cr,
	int w, int h, int cw, int ch, const choir_matrix_t *m, int16_t *scratch);

void choir_affine(uint8_t *dst, int dst_stride, const uint8_t *src, int stride, int w, int h,
	int32_t mul, int32_t add);

void choir_turn(uint8_t *dst, int dst_stride, const uint8_t *src, int stride, int w, int h,
	int bytes, int degrees, int32_t mul, int32_t add);

// Steps of the curves of a choir_light_t; a curve has one node more, and
// another that is only ever weighted with 0.
#define CHOIR_STEPS 1024

typedef struct {
	float rgb[3][4];   // R'G'B' from the codes (y, cb, cr, 1)
	float gamut[3][3]; // linear light to linear light
	float luma[3];     // for gain
	float out[3][4];   // canvas codes from (R', G', B', 1)
	float top;         // brightest light that tone knows
	float linear[CHOIR_STEPS + 2]; // light of a signal, 0..1
	float gain[CHOIR_STEPS + 2];   // factor, by the root of luma, 0..1
	float tone[CHOIR_STEPS + 2];   // factor, by the root of light/top, 0..1
	float gamma[CHOIR_STEPS + 2];  // signal, by the root of light, 0..1
} choir_light_t;

void choir_light(uint8_t *dst_y, int dst_stride_y, uint8_t *dst_cb, uint8_t *dst_cr, int dst_stride_c,
	const uint8_t *y, int stride_y, const uint8_t *cb, const uint8_t *cr, int stride_c,
	int w, int h, int cw, int ch, int odd_x, int odd_y, const choir_light_t *l);
