package stitch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/choirless/render/media"
)

// An MP4 file as written here (ISO/IEC 14496-12):
//
//	ftyp
//	moov      written last into room left for it
//	free      what was left over of the room
//	mdat      half a second of picture, the sound that goes with it, and so on
//
// How large the index gets is known before the first byte but for what depends
// on the coded pictures (how they are reordered, how many are IDR), for which
// the room is enough in the worst case: some 16 bytes a picture, a thousandth
// of the file.

// chunkTime is how much of a track lies in one piece: short enough for a player
// that reads the file from a network to have both tracks at hand.
const chunkTime = 0.5 // seconds

// mdatHeader is room for an mdat box with a 64-bit size; a small one leaves
// half of it to a free box.
const mdatHeader = 16

// movieWriter writes one movie.
type movieWriter struct {
	movie  Movie
	frames int // pictures of the whole movie
	file   io.WriteSeeker
	out    *bufio.Writer
	pos    int64 // in the file, of out
	room   int   // bytes between ftyp and the mdat header

	video       videoTrack
	chunkFrames int
	inChunk     int   // pictures in the chunk begun last
	orders      []int // of the GOP being written

	audio *audioFeed // nil without sound
}

func writeMP4(ctx context.Context, w io.WriteSeeker, m Movie) (stats Stats, err error) {
	mw := &movieWriter{movie: m, file: w, out: bufio.NewWriterSize(w, 1<<18)}
	if err := mw.prepare(); err != nil {
		return stats, err
	}
	if m.Audio != nil {
		if mw.audio, err = newAudioFeed(m.Audio); err != nil {
			return stats, err
		}
		defer mw.audio.stop()
	}
	j := &joiner{anyMotion: m.AnyMotion, rate: m.Rate}
	for i, seg := range m.Segments {
		if err := j.segment(ctx, i, seg, func(u unit) error { return mw.picture(j, u) }); err != nil {
			return stats, err
		}
	}
	return mw.finish(ctx)
}

// prepare finds out how many pictures there will be.
func (mw *movieWriter) prepare() (err error) {
	m := mw.movie
	mw.video.id = 1
	mw.video.timescale, mw.video.perFrame, err = videoClock(m.Rate.Num, m.Rate.Den)
	if err != nil {
		return err
	}
	mw.chunkFrames = max(1, int(m.Rate.FPS()*chunkTime+0.5))
	if len(m.Segments) == 0 {
		return errors.New("movie: no segments")
	}
	for i, s := range m.Segments {
		n := s.Frames
		if n == 0 && len(s.Stripes) > 0 {
			if n, err = countPictures(s.Stripes[0]); err != nil {
				return fmt.Errorf("segment %d: stripe 0: %w", i, err)
			}
		}
		mw.frames += n
	}
	if ticks := int64(mw.frames) * mw.video.perFrame; ticks > math.MaxUint32 {
		return fmt.Errorf("movie: %d pictures of %d ticks, more than 32 bits hold", mw.frames, mw.video.perFrame)
	}
	return nil
}

// begin writes what is in front of the media data.
func (mw *movieWriter) begin(j *joiner) error {
	mw.video.sps, mw.video.pps, mw.video.format = j.sps, j.pps, j.format
	if _, err := mw.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	head := boxes{}
	fileType(&head, "isom", "isom", "iso2", "avc1", "mp41")
	mw.room = mw.indexRoom()
	head.zeros(mw.room + mdatHeader)
	return mw.write(head.b)
}

// fileType writes ftyp (14496-12, 4.3).
func fileType(x *boxes, major string, compatible ...string) {
	x.begin("ftyp")
	x.str(major)
	x.u32(0x200)
	for _, c := range compatible {
		x.str(c)
	}
	x.end()
}

// indexRoom returns an upper bound of the size of moov and a free box.
func (mw *movieWriter) indexRoom() int {
	const fixed = 2048 // all boxes of two tracks without their tables: 1300 bytes
	v := &mw.video
	room := fixed + len(mw.movie.Title) + len(v.sps) + len(v.pps)
	seconds := float64(mw.frames) / mw.movie.Rate.FPS()
	if a := mw.audio; a != nil {
		room += len(a.track.config) + 4*a.packets()
		seconds = max(seconds, float64(a.end)/float64(a.track.timescale))
	}
	chunks := int(seconds/(float64(mw.chunkFrames)/mw.movie.Rate.FPS())) + 2
	tracks := 2
	room += tracks * chunks * (8 + 12) // co64, stsc
	room += mw.frames * (4 /*stsz*/ + 8 /*ctts*/ + 4 /*stss*/)
	return room
}

func (mw *movieWriter) write(b []byte) error {
	n, err := mw.out.Write(b)
	mw.pos += int64(n)
	return err
}

// picture writes one coded picture, and sound before a new chunk of pictures.
func (mw *movieWriter) picture(j *joiner, u unit) error {
	v := &mw.video
	if v.format == nil {
		if err := mw.begin(j); err != nil {
			return err
		}
	}
	if u.idr {
		if err := mw.endGOP(); err != nil {
			return err
		}
		v.sync = append(v.sync, uint32(len(v.sizes)+1))
	}
	if mw.inChunk == mw.chunkFrames || len(v.chunks) == 0 {
		if err := mw.sound(int64(len(v.sizes))); err != nil {
			return err
		}
		v.beginChunk(mw.pos)
		mw.inChunk = 0
	}
	mw.inChunk++
	mw.orders = append(mw.orders, u.order)
	v.sample(len(u.data), v.perFrame)
	return mw.write(u.data)
}

// endGOP puts the pictures of the GOP just ended into display order.
func (mw *movieWriter) endGOP() error {
	shift, err := displayShift(mw.orders)
	if err != nil {
		return fmt.Errorf("movie: GOP before picture %d: %w", len(mw.video.sizes), err)
	}
	for _, s := range shift {
		mw.video.shift.add(int64(s))
		mw.video.delay = max(mw.video.delay, int64(-s))
	}
	mw.orders = mw.orders[:0]
	return nil
}

// sound writes what is heard before the given picture.
func (mw *movieWriter) sound(picture int64) error {
	a := mw.audio
	if a == nil || picture == 0 {
		return nil
	}
	until := a.skip() + rescale(picture*mw.video.perFrame, mw.video.timescale, a.track.timescale)
	return a.copy(until, mw.pos, mw.write)
}

// finish writes the rest of the sound and then the index into its room.
func (mw *movieWriter) finish(ctx context.Context) (Stats, error) {
	v := &mw.video
	if v.format == nil {
		return Stats{}, errors.New("movie: no pictures")
	}
	if err := mw.endGOP(); err != nil {
		return Stats{}, err
	}
	v.skip = v.delay * v.perFrame
	v.length = int64(len(v.sizes)) * v.perFrame
	if err := mw.restOfSound(ctx); err != nil {
		return Stats{}, err
	}
	if err := mw.out.Flush(); err != nil {
		return Stats{}, err
	}
	size := mw.pos
	if err := mw.index(); err != nil {
		return Stats{}, err
	}
	if _, err := mw.file.Seek(size, io.SeekStart); err != nil {
		return Stats{}, err
	}
	stats := Stats{
		Frames:   len(v.sizes),
		Duration: mw.movie.Rate.Time(len(v.sizes)),
		Video:    v.bytes,
		Bytes:    size,
		Width:    v.format.width(),
		Height:   v.format.height(),
	}
	if mw.audio != nil {
		stats.Audio = mw.audio.track.bytes
	}
	return stats, nil
}

// restOfSound writes the sound of the last pictures and after them.
func (mw *movieWriter) restOfSound(ctx context.Context) error {
	if mw.audio == nil {
		return nil
	}
	for picture := int64(len(mw.video.sizes)); !mw.audio.done(); picture += int64(mw.chunkFrames) {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := mw.sound(picture); err != nil {
			return err
		}
	}
	return nil
}

// index writes moov, free and the header of mdat.
func (mw *movieWriter) index() error {
	x := boxes{}
	fileType(&x, "isom", "isom", "iso2", "avc1", "mp41")
	from := len(x.b)
	mw.moov(&x)
	left := mw.room - (len(x.b) - from)
	if left < 8 {
		return fmt.Errorf("movie: index of %d bytes in room for %d", len(x.b)-from, mw.room-8)
	}
	media := mw.pos - int64(from+mw.room+mdatHeader) // bytes in mdat
	if small := media + 8; small <= math.MaxUint32 {
		x.u32(uint32(left + 8))
		x.str("free")
		x.zeros(left)
		x.u32(uint32(small))
		x.str("mdat")
	} else {
		x.u32(uint32(left))
		x.str("free")
		x.zeros(left - 8)
		x.u32(1)
		x.str("mdat")
		x.u64(uint64(media + mdatHeader))
	}
	if _, err := mw.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := mw.file.Write(x.b)
	return err
}

// moov writes the index of the finished tracks (14496-12, 8.2.1).
func (mw *movieWriter) moov(x *boxes) {
	scale := mw.video.timescale
	length := mw.video.length
	if a := mw.audio; a != nil { // finer than that of the pictures, and exact for sound
		scale = a.track.timescale
		length = max(rescale(length, mw.video.timescale, scale), a.track.length)
	}
	x.begin("moov")
	movieHeader(x, scale, length, 3)
	mw.video.box(x, scale)
	if mw.audio != nil {
		mw.audio.track.box(x, scale)
	}
	metadata(x, mw.movie.Title)
	x.end()
}

// movieHeader writes mvhd (14496-12, 8.2.2).
func movieHeader(x *boxes, scale uint32, length int64, nextTrack uint32) {
	x.full("mvhd", 0, 0)
	x.u32(0, 0, scale, uint32(length), 0x10000) // no dates; rate 1
	x.u16(0x100)                                // volume 1
	x.zeros(10)
	x.matrix()
	x.zeros(24)
	x.u32(nextTrack)
	x.end()
}

// writtenBy is the encoding tool named in the metadata.
const writtenBy = "Choirless Render"

// metadata writes title and tool in the form of iTunes, which every player
// reads (udta, 14496-12, 8.10.1; meta, 8.11.1; Apple's QuickTime File Format,
// "Metadata").
func metadata(x *boxes, title string) {
	x.begin("udta")
	x.full("meta", 0, 0)
	x.full("hdlr", 0, 0)
	x.u32(0)
	x.str("mdirappl")
	x.zeros(9)
	x.end()
	x.begin("ilst")
	for _, item := range [][2]string{{"\xa9nam", title}, {"\xa9too", writtenBy}} {
		if item[1] == "" {
			continue
		}
		x.begin(item[0])
		x.begin("data")
		x.u32(1, 0) // UTF-8, no locale
		x.str(item[1])
		x.end()
		x.end()
	}
	x.end()
	x.end()
	x.end()
}

// checkRate refuses pictures whose own timing is another than the movie's.
func checkRate(f *sps, rate media.FrameRate) (got, want string, ok bool) {
	if rate.Num == 0 || f.vui.rate.Num == 0 {
		return "", "", true
	}
	r := reduced(rate.Num, rate.Den)
	return f.vui.rate.String(), r.String(), f.vui.rate == r
}
