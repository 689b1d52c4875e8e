// C side of package av: what Go cannot express or would cross the border for
// too often.
#ifndef CHOIR_AV_H
#define CHOIR_AV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// log.c: libav's log goes into a ring of the last messages instead of stderr. An
// owner of NULL collects everybody's.
void choir_log_install(void);
uint64_t choir_log_mark(void);
int choir_log_collect(const void *owner, uint64_t since, char *out, int size);

// io.c: an I/O context whose callbacks are Go functions; handle is a cgo.Handle.
AVIOContext *choir_io_new(uintptr_t handle, int writable, int seekable, int size);
void choir_io_free(AVIOContext **io);

// picture.c
typedef struct {
	uint8_t *data[3];
	int64_t size[3]; // bytes that may be read from data
	int stride[3], width[3], height[3];
	int planes, depth, sub_x, sub_y;
} choir_planes;

// choir_frame_planes describes f without copying; 0 when its format is not
// planar Y'CbCr or grey in native byte order, so that it must be converted.
int choir_frame_planes(const AVFrame *f, choir_planes *out);
// choir_frame_convert converts src into the nearest format that
// choir_frame_planes accepts; *cache is kept between calls.
int choir_frame_convert(struct SwsContext **cache, const AVFrame *src, AVFrame *dst);
// choir_frame_borrow gives f a plane that Go keeps alive for the call.
int choir_frame_borrow(AVFrame *f, int plane, uint8_t *data, int64_t size);
int choir_frame_borrowed(const AVFrame *f);

// choir_frame_shape says what a picture's samples are like, however they are laid
// out in memory: depth and subsampling are 0 when the format is unknown.
typedef struct {
	int width, height, depth, sub_x, sub_y, components;
} choir_shape;
choir_shape choir_frame_shape(const AVFrame *f);

// device.c
// choir_decode_on has c decode on a device and give its pictures in system memory.
int choir_decode_on(AVCodecContext *c, AVBufferRef *device);

// blocks.c: memory of pictures that decoders pass on to one another
typedef struct {
	int64_t used, kept; // bytes: of blocks, and of pages that no block lies on
	int64_t mapped;     // bytes taken from the system so far
	int blocks;         // in use
} choir_blocks;

// choir_block is the allocator of an AVBufferPool; its blocks are zero. They may be
// let go of in any thread and after everything else.
AVBufferRef *choir_block(void *opaque, size_t size);
// choir_blocks_hold has blocks that are free kept until as many calls of
// choir_blocks_let_go.
void choir_blocks_hold(void);
void choir_blocks_let_go(void);
choir_blocks choir_blocks_now(void);

// getbuffer.c
typedef struct choir_buffers choir_buffers;

// choir_buffers_install has c, not open yet, take its pictures' memory from
// blocks.c, which it holds; NULL when c's codec has its own. choir_buffers_free
// follows avcodec_free_context, and choir_blocks_let_go that; frames stay valid.
choir_buffers *choir_buffers_install(AVCodecContext *c);
void choir_buffers_free(choir_buffers *b);

// sound.c
// choir_frame_float writes n samples from the first on of channel ch as float,
// full scale 1; 0 when the sample format is unknown.
int choir_frame_float(const AVFrame *f, int ch, int first, int n, float *out);
// choir_channel returns the AVChannel of channel i, or -1 when the layout does not say.
int choir_channel(const AVChannelLayout *l, int i);
void choir_pack_s24(const float *in, int n, int channels, int ch, int32_t *out);

#endif
