#include "av.h"
#include "_cgo_export.h"

static int io_read(void *opaque, uint8_t *buf, int size)
{
	return choirRead((uintptr_t)opaque, buf, size);
}

static int io_write(void *opaque, uint8_t *buf, int size)
{
	return choirWrite((uintptr_t)opaque, buf, size);
}

static int64_t io_seek(void *opaque, int64_t offset, int whence)
{
	return choirSeek((uintptr_t)opaque, offset, whence);
}

AVIOContext *choir_io_new(uintptr_t handle, int writable, int seekable, int size)
{
	uint8_t *buf = av_malloc(size);
	if (!buf) return NULL;
	AVIOContext *io = avio_alloc_context(buf, size, writable, (void *)handle,
		writable ? NULL : io_read, writable ? io_write : NULL, seekable ? io_seek : NULL);
	if (!io) av_free(buf);
	return io;
}

void choir_io_free(AVIOContext **io)
{
	if (!*io) return;
	av_freep(&(*io)->buffer); // libav may have replaced the one we gave
	avio_context_free(io);
}
