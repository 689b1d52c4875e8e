package av

//#include "av.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/choirless/render/media"
)

// Option is one codec or format option in libav's spelling. They are set in
// the order given.
type Option struct{ Key, Value string }

// EncoderOptions are the options of an encoder of either kind.
type EncoderOptions struct {
	Codec   string // encoder name: "libx264", "aac", "flac"
	Options []Option
	Threads int // 0 means 1
	// Header puts parameter sets and configuration beside the stream
	// (Encoder.Config) instead of into it.
	Header  bool
	BitRate int // bits per second, 0 leaves it to the encoder

	// Video. TimeBase is the unit of SendPicture's timestamps; Depth 0 means 8
	// bits, and the zero SubX and SubY with it 4:2:0.
	Width, Height     int
	Depth, SubX, SubY int
	Grey              bool
	TimeBase          media.TimeBase
	Rate              media.FrameRate // nominal
	SAR               media.Ratio
	Color             media.Color // tags; unknown fields stay untagged
	Siting            media.Siting

	// Audio.
	SampleRate media.SampleRate
	Channels   int
	BlockSize  int // sample frames per packet, 0 leaves it to the encoder
}

// Encoder turns pictures or sound into packets.
type Encoder struct {
	cc    *astiav.CodecContext
	name  string
	frame *Frame
	audio bool
	guard guard
	log   logMark
}

// NewEncoder opens an encoder; an option it does not know is an error.
func NewEncoder(o EncoderOptions) (_ *Encoder, err error) {
	codec := astiav.FindEncoderByName(o.Codec)
	if codec == nil {
		return nil, fmt.Errorf("av: no encoder %q in this libavcodec", o.Codec)
	}
	e := &Encoder{cc: astiav.AllocCodecContext(codec), name: o.Codec, audio: o.Channels > 0, log: markLog()}
	if e.cc == nil {
		return nil, errors.New("av: out of memory")
	}
	e.guard = newGuard(e, "encoder")
	defer func() {
		if err != nil {
			e.Close()
		}
	}()
	e.frame = NewFrame()
	c := cCodec(e.cc)
	c.thread_count = C.int(max(o.Threads, 1))
	c.flags |= C.AV_CODEC_FLAG_BITEXACT // no version strings, same bytes every time
	if o.Header {
		c.flags |= C.AV_CODEC_FLAG_GLOBAL_HEADER
	}
	if o.BitRate > 0 {
		c.bit_rate = C.int64_t(o.BitRate)
	}
	if e.audio {
		setAudio(c, o)
	} else if err := setVideo(c, o); err != nil {
		return nil, err
	}
	d, err := dictionary(o.Options)
	if err != nil {
		return nil, err
	}
	defer d.Free()
	if err := e.cc.Open(codec, d); err != nil {
		return nil, fail("open encoder "+o.Codec, err, e.messages())
	}
	if left := C.av_dict_get(*cDict(d), (*C.char)(unsafe.Pointer(&empty[0])), nil, C.AV_DICT_IGNORE_SUFFIX); left != nil {
		return nil, fmt.Errorf("av: encoder %s: unknown option %q", o.Codec, C.GoString(left.key))
	}
	return e, nil
}

var empty [1]byte

func dictionary(options []Option) (*astiav.Dictionary, error) {
	d := astiav.NewDictionary()
	for _, o := range options {
		if err := d.Set(o.Key, o.Value, 0); err != nil {
			d.Free()
			return nil, fail("set option "+o.Key, err, nil)
		}
	}
	return d, nil
}

func setVideo(c *C.AVCodecContext, o EncoderOptions) error {
	if o.Depth == 0 {
		o.Depth, o.SubX, o.SubY = 8, 1, 1
	}
	c.width, c.height = C.int(o.Width), C.int(o.Height)
	if c.pix_fmt = pixelFormat(o.Depth, o.SubX, o.SubY, o.Grey); c.pix_fmt == C.AV_PIX_FMT_NONE {
		return fmt.Errorf("av: encoder %s: no pixel format of %d bits, subsampling %d, %d", o.Codec, o.Depth, o.SubX, o.SubY)
	}
	c.time_base = cRational(o.TimeBase.Num, o.TimeBase.Den)
	c.framerate = cRational(o.Rate.Num, o.Rate.Den)
	c.sample_aspect_ratio = cRational(int64(max(o.SAR.Num, 1)), int64(max(o.SAR.Den, 1)))
	c.colorspace, c.color_range, c.color_primaries, c.color_trc = colorTags(o.Color)
	c.chroma_sample_location = sitingTag(o.Siting)
	return nil
}

func setAudio(c *C.AVCodecContext, o EncoderOptions) {
	c.sample_rate = C.int(o.SampleRate)
	c.time_base = cRational(1, int64(o.SampleRate))
	C.av_channel_layout_default(&c.ch_layout, C.int(o.Channels))
	c.sample_fmt = C.AV_SAMPLE_FMT_FLTP
	c.frame_size = C.int(o.BlockSize)
	switch o.Codec {
	case "flac", "pcm_s24le":
		c.sample_fmt = C.AV_SAMPLE_FMT_S32
		c.bits_per_raw_sample = 24
	case "libopus":
		c.sample_fmt = C.AV_SAMPLE_FMT_FLT // the only floats it takes are interleaved
	}
}

// Close frees it.
func (e *Encoder) Close() error {
	if e == nil || !e.guard.close() {
		return nil
	}
	e.frame.Close()
	e.cc.Free()
	return nil
}

func (e *Encoder) messages() []string { return e.log.since(unsafe.Pointer(cCodec(e.cc))) }

// fail is fail with what the encoder has logged, which is looked for only when there
// is an error: most calls, of which there are many a second, have none.
func (e *Encoder) fail(err error) error {
	if err == nil {
		return nil
	}
	return fail("encode "+e.name, err, e.messages())
}

// Config is the parameter sets or configuration of an encoder opened with
// Header; the bytes are the caller's.
func (e *Encoder) Config() []byte {
	c := cCodec(e.cc)
	return C.GoBytes(unsafe.Pointer(c.extradata), c.extradata_size)
}

// BlockSize is how many sample frames SendSound must be given, but for the last
// time; 0 when any number will do.
func (e *Encoder) BlockSize() int { return int(cCodec(e.cc).frame_size) }

// Priming is how many sample frames the encoder puts before the first.
func (e *Encoder) Priming() int { return int(cCodec(e.cc).initial_padding) }

// TimeBase is the unit of the packets' timestamps.
func (e *Encoder) TimeBase() media.TimeBase { return timeBase(cCodec(e.cc).time_base) }

// SendPicture encodes a picture of the encoder's size and format shown at t, without keeping it:
// the planes are free again when it returns.
func (e *Encoder) SendPicture(m *media.Frame, t media.PTS) error {
	done, err := e.frame.lend(m)
	if err != nil {
		return err
	}
	cFrame(e.frame.f).pts = C.int64_t(t)
	return errors.Join(e.fail(e.cc.SendFrame(e.frame.f)), done())
}

// SendSound encodes one block whose first sample is heard at t.
func (e *Encoder) SendSound(channels [][]float32, t media.PTS) error {
	c, f := cCodec(e.cc), cFrame(e.frame.f)
	e.frame.f.Unref()
	n := len(channels[0])
	f.format = C.int(c.sample_fmt)
	f.sample_rate = c.sample_rate
	f.nb_samples = C.int(n)
	f.pts = C.int64_t(t)
	if r := C.av_channel_layout_copy(&f.ch_layout, &c.ch_layout); r < 0 {
		return fail("encode "+e.name, astiav.Error(r), nil)
	}
	if r := C.av_frame_get_buffer(f, 0); r < 0 {
		return fail("encode "+e.name, astiav.Error(r), nil)
	}
	for i, in := range channels {
		if c.sample_fmt == C.AV_SAMPLE_FMT_S32 {
			C.choir_pack_s24((*C.float)(&in[0]), C.int(n), C.int(len(channels)), C.int(i),
				(*C.int32_t)(unsafe.Pointer(f.data[0])))
			continue
		}
		if c.sample_fmt == C.AV_SAMPLE_FMT_FLT {
			all := unsafe.Slice((*float32)(unsafe.Pointer(f.data[0])), n*len(channels))
			for k, v := range in[:n] {
				all[k*len(channels)+i] = v
			}
			continue
		}
		planes := unsafe.Slice(f.extended_data, len(channels))
		copy(unsafe.Slice((*float32)(unsafe.Pointer(planes[i])), n), in[:n])
	}
	return e.fail(e.cc.SendFrame(e.frame.f))
}

// Finish says that nothing follows; the remaining packets can be received.
func (e *Encoder) Finish() error {
	return e.fail(e.cc.SendFrame(nil))
}

// Receive takes the next packet, replacing what p held. ErrAgain: send more;
// io.EOF after the last.
func (e *Encoder) Receive(p *Packet) error {
	p.p.Unref()
	return fail("encode "+e.name, e.cc.ReceivePacket(p.p), nil)
}
