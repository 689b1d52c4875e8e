package stitch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/choirless/render/media"
)

// Fragments writes a movie that grows: an initialisation segment and one media
// segment per Segment (fragmented MP4, ISO/IEC 14496-12, 8.8). Put one after
// the other they are a playable file; as separate objects they are what HLS
// (RFC 8216, 3.3) and DASH serve. The sound, where there is one, is finished
// before the pictures are.
// Not safe for concurrent use.
//
//	ftyp moov(mvhd trak… mvex)                   Init
//	styp moof(mfhd traf(tfhd tfdt trun)…) mdat   one per GOP
type Fragments struct {
	title    string
	j        joiner
	video    videoTrack
	audio    *audioFeed // nil without sound
	segments int
	count    uint32 // fragments written
	frames   int64  // pictures written
	init     []byte
	err      error // of an Append before
}

// NewFragments returns a writer of a growing movie, without sound when audio is
// nil. It must be closed.
func NewFragments(rate media.FrameRate, title string, audio *Audio) (*Fragments, error) {
	f := &Fragments{title: title, j: joiner{rate: rate}}
	f.video.id = 1
	var err error
	if f.video.timescale, f.video.perFrame, err = videoClock(rate.Num, rate.Den); err != nil {
		return nil, err
	}
	if audio != nil {
		f.audio, err = newAudioFeed(audio)
	}
	return f, err
}

// Resume makes the next Append go on where another writer of the same movie has
// stopped, after that many pictures in that many GOPs. It must be called before
// the first Append.
func (f *Fragments) Resume(pictures, gops int) error {
	f.frames, f.count, f.j.idrs = int64(pictures), uint32(gops), uint32(gops)
	if f.audio == nil || pictures == 0 {
		return nil
	}
	return f.audio.copy(f.soundUntil(), 0, func([]byte) error { return nil })
}

// soundUntil is the sample frame, priming counted, at which the pictures so far end.
func (f *Fragments) soundUntil() int64 {
	return f.audio.skip() + rescale(f.frames*f.video.perFrame, f.video.timescale, f.audio.track.timescale)
}

// Close ends the reading of the sound. It may be called more than once.
func (f *Fragments) Close() {
	if f.audio != nil {
		f.audio.stop()
	}
}

// Init returns the initialisation segment (ftyp, moov). It is known after the
// first Append, and nil before.
func (f *Fragments) Init() []byte { return f.init }

// Append writes the next segment to w, one fragment (moof, mdat) per GOP. One
// GOP is held in memory. After an error the movie cannot go on: every later
// Append returns that error again.
func (f *Fragments) Append(ctx context.Context, w io.Writer, s Segment) (Stats, error) {
	if f.err != nil {
		return Stats{}, f.err
	}
	stats, err := f.append(ctx, w, s)
	f.err = err
	return stats, err
}

func (f *Fragments) append(ctx context.Context, w io.Writer, s Segment) (Stats, error) {
	var stats Stats
	var gop fragment
	flush := func() error {
		if len(gop.sizes) == 0 {
			return nil
		}
		b, err := f.fragment(&gop)
		if err != nil {
			return err
		}
		for _, data := range [][]byte{b, gop.data, gop.sound} {
			n, err := w.Write(data)
			stats.Bytes += int64(n)
			if err != nil {
				return err
			}
		}
		stats.Frames += len(gop.sizes)
		stats.Video += int64(len(gop.data))
		stats.Audio += int64(len(gop.sound))
		gop = fragment{data: gop.data[:0], sound: gop.sound[:0]}
		return nil
	}
	err := f.j.segment(ctx, f.segments, s, func(u unit) error {
		if u.idr {
			if err := flush(); err != nil {
				return err
			}
		}
		gop.data = append(gop.data, u.data...)
		gop.sizes = append(gop.sizes, uint32(len(u.data)))
		gop.orders = append(gop.orders, u.order)
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return stats, err
	}
	f.segments++
	format := f.j.format
	stats.Width, stats.Height = format.width(), format.height()
	stats.Duration = f.j.rate.Time(stats.Frames)
	if f.init == nil {
		f.init = f.header()
	}
	return stats, nil
}

// delay is by how many pictures display lags behind decoding, as the parameter
// sets promise: it must be known before all pictures are.
func (f *Fragments) delay() int64 {
	if v := f.j.format.vui; v.restrictions {
		return int64(v.reorderFrames)
	}
	return 0
}

// fragment is a GOP on its way out.
type fragment struct {
	data   []byte
	sizes  []uint32
	orders []int

	sound []byte // the packets that begin before the GOP's end
}

// header writes the initialisation segment.
func (f *Fragments) header() []byte {
	v := &f.video
	v.sps, v.pps, v.format = f.j.sps, f.j.pps, f.j.format
	v.skip = f.delay() * v.perFrame
	x := boxes{}
	fileType(&x, "iso6", "iso6", "isom", "avc1", "mp41")
	x.begin("moov")
	movieHeader(&x, v.timescale, 0, 3)
	v.box(&x, v.timescale) // without samples
	var a *audioTrack
	if f.audio != nil {
		// Its own times without its samples, which are in the fragments.
		a = &audioTrack{config: f.audio.track.config, channels: f.audio.track.channels}
		a.id, a.timescale, a.skip = f.audio.track.id, f.audio.track.timescale, f.audio.track.skip
		a.box(&x, v.timescale)
	}
	x.begin("mvex")
	x.full("trex", 0, 0)
	x.u32(v.id, 1, uint32(v.perFrame), 0, flagsOther)
	x.end()
	if a != nil {
		x.full("trex", 0, 0)
		x.u32(a.id, 1, uint32(f.audio.frame), 0, flagsSync)
		x.end()
	}
	x.end()
	metadata(&x, f.title)
	x.end()
	return x.b
}

// Sample flags of a movie fragment (14496-12, 8.8.3.1).
const (
	flagsSync  = 2 << 24       // depends on no other sample
	flagsOther = 1<<24 | 1<<16 // depends on others, not a sync sample
)

// fragment writes all of a GOP's fragment but the coded data.
//
// Decoding times of a GOP begin at its place on the time line, display times
// later by the delay of B pictures, which the edit list takes away, as the
// sound's takes away its encoder's priming. Offsets that are negative instead
// would need none, but libav shows such pictures late by that delay.
func (f *Fragments) fragment(gop *fragment) ([]byte, error) {
	shift, err := displayShift(gop.orders)
	if err != nil {
		return nil, fmt.Errorf("movie: GOP at picture %d: %w", f.frames, err)
	}
	v := &f.video
	f.count++
	x := boxes{}
	x.begin("styp")
	x.str("msdh")
	x.u32(0)
	x.str("msdhiso6")
	x.end()
	from := len(x.b)
	x.begin("moof")
	x.full("mfhd", 0, 0)
	x.u32(f.count)
	x.end()
	const dataOffset, firstFlags, sizes, shifts = 1, 4, 0x200, 0x800
	run := f.track(&x, v.id, f.frames*v.perFrame, dataOffset|firstFlags|sizes|shifts, len(gop.sizes))
	x.u32(flagsSync)
	for i, size := range gop.sizes {
		x.u32(size, uint32(int32((int64(shift[i])+f.delay())*v.perFrame)))
	}
	x.end()
	x.end()
	f.frames += int64(len(gop.sizes))
	soundRun := 0
	if f.audio != nil {
		at, first := f.audio.at, len(f.audio.track.sizes)
		err := f.audio.copy(f.soundUntil(), 0, func(b []byte) error { gop.sound = append(gop.sound, b...); return nil })
		if err != nil {
			return nil, err
		}
		packets := f.audio.track.sizes[first:]
		if len(packets) > 0 {
			soundRun = f.track(&x, f.audio.track.id, at, dataOffset|sizes, len(packets))
			x.u32(packets...)
			x.end()
			x.end()
		}
	}
	x.end()
	if int64(len(gop.data)+len(gop.sound)) > math.MaxUint32-8 {
		return nil, errors.New("movie: GOP of more than 4 GB")
	}
	data := uint32(len(x.b) - from + 8) // first byte of mdat's content, from moof
	putU32(x.b[run:], data)
	if soundRun > 0 {
		putU32(x.b[soundRun:], data+uint32(len(gop.data)))
	}
	x.u32(uint32(len(gop.data) + len(gop.sound) + 8))
	x.str("mdat")
	return x.b, nil
}

// track begins a traf and its trun of n samples from decoding time at on, and
// returns where its data's offset belongs. Both are to be ended.
func (f *Fragments) track(x *boxes, id uint32, at int64, flags uint32, n int) (offset int) {
	x.begin("traf")
	x.full("tfhd", 0, 0x020000) // offsets count from the moof box
	x.u32(id)
	x.end()
	x.full("tfdt", 1, 0)
	x.u64(uint64(at))
	x.end()
	x.full("trun", 1, flags)
	x.u32(uint32(n))
	offset = len(x.b)
	x.u32(0)
	return offset
}
