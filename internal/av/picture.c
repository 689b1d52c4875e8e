#include "av.h"

// room is how many bytes may be read from p on, as the frame's buffers tell.
static int64_t room(const AVFrame *f, const uint8_t *p)
{
	for (int i = 0; i < AV_NUM_DATA_POINTERS && f->buf[i]; i++) {
		const uint8_t *a = f->buf[i]->data, *b = a + f->buf[i]->size;
		if (p >= a && p < b) return b - p;
	}
	return 0;
}

// direct says whether Go may look at the planes as they are.
static int direct(const AVPixFmtDescriptor *d)
{
	const uint64_t bad = AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
		AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT;
	if (d->flags & bad) return 0;
	if (d->nb_components != 1 && d->nb_components < 3) return 0;
	for (int i = 0; i < d->nb_components && i < 3; i++) {
		const AVComponentDescriptor *c = &d->comp[i];
		if (c->plane != i || c->offset || c->shift || c->depth != d->comp[0].depth) return 0;
		if (c->step != (c->depth > 8 ? 2 : 1)) return 0;
	}
	return 1;
}

int choir_frame_planes(const AVFrame *f, choir_planes *out)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	if (!d || !direct(d)) return 0;
	out->planes = d->nb_components >= 3 ? 3 : 1;
	out->depth = d->comp[0].depth;
	out->sub_x = out->planes == 3 ? d->log2_chroma_w : 0;
	out->sub_y = out->planes == 3 ? d->log2_chroma_h : 0;
	int bytes = out->depth > 8 ? 2 : 1;
	for (int i = 0; i < out->planes; i++) {
		if (f->linesize[i] <= 0) return 0; // bottom up
		out->data[i] = f->data[i];
		out->stride[i] = f->linesize[i];
		out->width[i] = i ? AV_CEIL_RSHIFT(f->width, out->sub_x) : f->width;
		out->height[i] = i ? AV_CEIL_RSHIFT(f->height, out->sub_y) : f->height;
		// The last row may be shorter than a stride at the end of a buffer.
		int64_t least = (int64_t)out->stride[i] * (out->height[i] - 1) + (int64_t)out->width[i] * bytes;
		int64_t want = (int64_t)out->stride[i] * out->height[i];
		int64_t have = room(f, f->data[i]);
		out->size[i] = have >= want ? want : least;
		if (have && have < least) return 0;
	}
	return 1;
}

choir_shape choir_frame_shape(const AVFrame *f)
{
	choir_shape s = {.width = f->width, .height = f->height};
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	if (d) {
		s.depth = d->comp[0].depth;
		s.sub_x = d->log2_chroma_w;
		s.sub_y = d->log2_chroma_h;
		s.components = d->nb_components;
	}
	return s;
}

// nearest is the planar format that keeps the subsampling and the depth.
static enum AVPixelFormat nearest(enum AVPixelFormat from)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(from);
	int deep = d->comp[0].depth > 8;
	if (d->nb_components < 3 && !(d->flags & AV_PIX_FMT_FLAG_PAL)) return deep ? AV_PIX_FMT_GRAY16LE : AV_PIX_FMT_GRAY8;
	if (d->flags & AV_PIX_FMT_FLAG_RGB) return deep ? AV_PIX_FMT_YUV444P10LE : AV_PIX_FMT_YUV444P;
	if (d->flags & AV_PIX_FMT_FLAG_PAL) return AV_PIX_FMT_YUV444P;
	if (d->log2_chroma_w == 1 && d->log2_chroma_h == 1) return deep ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
	if (d->log2_chroma_w == 1) return deep ? AV_PIX_FMT_YUV422P10LE : AV_PIX_FMT_YUV422P;
	return deep ? AV_PIX_FMT_YUV444P10LE : AV_PIX_FMT_YUV444P;
}

int choir_frame_convert(struct SwsContext **cache, const AVFrame *src, AVFrame *dst)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(src->format);
	if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL) return AVERROR(ENOSYS);
	int rgb = !!(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL));
	dst->format = nearest(src->format);
	dst->width = src->width;
	dst->height = src->height;
	int err = av_frame_get_buffer(dst, 0);
	if (err < 0) return err;
	if ((err = av_frame_copy_props(dst, src)) < 0) return err;
	*cache = sws_getCachedContext(*cache, src->width, src->height, src->format,
		dst->width, dst->height, dst->format,
		SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_FULL_CHR_H_INT | SWS_BITEXACT, NULL, NULL, NULL);
	if (!*cache) return AVERROR(ENOSYS);
	// RGB becomes limited BT.709; anything else keeps its matrix and range.
	const int *m = sws_getCoefficients(SWS_CS_ITU709);
	int full = src->color_range == AVCOL_RANGE_JPEG;
	sws_setColorspaceDetails(*cache, m, rgb ? 1 : full, m, rgb ? 0 : full, 0, 1 << 16, 1 << 16);
	if (rgb) {
		dst->color_range = AVCOL_RANGE_MPEG;
		dst->colorspace = AVCOL_SPC_BT709;
	}
	err = sws_scale(*cache, (const uint8_t *const *)src->data, src->linesize, 0, src->height, dst->data, dst->linesize);
	return err < 0 ? err : 0;
}

static void keep(void *opaque, uint8_t *data) {}

int choir_frame_borrow(AVFrame *f, int plane, uint8_t *data, int64_t size)
{
	f->data[plane] = data;
	// READONLY, so that no encoder writes into the caller's picture.
	f->buf[plane] = av_buffer_create(data, size, keep, NULL, AV_BUFFER_FLAG_READONLY);
	return f->buf[plane] ? 0 : AVERROR(ENOMEM);
}

// choir_frame_borrowed says whether somebody else still holds the planes.
int choir_frame_borrowed(const AVFrame *f)
{
	return f->buf[0] && av_buffer_get_ref_count(f->buf[0]) > 1;
}
