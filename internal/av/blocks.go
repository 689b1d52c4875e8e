package av

//#include "av.h"
import "C"

import "time"

// rest is how long memory of pictures is kept for the next decoder after the last
// was closed: a node with one slot closes those of a cell before it opens those of
// the next.
const rest = time.Second

// PictureMemory is what the decoders of this process hold for pictures. Those with
// memory of their own are not in it.
type PictureMemory struct {
	Used, Kept int64 // bytes: of buffers, and for decoders to come
	Mapped     int64 // bytes taken from the system so far
	Buffers    int   // in use
}

// Pictures returns it as it is now. Safe for concurrent use.
func Pictures() PictureMemory {
	b := C.choir_blocks_now()
	return PictureMemory{int64(b.used), int64(b.kept), int64(b.mapped), int(b.blocks)}
}

// libavsOwn leaves pictures to libavcodec. Only tests set it.
var libavsOwn bool

// own has a decoder that is not open yet take the memory of its pictures from what
// others gave back.
func (d *Decoder) own() {
	if !libavsOwn {
		d.buffers = C.choir_buffers_install(cCodec(d.cc))
	}
}

// disown follows the end of the codec context.
func (d *Decoder) disown() {
	if d.buffers == nil {
		return
	}
	C.choir_buffers_free(d.buffers)
	time.AfterFunc(rest, func() { C.choir_blocks_let_go() })
}
