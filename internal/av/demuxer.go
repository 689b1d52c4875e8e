package av

//#include "av.h"
import "C"

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/choirless/render/media"
)

// InputOptions are the options of OpenDemuxer.
type InputOptions struct {
	// Format forces a demuxer ("h264"); "" looks at the data.
	Format string
	// Shallow skips reading ahead for facts that the header does not hold.
	Shallow bool
}

// Demuxer takes a container apart.
type Demuxer struct {
	fc    *C.AVFormatContext
	io    *stream
	guard guard
	log   logMark
}

// OpenDemuxer reads the header of src, which stays the caller's to close, after
// the Demuxer. ctx ends reading. An *Error says that the data are not media.
func OpenDemuxer(ctx context.Context, src io.Reader, o InputOptions) (_ *Demuxer, err error) {
	d := &Demuxer{log: markLog()}
	if d.io, err = newReader(ctx, src); err != nil {
		return nil, err
	}
	d.guard = newGuard(d, "demuxer")
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	fc := C.avformat_alloc_context()
	if fc == nil {
		return nil, errors.New("av: out of memory")
	}
	owner := unsafe.Pointer(fc)
	fc.pb = d.io.c
	// Corrupt packets are the decoder's business: it may make something of them.
	fc.flags |= C.AVFMT_FLAG_CUSTOM_IO
	var format *C.AVInputFormat
	if o.Format != "" {
		name := C.CString(o.Format)
		defer C.free(unsafe.Pointer(name))
		format = C.av_find_input_format(name)
	}
	// On failure avformat_open_input frees fc.
	if r := C.avformat_open_input(&fc, nil, format, nil); r < 0 {
		return nil, d.fail("open", r, owner)
	}
	d.fc = fc
	if !o.Shallow {
		if r := C.avformat_find_stream_info(d.fc, nil); r < 0 {
			return nil, d.fail("open", r, owner)
		}
	}
	return d, nil
}

// Close frees everything.
func (d *Demuxer) Close() error {
	if d == nil || !d.guard.close() {
		return nil
	}
	if d.fc != nil {
		C.avformat_close_input(&d.fc)
	}
	d.io.close()
	return nil
}

// fail prefers the reader's own error to libav's code for it.
func (d *Demuxer) fail(op string, r C.int, owner unsafe.Pointer) error {
	if d.io.err != nil {
		return d.io.err
	}
	return fail(op, astiav.Error(r), d.log.since(owner))
}

// Container is libav's name of the format, such as "matroska,webm".
func (d *Demuxer) Container() string { return C.GoString(d.fc.iformat.name) }

// Duration is what the container says of itself, 0 when it says nothing.
func (d *Demuxer) Duration() time.Duration {
	if d.fc.duration <= 0 || d.fc.duration > 1e6*latest || d.fc.duration_estimation_method == C.AVFMT_DURATION_FROM_BITRATE {
		return 0
	}
	return time.Duration(d.fc.duration) * time.Microsecond
}

// Tag returns a tag of the container, "" when it is not there.
func (d *Demuxer) Tag(key string) string { return tag(d.fc.metadata, key) }

// Messages returns what libav has complained of.
func (d *Demuxer) Messages() []string { return d.log.since(unsafe.Pointer(d.fc)) }

// Read reads the next packet of any stream that is not discarded, io.EOF after
// the last. It replaces what p held.
func (d *Demuxer) Read(p *Packet) error {
	p.p.Unref()
	c := cPacket(p.p)
	if r := C.av_read_frame(d.fc, c); r < 0 {
		return d.fail("read", r, unsafe.Pointer(d.fc))
	}
	tb := d.streams()[c.stream_index].time_base
	c.pts, c.dts = plausible(c.pts, tb), plausible(c.dts, tb)
	if float64(c.duration)*float64(C.av_q2d(tb)) > longestPacket {
		c.duration = 0
	}
	// A reader that fails looks like a short file to some demuxers.
	return d.io.err
}

// latest is how late anything in a recording can be, longestPacket how long a packet may
// last, in seconds. Some clocks count from 1970; what says more than ninety years is
// damaged, and the difference of two such times is still a time.Duration.
const (
	latest        = 90 * 365.25 * 86400
	longestPacket = 3600
)

// plausible returns a time, or AV_NOPTS_VALUE for one that cannot be.
func plausible(v C.int64_t, tb C.AVRational) C.int64_t {
	if !(math.Abs(float64(v)*float64(tb.num)/float64(tb.den)) <= latest) {
		return C.AV_NOPTS_VALUE
	}
	return v
}

// Seek makes the next packet of the stream a keyframe at or before t, as far as
// the container's index knows; t is in the stream's time base.
func (d *Demuxer) Seek(stream int, t media.PTS) error {
	r := C.av_seek_frame(d.fc, C.int(stream), C.int64_t(t), C.AVSEEK_FLAG_BACKWARD)
	if r < 0 {
		return d.fail("seek", r, unsafe.Pointer(d.fc))
	}
	return nil
}

// Only makes Read skip every stream but the given ones.
func (d *Demuxer) Only(streams ...int) {
	for i, st := range d.streams() {
		if slices.Contains(streams, i) {
			st.discard = C.AVDISCARD_DEFAULT
		} else {
			st.discard = C.AVDISCARD_ALL
		}
	}
}

func (d *Demuxer) streams() []*C.AVStream {
	return unsafe.Slice(d.fc.streams, int(d.fc.nb_streams))
}

// tag looks a key up in any case: containers disagree about it.
func tag(m *C.AVDictionary, key string) string {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	if e := C.av_dict_get(m, k, nil, 0); e != nil {
		return C.GoString(e.value)
	}
	return ""
}
