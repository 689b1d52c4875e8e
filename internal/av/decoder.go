package av

//#include "av.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// Decoder turns packets of one stream into frames.
type Decoder struct {
	cc    *astiav.CodecContext
	codec string
	guard guard
	log   logMark
}

// NewDecoder opens the decoder of s, which may use the given number of threads.
func NewDecoder(s *Stream, threads int) (_ *Decoder, err error) {
	codec := astiav.FindDecoder(astiav.CodecID(s.st.codecpar.codec_id))
	if codec == nil {
		return nil, fmt.Errorf("av: no decoder for %s", s.Codec)
	}
	d := &Decoder{cc: astiav.AllocCodecContext(codec), codec: s.Codec, log: markLog()}
	if d.cc == nil {
		return nil, errors.New("av: out of memory")
	}
	d.guard = newGuard(d, "decoder")
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	c := cCodec(d.cc)
	if r := C.avcodec_parameters_to_context(c, s.st.codecpar); r < 0 {
		return nil, fail("decode "+s.Codec, astiav.Error(r), nil)
	}
	c.pkt_timebase = s.st.time_base // lets libav trim priming and padding by time
	c.thread_count = C.int(max(threads, 1))
	if err := d.cc.Open(codec, nil); err != nil {
		return nil, fail("decode "+s.Codec, err, d.messages())
	}
	return d, nil
}

// Close frees it; frames it has given stay valid.
func (d *Decoder) Close() error {
	if d == nil || !d.guard.close() {
		return nil
	}
	d.cc.Free()
	return nil
}

func (d *Decoder) messages() []string { return d.log.since(unsafe.Pointer(cCodec(d.cc))) }

// Send gives the next packet, nil at the end. ErrAgain: Receive first.
// An error of which Invalid is true concerns this packet only.
func (d *Decoder) Send(p *Packet) error {
	var ap *astiav.Packet
	if p != nil {
		ap = p.p
	}
	return fail("decode "+d.codec, d.cc.SendPacket(ap), nil)
}

// Receive takes the next frame, replacing what f held. ErrAgain: Send first;
// io.EOF after the last.
func (d *Decoder) Receive(f *Frame) error {
	return fail("decode "+d.codec, d.cc.ReceiveFrame(f.f), nil)
}

// Flush forgets all state, as after a seek.
func (d *Decoder) Flush() { C.avcodec_flush_buffers(cCodec(d.cc)) }

// SkipUnreferenced makes the decoder drop pictures that no other is predicted
// from, for the packets sent from now on. Not every codec can tell.
func (d *Decoder) SkipUnreferenced(on bool) {
	c := cCodec(d.cc)
	c.skip_frame = C.AVDISCARD_DEFAULT
	if on {
		c.skip_frame = C.AVDISCARD_NONREF
	}
}
