package av

//#include "av.h"
import "C"

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/choirless/render/media"
)

// Kind is what a stream carries.
type Kind int

const (
	KindOther Kind = iota
	KindVideo
	KindAudio
)

// Stream describes one stream of a Demuxer; valid until that is closed.
type Stream struct {
	Index    int
	Kind     Kind
	Codec    string // libav's name: "vp8", "opus"
	TimeBase media.TimeBase
	// Start is the first timestamp as far as opening has seen, or NoPTS.
	Start media.PTS
	// Cover is set for a still picture that is no video (album art).
	Cover   bool
	Default bool
	// Known is unset when no decoder for the codec is built in, or the stream's clock
	// ticks once a day or less, which is damage.
	Known bool

	// Video.
	Width, Height int
	Depth         int // bits per sample; 0 unknown
	SubX, SubY    int // log2 of the chroma subsampling
	Planar        bool
	SAR           media.Ratio
	Rotation      media.Rotation
	Color         media.Color
	Siting        media.Siting
	FrameRate     float64 // average as the container says, 0 unknown
	Reorder       int     // how many pictures display order may lag behind

	// Audio.
	Rate     media.SampleRate
	Channels int
	// BlockSize is the number of sample frames in every packet of a FLAC
	// stream of fixed blocking, 0 otherwise.
	BlockSize int

	st *C.AVStream
	d  *Demuxer
}

// Streams describes all streams.
func (d *Demuxer) Streams() []Stream {
	all := d.streams()
	out := make([]Stream, len(all))
	for i, st := range all {
		out[i] = d.stream(i, st)
	}
	return out
}

func (d *Demuxer) stream(i int, st *C.AVStream) Stream {
	par := st.codecpar
	s := Stream{
		Index:    i,
		Codec:    C.GoString(C.avcodec_get_name(par.codec_id)),
		TimeBase: timeBase(st.time_base),
		Start:    pts(plausible(st.start_time, st.time_base)),
		Cover:    st.disposition&(C.AV_DISPOSITION_ATTACHED_PIC|C.AV_DISPOSITION_TIMED_THUMBNAILS) != 0,
		Default:  st.disposition&C.AV_DISPOSITION_DEFAULT != 0,
		Known:    C.avcodec_find_decoder(par.codec_id) != nil && st.time_base.num > 0 && C.av_q2d(st.time_base) < 86400,
		st:       st,
		d:        d,
	}
	switch par.codec_type {
	case C.AVMEDIA_TYPE_VIDEO:
		s.Kind = KindVideo
		s.video(par)
	case C.AVMEDIA_TYPE_AUDIO:
		s.Kind = KindAudio
		s.Rate = media.SampleRate(par.sample_rate)
		s.Channels = int(par.ch_layout.nb_channels)
		s.BlockSize = flacBlock(par)
	}
	return s
}

func (s *Stream) video(par *C.AVCodecParameters) {
	s.Width, s.Height = int(par.width), int(par.height)
	s.Color = color(par.color_space, par.color_range, par.color_primaries, par.color_trc)
	s.Siting = siting(par.chroma_location)
	s.FrameRate = float64(C.av_q2d(s.st.avg_frame_rate))
	if math.IsNaN(s.FrameRate) || math.IsInf(s.FrameRate, 0) {
		s.FrameRate = 0
	}
	s.Reorder = int(par.video_delay)
	sar := C.av_guess_sample_aspect_ratio(s.d.fc, s.st, nil)
	if sar.num > 0 && sar.den > 0 && sar.num != sar.den {
		s.SAR = media.Ratio{Num: int(sar.num), Den: int(sar.den)}
	}
	if par.format >= 0 {
		if desc := C.av_pix_fmt_desc_get(C.enum_AVPixelFormat(par.format)); desc != nil {
			s.Depth = int(desc.comp[0].depth)
			s.SubX, s.SubY = int(desc.log2_chroma_w), int(desc.log2_chroma_h)
			s.Planar = desc.flags&C.AV_PIX_FMT_FLAG_PLANAR != 0 && desc.nb_components == 3 &&
				desc.flags&C.AV_PIX_FMT_FLAG_RGB == 0
		}
		yuvj(C.enum_AVPixelFormat(par.format), &s.Color, &s.Siting)
	}
	if s.Codec == "mjpeg" {
		s.Color.Range = media.Full
	}
	s.Rotation = s.rotation()
}

// rotation reads the display matrix, which turns counterclockwise, or the tag
// that older containers carry instead, which is clockwise already.
func (s *Stream) rotation() media.Rotation {
	if m := C.av_stream_get_side_data(s.st, C.AV_PKT_DATA_DISPLAYMATRIX, nil); m != nil {
		theta := float64(C.av_display_rotation_get((*C.int32_t)(unsafe.Pointer(m))))
		if !math.IsNaN(theta) {
			return quarter(-theta)
		}
	}
	if deg, err := strconv.ParseFloat(s.Tag("rotate"), 64); err == nil {
		return quarter(deg)
	}
	return 0
}

// quarter rounds to the nearest quarter turn in 0..270.
func quarter(degrees float64) media.Rotation {
	q := int(math.Round(degrees/90)) % 4
	return media.Rotation((q + 4) % 4 * 90)
}

// Tag returns a tag of the stream, "" when it is not there.
func (s *Stream) Tag(key string) string { return tag(s.st.metadata, key) }

// flacBlock reads STREAMINFO (RFC 9639, section 8.2): least and greatest block
// size, 16 bits each; equal ones mean that every block but the last has it.
func flacBlock(par *C.AVCodecParameters) int {
	if par.codec_id != C.AV_CODEC_ID_FLAC || par.extradata_size < 34 {
		return 0
	}
	b := unsafe.Slice((*byte)(par.extradata), int(par.extradata_size))
	b = b[len(b)-34:] // "fLaC" and a block header may precede it
	least, most := int(b[0])<<8|int(b[1]), int(b[2])<<8|int(b[3])
	if least != most {
		return 0
	}
	return most
}
