package decode

import (
	"context"
	"io"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// CodedTimeBase is the unit of the timestamps of coded pictures.
var CodedTimeBase = media.TimeBase{Num: 1, Den: 1_000_000}

// CodedPicture is one coded picture; encode.Converted takes it as it is.
type CodedPicture = av.Packet

// Reader reads a recording once from end to end: its sound decoded, its
// pictures as they are coded. Not safe for concurrent use.
type Reader struct {
	src      *source
	audio    *Audio
	video    *av.Stream
	pictures func(*CodedPicture) error
	packet   *av.Packet
	dts      media.PTS
	begun    bool
	closed   bool
}

// OpenReader opens a recording. Every coded picture is handed to pictures, in
// decoding order, while Read goes on; its times are part time in CodedTimeBase,
// and it is only lent. pictures may be nil. What edit lists cut off is left out.
func OpenReader(ctx context.Context, src io.ReadSeeker, pictures func(*CodedPicture) error) (_ *Reader, err error) {
	s, err := openSource(ctx, src)
	if err != nil {
		return nil, err
	}
	r := &Reader{src: s, pictures: pictures, packet: av.NewPacket()}
	if pictures != nil {
		r.video = s.video
	}
	if s.audio != nil {
		// Sound that cannot be decoded is left out; Inspect has said so.
		if a, err := newAudio(s, s.audio); err == nil {
			r.audio = a
			a.feed.other = r.picture
		}
	}
	return r, nil
}

// Sound returns the decoder of the sound, for its facts; nil when there is none.
func (r *Reader) Sound() *Audio { return r.audio }

// Picture returns the stream of the coded pictures; nil when there is none.
func (r *Reader) Picture() *av.Stream { return r.video }

// Read returns the next block of sound, valid until the next Read, and io.EOF
// when all of the recording has been read.
func (r *Reader) Read() (media.Block, error) {
	if r.audio != nil {
		return r.audio.Read()
	}
	for bad := 0; ; {
		err := r.src.read(r.packet)
		if err == nil {
			err = r.picture(r.packet)
		}
		if err != nil && err != io.EOF && isAV(err) {
			if bad++; bad < maxBadReads {
				continue
			}
			err = io.EOF
		}
		if err != nil {
			return media.Block{}, err
		}
	}
}

// picture hands a packet on, if it is a picture that is shown.
func (r *Reader) picture(p *av.Packet) error {
	if r.video == nil || p.Stream() != r.video.Index || p.Discard() || p.PTS() == av.NoPTS {
		return nil
	}
	tb := r.video.TimeBase
	micro := func(v media.PTS) media.PTS { return CodedTimeBase.PTS(r.src.partTime(r.video, v)) }
	pts := max(micro(p.PTS()), 0)
	// Decoding times are only for putting packets in order. Where the container
	// has none, any will do that neither go back nor pass the picture's own.
	if !r.begun {
		r.begun = true
		r.dts = pts - CodedTimeBase.PTS(time.Second)
	}
	if p.DTS() != av.NoPTS {
		r.dts = max(r.dts, micro(p.DTS()))
	}
	r.dts = min(r.dts, pts)
	p.SetTimes(pts, r.dts, int64(CodedTimeBase.PTS(tb.Duration(media.PTS(p.Duration())))))
	return r.pictures(p)
}

// Warnings says what was odd so far, for a person.
func (r *Reader) Warnings() []string {
	if r.audio == nil {
		return nil
	}
	return r.audio.Warnings()
}

// Close frees everything. It may be called more than once.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.packet.Close()
	if r.audio != nil {
		return r.audio.Close()
	}
	r.src.close()
	return nil
}
