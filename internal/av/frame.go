package av

//#include "av.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/choirless/render/media"
)

// Frame holds a decoded picture or run of sound.
type Frame struct {
	f     *astiav.Frame
	guard guard
}

// NewFrame returns an empty frame.
func NewFrame() *Frame {
	f := &Frame{f: astiav.AllocFrame()}
	f.guard = newGuard(f, "frame")
	return f
}

// Close frees it.
func (f *Frame) Close() error {
	if f == nil || !f.guard.close() {
		return nil
	}
	f.f.Free()
	return nil
}

// Unref lets go of the contents.
func (f *Frame) Unref() { f.f.Unref() }

// PTS is the best estimate of the presentation time, in the stream's time base.
func (f *Frame) PTS() media.PTS {
	c := cFrame(f.f)
	if c.best_effort_timestamp != C.AV_NOPTS_VALUE {
		return pts(c.best_effort_timestamp)
	}
	return pts(c.pts)
}

// StartPTS is the time of the first sample that is left after priming was
// trimmed, which the best estimate may not know.
func (f *Frame) StartPTS() media.PTS {
	c := cFrame(f.f)
	if c.pts != C.AV_NOPTS_VALUE {
		return pts(c.pts)
	}
	return pts(c.best_effort_timestamp)
}

// Duration is in the stream's time base, 0 when unknown.
func (f *Frame) Duration() int64 { return int64(cFrame(f.f).pkt_duration) }

// Corrupt says that the decoder concealed damage.
func (f *Frame) Corrupt() bool {
	c := cFrame(f.f)
	return c.flags&C.AV_FRAME_FLAG_CORRUPT != 0 || c.decode_error_flags != 0
}

// Interlaced says that the picture is two fields, taken one after the other, and
// which of them, the one of the top row or the other, is the earlier.
func (f *Frame) Interlaced() (interlaced, topFirst bool) {
	c := cFrame(f.f)
	return c.interlaced_frame != 0, c.top_field_first != 0
}

// Samples, Rate and Channels describe sound.
func (f *Frame) Samples() int { return int(cFrame(f.f).nb_samples) }

// Rate is in Hz.
func (f *Frame) Rate() media.SampleRate { return media.SampleRate(cFrame(f.f).sample_rate) }

// Channels is how many there are.
func (f *Frame) Channels() int { return int(cFrame(f.f).ch_layout.nb_channels) }

// Float writes len(dst) samples of channel ch, from sample first on, full scale 1.
func (f *Frame) Float(ch, first int, dst []float32) error {
	if len(dst) == 0 {
		return nil
	}
	if ch >= f.Channels() || first+len(dst) > f.Samples() {
		panic("av: internal error: sample out of range")
	}
	p := (*C.float)(unsafe.Pointer(&dst[0]))
	if C.choir_frame_float(cFrame(f.f), C.int(ch), C.int(first), C.int(len(dst)), p) == 0 {
		return fmt.Errorf("av: unknown sample format %d", cFrame(f.f).format)
	}
	return nil
}

// Shape is what a picture's samples are like, however they lie in memory: NV12 and
// planar 4:2:0 of one size have one shape. Comparable.
type Shape struct {
	Width, Height int // luma pixels
	Depth         int // bits per sample, 0 unknown
	SubX, SubY    int // log2 of the chroma subsampling
	Components    int // 3 with chroma
}

// Shape describes the picture.
func (f *Frame) Shape() Shape {
	s := C.choir_frame_shape(cFrame(f.f))
	return Shape{int(s.width), int(s.height), int(s.depth), int(s.sub_x), int(s.sub_y), int(s.components)}
}

// Picture fills m with the picture, its planes pointing into f: m is valid as
// long as f's contents are. It returns false when the format must be converted
// first. Time, SAR and Rotation are left alone but for a SAR of the picture's own.
func (f *Frame) Picture(m *media.Frame) bool {
	var p C.choir_planes
	c := cFrame(f.f)
	if C.choir_frame_planes(c, &p) == 0 {
		return false
	}
	m.Depth, m.SubX, m.SubY = int(p.depth), int(p.sub_x), int(p.sub_y)
	m.Planes = [3]media.Plane{}
	for i := range int(p.planes) {
		m.Planes[i] = media.Plane{
			Data:   unsafe.Slice((*byte)(p.data[i]), int(p.size[i])),
			Stride: int(p.stride[i]),
			Width:  int(p.width[i]),
			Height: int(p.height[i]),
		}
	}
	m.Color = color(c.colorspace, c.color_range, c.color_primaries, c.color_trc)
	m.Siting = siting(c.chroma_location)
	yuvj(C.enum_AVPixelFormat(c.format), &m.Color, &m.Siting)
	if s := c.sample_aspect_ratio; s.num > 0 && s.den > 0 {
		m.SAR = media.Ratio{}
		if s.num != s.den {
			m.SAR = media.Ratio{Num: int(s.num), Den: int(s.den)}
		}
	}
	return true
}

// Converter turns pictures of exotic formats into the nearest planar one.
type Converter struct{ c *C.struct_SwsContext }

// Convert writes src into dst, replacing what that held.
func (v *Converter) Convert(src, dst *Frame) error {
	dst.f.Unref()
	if r := C.choir_frame_convert(&v.c, cFrame(src.f), cFrame(dst.f)); r < 0 {
		return fail("convert pixel format", astiav.Error(r), nil)
	}
	return nil
}

// Close frees it; it may be used again afterwards.
func (v *Converter) Close() {
	C.sws_freeContext(v.c)
	v.c = nil
}

// lend points f at the planes of m. They are pinned until the function it
// returns is called, by which time libav must have let go of them.
func (f *Frame) lend(m *media.Frame) (func() error, error) {
	c := cFrame(f.f)
	f.f.Unref()
	grey := len(m.Planes[1].Data) == 0
	c.format = C.int(pixelFormat(m.Depth, m.SubX, m.SubY, grey))
	c.width, c.height = C.int(m.Width()), C.int(m.Height())
	var pin runtime.Pinner
	r := C.int(0)
	for i := range m.Planes {
		p := &m.Planes[i]
		if len(p.Data) == 0 {
			break
		}
		pin.Pin(&p.Data[0])
		c.linesize[i] = C.int(p.Stride)
		if r = C.choir_frame_borrow(c, C.int(i), (*C.uint8_t)(unsafe.Pointer(&p.Data[0])), C.int64_t(len(p.Data))); r < 0 {
			break
		}
	}
	done := func() error {
		held := C.choir_frame_borrowed(c) != 0
		f.f.Unref()
		pin.Unpin()
		if held {
			return errors.New("av: internal error: the encoder kept a borrowed picture")
		}
		return nil
	}
	if r < 0 {
		done()
		return nil, fail("lend picture", astiav.Error(r), nil)
	}
	return done, nil
}

// Channel is a loudspeaker position, with libav's numbers.
type Channel int

const (
	ChannelUnknown Channel = -1
	FrontLeft      Channel = C.AV_CHAN_FRONT_LEFT
	FrontRight     Channel = C.AV_CHAN_FRONT_RIGHT
	FrontCenter    Channel = C.AV_CHAN_FRONT_CENTER
	LowFrequency   Channel = C.AV_CHAN_LOW_FREQUENCY
	BackLeft       Channel = C.AV_CHAN_BACK_LEFT
	BackRight      Channel = C.AV_CHAN_BACK_RIGHT
	BackCenter     Channel = C.AV_CHAN_BACK_CENTER
	SideLeft       Channel = C.AV_CHAN_SIDE_LEFT
	SideRight      Channel = C.AV_CHAN_SIDE_RIGHT
	StereoLeft     Channel = C.AV_CHAN_STEREO_LEFT
	StereoRight    Channel = C.AV_CHAN_STEREO_RIGHT
	TopFrontLeft   Channel = C.AV_CHAN_TOP_FRONT_LEFT
	TopFrontRight  Channel = C.AV_CHAN_TOP_FRONT_RIGHT
	TopBackLeft    Channel = C.AV_CHAN_TOP_BACK_LEFT
	TopBackRight   Channel = C.AV_CHAN_TOP_BACK_RIGHT
	NearLeft       Channel = C.AV_CHAN_FRONT_LEFT_OF_CENTER
	NearRight      Channel = C.AV_CHAN_FRONT_RIGHT_OF_CENTER
	LowFrequency2  Channel = C.AV_CHAN_LOW_FREQUENCY_2
)

// Channel returns the position of channel i, ChannelUnknown when the recording
// does not say.
func (f *Frame) Channel(i int) Channel {
	return Channel(C.choir_channel(&cFrame(f.f).ch_layout, C.int(i)))
}
