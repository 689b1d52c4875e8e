// Package av owns everything that libav (FFmpeg 5.1) allocates: demuxers,
// decoders, encoders, muxers, packets and frames, over Go readers and writers.
//
// Packets, frames, codec contexts, dictionaries and error codes are those of
// go-astiav. Format contexts, I/O contexts and logging are bound here: astiav
// 0.16 keeps every reader it was ever given, loses a context whose opening
// failed, formats log lines into a fixed buffer without a bound, and reaches
// neither planes nor side data nor discard flags.
//
// Every type that holds C memory has a Close that may be called more than once.
// No type is safe for concurrent use; different values are independent.
package av

//#cgo pkg-config: libavformat libavcodec libavutil libswscale
//#cgo LDFLAGS: -lm
//#include "av.h"
import "C"

import (
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/choirless/render/media"
)

// NoPTS is the absent timestamp.
const NoPTS = media.PTS(-1 << 63)

// astiav keeps its C pointer in the first field and has no accessor for these
// three types; TestAstiavLayout holds it to that.

func cPacket(p *astiav.Packet) *C.AVPacket {
	return (*C.AVPacket)(*(*unsafe.Pointer)(unsafe.Pointer(p)))
}

func cCodec(c *astiav.CodecContext) *C.AVCodecContext {
	return (*C.AVCodecContext)(*(*unsafe.Pointer)(unsafe.Pointer(c)))
}

func cDict(d *astiav.Dictionary) **C.AVDictionary {
	return (**C.AVDictionary)(unsafe.Pointer(d))
}

func cFrame(f *astiav.Frame) *C.AVFrame { return (*C.AVFrame)(f.UnsafePointer()) }

func timeBase(r C.AVRational) media.TimeBase {
	return media.TimeBase{Num: int64(r.num), Den: int64(r.den)}
}

func cRational(num, den int64) C.AVRational {
	return C.AVRational{num: C.int(num), den: C.int(den)}
}

func pts(v C.int64_t) media.PTS { return media.PTS(v) }
