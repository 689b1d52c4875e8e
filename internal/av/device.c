#include "av.h"

// in_memory takes the first format that is not the device's own. Asked for nothing,
// libav takes the device's where it knows the device.
static enum AVPixelFormat in_memory(AVCodecContext *c, const enum AVPixelFormat *formats)
{
	for (; *formats != AV_PIX_FMT_NONE; formats++) {
		const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(*formats);
		if (d && !(d->flags & AV_PIX_FMT_FLAG_HWACCEL)) break;
	}
	return *formats;
}

int choir_decode_on(AVCodecContext *c, AVBufferRef *device)
{
	c->get_format = in_memory;
	c->hw_device_ctx = av_buffer_ref(device);
	return c->hw_device_ctx ? 0 : AVERROR(ENOMEM);
}
