#include "av.h"
#include <pthread.h>

// What avcodec_default_get_buffer2 does, with the memory from blocks.c. Within one
// decoder it is the same to the byte, also where a damaged stream leaves samples
// unwritten: a buffer is zero when the decoder first gets it, and afterwards what it
// has written itself, the one it let go of last coming first.

// libavcodec's STRIDE_ALIGN at its largest (AVX-512). Its assembler may read and
// write this far, and 16 bytes, past a plane.
#define STRIDE_ALIGN 64
#define PADDING (16 + STRIDE_ALIGN - 1)

struct choir_buffers {
	pthread_mutex_t lock; // frame threads call at the same time
	int format, width, height;
	int linesize[4];
	AVBufferPool *planes[4]; // those that the format lacks are NULL
};

static void forget(choir_buffers *b)
{
	for (int i = 0; i < 4; i++) av_buffer_pool_uninit(&b->planes[i]);
	b->format = AV_PIX_FMT_NONE;
}

// suit has b give buffers for pictures like f. Buffers for others, where they are in
// use, stay until they are let go of.
static int suit(choir_buffers *b, AVCodecContext *c, const AVFrame *f)
{
	if (b->format == f->format && b->width == f->width && b->height == f->height) return 0;
	forget(b);
	int w = f->width, h = f->height, align[AV_NUM_DATA_POINTERS];
	avcodec_align_dimensions2(c, &w, &h, align);
	for (int even = 0; !even; w += w & ~(w - 1)) {
		// Not line by line: decoders rely on how wide planes are to one another.
		int err = av_image_fill_linesizes(b->linesize, f->format, w);
		if (err < 0) return err;
		even = 1;
		for (int i = 0; i < 4; i++) even &= b->linesize[i] % align[i] == 0;
	}
	ptrdiff_t linesize[4];
	size_t size[4];
	for (int i = 0; i < 4; i++) linesize[i] = b->linesize[i];
	int err = av_image_fill_plane_sizes(size, f->format, h, linesize);
	if (err < 0) return err;
	for (int i = 0; i < 4 && size[i]; i++) {
		if (size[i] > INT_MAX - PADDING) err = AVERROR(EINVAL);
		else if (!(b->planes[i] = av_buffer_pool_init2(size[i] + PADDING, NULL, choir_block, NULL))) err = AVERROR(ENOMEM);
		if (err < 0) {
			forget(b);
			return err;
		}
	}
	b->format = f->format;
	b->width = f->width;
	b->height = f->height;
	return 0;
}

static int get_buffer(AVCodecContext *c, AVFrame *f, int flags)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL || c->hw_frames_ctx)
		return avcodec_default_get_buffer2(c, f, flags);
	choir_buffers *b = c->opaque;
	pthread_mutex_lock(&b->lock);
	int err = suit(b, c, f);
	for (int i = 0; err >= 0 && i < 4 && b->planes[i]; i++) {
		if (!(f->buf[i] = av_buffer_pool_get(b->planes[i]))) {
			err = AVERROR(ENOMEM);
			break;
		}
		f->data[i] = f->buf[i]->data;
		f->linesize[i] = b->linesize[i];
	}
	pthread_mutex_unlock(&b->lock);
	f->extended_data = f->data;
	if (err < 0) av_frame_unref(f);
	return err;
}

choir_buffers *choir_buffers_install(AVCodecContext *c)
{
	// The others, libdav1d's and those on a card among them, have memory of their own.
	if (c->codec_type != AVMEDIA_TYPE_VIDEO || !(c->codec->capabilities & AV_CODEC_CAP_DR1)) return NULL;
	choir_buffers *b = av_mallocz(sizeof *b);
	if (!b) return NULL;
	pthread_mutex_init(&b->lock, NULL);
	b->format = AV_PIX_FMT_NONE;
	c->opaque = b;
	c->get_buffer2 = get_buffer;
#if LIBAVCODEC_VERSION_MAJOR < 60
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	c->thread_safe_callbacks = 1;
#pragma GCC diagnostic pop
#endif
	choir_blocks_hold();
	return b;
}

void choir_buffers_free(choir_buffers *b)
{
	forget(b);
	pthread_mutex_destroy(&b->lock);
	av_free(b);
}
