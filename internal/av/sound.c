#include "av.h"
#include <math.h>

#define PLANAR(type, scale) { \
	const type *s = (const type *)f->extended_data[ch] + first; \
	for (int i = 0; i < n; i++) out[i] = (float)(s[i] * (scale)); \
	return 1; }
#define PACKED(type, scale) { \
	int c = f->ch_layout.nb_channels; \
	const type *s = (const type *)f->extended_data[0] + (int64_t)first * c + ch; \
	for (int i = 0; i < n; i++) out[i] = (float)(s[(int64_t)i * c] * (scale)); \
	return 1; }

int choir_frame_float(const AVFrame *f, int ch, int first, int n, float *out)
{
	switch (f->format) {
	case AV_SAMPLE_FMT_FLTP:
		memcpy(out, (const float *)f->extended_data[ch] + first, (size_t)n * sizeof *out);
		return 1;
	case AV_SAMPLE_FMT_S16P: PLANAR(int16_t, 1.0f / 32768)
	case AV_SAMPLE_FMT_S32P: PLANAR(int32_t, 1.0 / 2147483648.0)
	case AV_SAMPLE_FMT_DBLP: PLANAR(double, 1.0)
	case AV_SAMPLE_FMT_FLT: PACKED(float, 1.0f)
	case AV_SAMPLE_FMT_S16: PACKED(int16_t, 1.0f / 32768)
	case AV_SAMPLE_FMT_S32: PACKED(int32_t, 1.0 / 2147483648.0)
	case AV_SAMPLE_FMT_DBL: PACKED(double, 1.0)
	case AV_SAMPLE_FMT_U8: {
		int c = f->ch_layout.nb_channels;
		const uint8_t *s = f->extended_data[0] + (int64_t)first * c + ch;
		for (int i = 0; i < n; i++) out[i] = (s[(int64_t)i * c] - 128) / 128.0f;
		return 1; }
	case AV_SAMPLE_FMT_U8P: {
		const uint8_t *s = f->extended_data[ch] + first;
		for (int i = 0; i < n; i++) out[i] = (s[i] - 128) / 128.0f;
		return 1; }
	}
	return 0;
}

int choir_channel(const AVChannelLayout *l, int i)
{
	if (l->order != AV_CHANNEL_ORDER_NATIVE && l->order != AV_CHANNEL_ORDER_CUSTOM) return -1;
	return av_channel_layout_channel_from_index(l, i);
}

// choir_pack_s24 writes channel ch into interleaved 32-bit words whose upper 24
// bits hold the sample, which is how libav passes 24-bit sound. Without errno
// lrintf is one instruction instead of a call.
__attribute__((optimize("no-math-errno")))
void choir_pack_s24(const float *in, int n, int channels, int ch, int32_t *out)
{
	for (int i = 0; i < n; i++) {
		float v = in[i] * 8388608.0f;
		if (!(v > -8388608.0f)) v = v != v ? 0 : -8388608.0f; // NaN is silence
		if (v > 8388607.0f) v = 8388607.0f;
		out[(int64_t)i * channels + ch] = (int32_t)(lrintf(v) * 256);
	}
}
