package av

//#include "av.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// Decoder turns packets of one stream into frames.
type Decoder struct {
	cc    *astiav.CodecContext
	name  string // libav's: "vp8", "libdav1d", "vp8_cuvid"
	op    string // for errors
	guard guard
	log   logMark

	buffers *C.choir_buffers // of its pictures; nil when it has its own
}

// NewDecoder opens the decoder that libav prefers for s, which may use the given
// number of threads.
func NewDecoder(s *Stream, threads int) (*Decoder, error) {
	codec := astiav.FindDecoder(astiav.CodecID(s.st.codecpar.codec_id))
	if codec == nil {
		return nil, fmt.Errorf("av: no decoder for %s", s.Codec)
	}
	return openDecoder(s, codec, threads)
}

// NewDecoderByName opens another decoder of s than libav prefers, on one thread.
// Those that end in "_cuvid" work on the machine's NVIDIA card, see CUDA; their
// pictures come in system memory.
func NewDecoderByName(s *Stream, name string, options ...Option) (*Decoder, error) {
	codec := astiav.FindDecoderByName(name)
	if codec == nil {
		return nil, fmt.Errorf("av: no decoder %q in this libavcodec", name)
	}
	return openDecoder(s, codec, 1, options...)
}

func openDecoder(s *Stream, codec *astiav.Codec, threads int, options ...Option) (_ *Decoder, err error) {
	d := &Decoder{cc: astiav.AllocCodecContext(codec), name: codec.Name(), op: "decode " + s.Codec, log: markLog()}
	if d.cc == nil {
		return nil, errors.New("av: out of memory")
	}
	if d.name != s.Codec {
		d.op += " with " + d.name
	}
	d.guard = newGuard(d, "decoder")
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	c := cCodec(d.cc)
	if r := C.avcodec_parameters_to_context(c, s.st.codecpar); r < 0 {
		return nil, fail(d.op, astiav.Error(r), nil)
	}
	c.pkt_timebase = s.st.time_base // lets libav trim priming and padding by time
	c.thread_count = C.int(max(threads, 1))
	if strings.HasSuffix(d.name, "_cuvid") {
		if err := useCUDA(c); err != nil {
			return nil, err
		}
	}
	d.own()
	o, err := dictionary(options)
	if err != nil {
		return nil, err
	}
	defer o.Free()
	if err := d.cc.Open(codec, o); err != nil {
		return nil, fail(d.op, err, d.Messages())
	}
	return d, nil
}

// Name is libav's name of the decoder.
func (d *Decoder) Name() string { return d.name }

// Close frees it; frames it has given stay valid.
func (d *Decoder) Close() error {
	if d == nil || !d.guard.close() {
		return nil
	}
	d.cc.Free()
	d.disown()
	return nil
}

// Messages returns what libav has complained of since it was opened.
func (d *Decoder) Messages() []string { return d.log.since(unsafe.Pointer(cCodec(d.cc))) }

// Send gives the next packet, nil at the end. ErrAgain: Receive first.
// An error of which Invalid is true concerns this packet only.
func (d *Decoder) Send(p *Packet) error {
	var ap *astiav.Packet
	if p != nil {
		ap = p.p
	}
	return fail(d.op, d.cc.SendPacket(ap), nil)
}

// Receive takes the next frame, replacing what f held. ErrAgain: Send first;
// io.EOF after the last.
func (d *Decoder) Receive(f *Frame) error {
	return fail(d.op, d.cc.ReceiveFrame(f.f), nil)
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
