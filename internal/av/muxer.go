package av

//#include "av.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/choirless/render/media"
)

// Muxer writes packets into a container, without dates or random identifiers.
type Muxer struct {
	fc      *C.AVFormatContext
	io      *stream
	packet  *Packet
	options []Option
	started bool
	guard   guard
	log     logMark
}

// NewMuxer starts a container of libav's format name on w, which stays the
// caller's. If w is an io.Seeker, what can only be known at the end (durations,
// cues) is filled in by Finish.
func NewMuxer(w io.Writer, format string, options ...Option) (_ *Muxer, err error) {
	m := &Muxer{options: options, log: markLog()}
	if m.io, err = newWriter(w); err != nil {
		return nil, err
	}
	m.guard = newGuard(m, "muxer")
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	m.packet = NewPacket()
	name := C.CString(format)
	defer C.free(unsafe.Pointer(name))
	if r := C.avformat_alloc_output_context2(&m.fc, nil, name, nil); r < 0 {
		return nil, fail("write "+format, astiav.Error(r), nil)
	}
	m.fc.pb = m.io.c
	m.fc.flags |= C.AVFMT_FLAG_CUSTOM_IO | C.AVFMT_FLAG_BITEXACT
	return m, nil
}

// Close frees everything; without Finish the container stays incomplete.
func (m *Muxer) Close() error {
	if m == nil || !m.guard.close() {
		return nil
	}
	m.packet.Close()
	if m.fc != nil {
		C.avformat_free_context(m.fc)
		m.fc = nil
	}
	m.io.close()
	return nil
}

// AddCopy adds a stream for packets of s, which may be of an open Demuxer only.
// No frame rate is stated, as pictures of recordings come when they come.
func (m *Muxer) AddCopy(s *Stream, tags ...Option) (int, error) {
	st, err := m.stream(tags)
	if err != nil {
		return 0, err
	}
	if r := C.avcodec_parameters_copy(st.codecpar, s.st.codecpar); r < 0 {
		return 0, fail("write", astiav.Error(r), nil)
	}
	st.codecpar.codec_tag = 0 // the other container's
	st.time_base = s.st.time_base
	st.sample_aspect_ratio = cRational(int64(max(s.SAR.Num, 1)), int64(max(s.SAR.Den, 1)))
	st.codecpar.sample_aspect_ratio = st.sample_aspect_ratio
	return int(st.index), nil
}

// AddEncoded adds a stream for the packets of e.
func (m *Muxer) AddEncoded(e *Encoder, tags ...Option) (int, error) {
	st, err := m.stream(tags)
	if err != nil {
		return 0, err
	}
	c := cCodec(e.cc)
	if r := C.avcodec_parameters_from_context(st.codecpar, c); r < 0 {
		return 0, fail("write", astiav.Error(r), nil)
	}
	st.time_base = c.time_base
	st.sample_aspect_ratio = c.sample_aspect_ratio
	return int(st.index), nil
}

func (m *Muxer) stream(tags []Option) (*C.AVStream, error) {
	st := C.avformat_new_stream(m.fc, nil)
	if st == nil {
		return nil, errors.New("av: out of memory")
	}
	return st, setTags(&st.metadata, tags)
}

// Tag sets a tag of the container, before the first Write.
func (m *Muxer) Tag(tags ...Option) error { return setTags(&m.fc.metadata, tags) }

func setTags(d **C.AVDictionary, tags []Option) error {
	for _, t := range tags {
		k, v := C.CString(t.Key), C.CString(t.Value)
		r := C.av_dict_set(d, k, v, 0)
		C.free(unsafe.Pointer(k))
		C.free(unsafe.Pointer(v))
		if r < 0 {
			return fail("set tag "+t.Key, astiav.Error(r), nil)
		}
	}
	return nil
}

// Start writes the header. Write does it by itself.
func (m *Muxer) Start() error {
	if m.started {
		return nil
	}
	d, err := dictionary(m.options)
	if err != nil {
		return err
	}
	defer d.Free()
	r := C.avformat_write_header(m.fc, cDict(d))
	if r < 0 {
		return m.fail("write header", r)
	}
	m.started = true
	if left := C.av_dict_get(*cDict(d), (*C.char)(unsafe.Pointer(&empty[0])), nil, C.AV_DICT_IGNORE_SUFFIX); left != nil {
		return fmt.Errorf("av: %s: unknown option %q", C.GoString(m.fc.oformat.name), C.GoString(left.key))
	}
	return nil
}

// Write adds a packet, whose times are in tb, to a stream. Packets of different
// streams are put in order, those of one stream must be in decoding order. p is
// unchanged.
func (m *Muxer) Write(stream int, p *Packet, tb media.TimeBase) error {
	if err := m.Start(); err != nil {
		return err
	}
	if err := m.packet.Ref(p); err != nil {
		return err
	}
	c := cPacket(m.packet.p)
	st := unsafe.Slice(m.fc.streams, int(m.fc.nb_streams))[stream]
	C.av_packet_rescale_ts(c, cRational(tb.Num, tb.Den), st.time_base)
	c.stream_index = C.int(stream)
	c.pos = -1
	if r := C.av_interleaved_write_frame(m.fc, c); r < 0 {
		return m.fail("write", r)
	}
	return m.io.err
}

// Finish writes what is left and the trailer.
func (m *Muxer) Finish() error {
	if err := m.Start(); err != nil {
		return err
	}
	if r := C.av_write_trailer(m.fc); r < 0 {
		return m.fail("finish", r)
	}
	C.avio_flush(m.fc.pb)
	return m.io.err
}

func (m *Muxer) fail(op string, r C.int) error {
	if m.io.err != nil {
		return m.io.err
	}
	return fail(op, astiav.Error(r), m.log.since(unsafe.Pointer(m.fc)))
}
