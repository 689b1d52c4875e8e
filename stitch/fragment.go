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
// (RFC 8216, 3.3) and DASH serve. There is no sound track: a growing movie is
// shown before the mix is finished.
// Not safe for concurrent use.
//
//	ftyp moov(mvhd trak mvex)                   Init
//	styp moof(mfhd traf(tfhd tfdt trun)) mdat   one per GOP
type Fragments struct {
	title    string
	j        joiner
	video    videoTrack
	segments int
	count    uint32 // fragments written
	frames   int64  // pictures written
	init     []byte
	err      error // of an Append before
}

// NewFragments returns a writer of a growing movie without sound.
func NewFragments(rate media.FrameRate, title string) (*Fragments, error) {
	f := &Fragments{title: title, j: joiner{rate: rate}}
	f.video.id = 1
	var err error
	f.video.timescale, f.video.perFrame, err = videoClock(rate.Num, rate.Den)
	return f, err
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
		n, err := w.Write(b)
		stats.Bytes += int64(n)
		if err == nil {
			n, err = w.Write(gop.data)
			stats.Bytes += int64(n)
		}
		stats.Frames += len(gop.sizes)
		stats.Video += int64(len(gop.data))
		gop = fragment{data: gop.data[:0]}
		return err
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

// fragment is a GOP on its way out.
type fragment struct {
	data   []byte
	sizes  []uint32
	orders []int
}

// header writes the initialisation segment.
func (f *Fragments) header() []byte {
	v := &f.video
	v.sps, v.pps, v.format = f.j.sps, f.j.pps, f.j.format
	x := boxes{}
	fileType(&x, "iso6", "iso6", "isom", "avc1", "mp41")
	x.begin("moov")
	movieHeader(&x, v.timescale, 0, 2)
	v.box(&x, v.timescale) // without samples
	x.begin("mvex")
	x.full("trex", 0, 0)
	x.u32(v.id, 1, uint32(v.perFrame), 0, flagsOther)
	x.end()
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
// Composition offsets are signed (trun version 1), so that decoding time and
// display time of a GOP both begin at its place on the time line and no edit
// list is needed, which players of segments pass over.
func (f *Fragments) fragment(gop *fragment) ([]byte, error) {
	shift, err := displayShift(gop.orders)
	if err != nil {
		return nil, fmt.Errorf("movie: GOP at picture %d: %w", f.frames, err)
	}
	if int64(len(gop.data)) > math.MaxUint32-8 {
		return nil, errors.New("movie: GOP of more than 4 GB")
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
	x.begin("traf")
	x.full("tfhd", 0, 0x020000) // offsets count from the moof box
	x.u32(v.id)
	x.end()
	x.full("tfdt", 1, 0)
	x.u64(uint64(f.frames * v.perFrame))
	x.end()
	const dataOffset, firstFlags, sizes, shifts = 1, 4, 0x200, 0x800
	x.full("trun", 1, dataOffset|firstFlags|sizes|shifts)
	x.u32(uint32(len(gop.sizes)))
	at := len(x.b)
	x.u32(0, flagsSync)
	for i, size := range gop.sizes {
		x.u32(size, uint32(int32(int64(shift[i])*v.perFrame)))
	}
	x.end()
	x.end()
	x.end()
	putU32(x.b[at:], uint32(len(x.b)-from+8)) // first byte of mdat's content
	x.u32(uint32(len(gop.data) + 8))
	x.str("mdat")
	f.frames += int64(len(gop.sizes))
	return x.b, nil
}
