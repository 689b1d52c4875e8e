package decode

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// OriginTag marks a converted part: its streams are on part time already, so
// that the origin need not be looked for. encode.Converted writes it.
const OriginTag = "CHOIR_PART_TIME"

// Bounds of the look at the beginning of a recording, for its origin. A stream
// that has not begun by then has a start time of its own from the container.
const (
	originPackets = 4000
	originBytes   = 16 << 20
	// originReorder is how many pictures are looked at for the earliest: more
	// than any codec's reordering (16 in H.264 and HEVC).
	originReorder = 20
)

// source is an open recording: its demuxer, the streams we care for, and where
// its part time begins.
type source struct {
	ctx          context.Context
	src          io.ReadSeeker
	d            *av.Demuxer
	video, audio *av.Stream
	// origin is the earliest timestamp that any stream presents, on the
	// container's own time line.
	origin time.Duration
	// audioStart is the timestamp of the first sample that is heard, on the
	// container's time line; valid when hasAudioStart.
	audioStart    time.Duration
	hasAudioStart bool
	converted     bool
	// ahead holds the packets that the look at the beginning has read, to be
	// read again: not every demuxer can go back to its very first packet.
	ahead []*av.Packet
}

// openSource opens src and finds its streams and origin.
func openSource(ctx context.Context, src io.ReadSeeker) (_ *source, err error) {
	if err := rejectEmpty(src); err != nil {
		return nil, err
	}
	d, err := av.OpenDemuxer(ctx, src, av.InputOptions{})
	if err != nil {
		return nil, rejectOpen(err)
	}
	s := &source{ctx: ctx, src: src, d: d}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.pick()
	if s.video == nil && s.audio == nil {
		return nil, &RejectError{Reason: "no picture and no sound in it"}
	}
	if s.converted = d.Tag(OriginTag) != ""; s.converted {
		return s, nil
	}
	if err := s.findOrigin(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *source) close() {
	s.drop()
	s.d.Close()
}

// drop forgets the packets that were read ahead.
func (s *source) drop() {
	for _, p := range s.ahead {
		p.Close()
	}
	s.ahead = nil
}

// read reads the next packet of either stream into p.
func (s *source) read(p *av.Packet) error {
	if len(s.ahead) == 0 {
		return s.d.Read(p)
	}
	first := s.ahead[0]
	s.ahead = s.ahead[1:]
	defer first.Close()
	return p.Ref(first)
}

// seek makes the next packet of st a keyframe at or before part time t, as far
// as the container knows.
func (s *source) seek(st *av.Stream, t time.Duration) error {
	s.drop()
	return s.d.Seek(st.Index, st.TimeBase.PTS(t+s.origin))
}

// rewind goes back to the very first packet by opening the recording again: a
// seek may miss what lies before time zero, or not work at all.
func (s *source) rewind() error {
	if _, err := s.src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	d, err := av.OpenDemuxer(s.ctx, s.src, av.InputOptions{})
	if err != nil {
		return rejectOpen(err)
	}
	s.close()
	s.d = d
	s.video, s.audio = nil, nil
	s.pick()
	return nil
}

func rejectEmpty(src io.ReadSeeker) error {
	end, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end == 0 {
		return &RejectError{Reason: "empty file"}
	}
	_, err = src.Seek(0, io.SeekStart)
	return err
}

// rejectOpen tells broken recordings, which stay broken, from failures to read.
func rejectOpen(err error) error {
	if errors.Is(err, io.EOF) {
		return &RejectError{Reason: "not a media file, or cut short in its first bytes"}
	}
	var e *av.Error
	if !errors.As(err, &e) {
		return err
	}
	for _, line := range e.Log {
		if strings.Contains(line, "moov atom not found") {
			return &RejectError{Reason: "unreadable: cut short before its index (moov) was written"}
		}
	}
	if len(e.Log) == 0 {
		return &RejectError{Reason: "not a media file"}
	}
	return &RejectError{Reason: "unreadable: " + strings.Join(e.Log, "; ")}
}

// pick chooses the default stream of each kind, or else the first, whose codec
// is known. Cover pictures are no video.
func (s *source) pick() {
	streams := s.d.Streams()
	for i := range streams {
		st := &streams[i]
		if st.Cover || !st.Known {
			continue
		}
		switch {
		case st.Kind == av.KindVideo && (s.video == nil || st.Default && !s.video.Default):
			s.video = st
		case st.Kind == av.KindAudio && st.Rate > 0 && st.Channels > 0 && (s.audio == nil || st.Default && !s.audio.Default):
			s.audio = st
		}
	}
	var keep []int
	for _, st := range []*av.Stream{s.video, s.audio} {
		if st != nil {
			keep = append(keep, st.Index)
		}
	}
	s.d.Only(keep...)
}

// only leaves every stream but the chosen one of a kind out.
func (s *source) only(kind av.Kind) {
	if kind == av.KindVideo {
		s.audio = nil
		s.d.Only(s.video.Index)
		return
	}
	s.video = nil
	s.d.Only(s.audio.Index)
}

// findOrigin looks at the beginning of both streams and goes back.
//
// Sound has to be decoded for it: only the decoder knows how much priming it
// drops. Pictures do not: those that are not shown are marked in the container.
func (s *source) findOrigin() error {
	var o originFinder
	defer o.close()
	if err := o.look(s); err != nil {
		return err
	}
	s.ahead = o.read
	o.read = nil
	first, found := time.Duration(0), false
	add := func(t time.Duration) {
		if !found || t < first {
			first, found = t, true
		}
	}
	if o.videoSeen > 0 {
		// Pictures without a timestamp at the very start precede the first that has one.
		add(o.videoFirst - o.videoUntimed)
	} else if s.video != nil && s.video.Start != av.NoPTS {
		add(s.video.TimeBase.Duration(s.video.Start))
	}
	if o.audioDone {
		add(o.audioFirst)
		s.audioStart, s.hasAudioStart = o.audioFirst, true
	} else if s.audio != nil && s.audio.Start != av.NoPTS {
		add(s.audio.TimeBase.Duration(s.audio.Start))
	}
	s.origin = first
	return nil
}

// originFinder collects the earliest times of both streams.
type originFinder struct {
	read         []*av.Packet
	packet       *av.Packet // the last of read
	frame        *av.Frame
	decoder      *av.Decoder
	videoFirst   time.Duration
	videoUntimed time.Duration
	videoSeen    int
	audioFirst   time.Duration
	audioDone    bool
}

func (o *originFinder) close() {
	for _, p := range o.read {
		p.Close()
	}
	o.frame.Close()
	o.decoder.Close()
}

func (o *originFinder) look(s *source) (err error) {
	o.frame = av.NewFrame()
	if s.audio != nil {
		// A decoder that does not open leaves the sound out, which OpenAudio reports.
		o.decoder, _ = av.NewDecoder(s.audio, 1)
	}
	bytes := 0
	for n := 0; n < originPackets && bytes < originBytes; n++ {
		wantVideo := s.video != nil && o.videoSeen < originReorder
		wantAudio := o.decoder != nil && !o.audioDone
		if !wantVideo && !wantAudio {
			return nil
		}
		o.packet = av.NewPacket()
		o.read = append(o.read, o.packet)
		if err := s.d.Read(o.packet); err != nil {
			o.read = o.read[:len(o.read)-1]
			o.packet.Close()
			if err == io.EOF || isAV(err) {
				return nil
			}
			return err
		}
		bytes += o.packet.Size()
		switch {
		case wantVideo && o.packet.Stream() == s.video.Index:
			o.video(s.video)
		case wantAudio && o.packet.Stream() == s.audio.Index:
			o.audio(s.audio)
		}
	}
	return nil
}

func (o *originFinder) video(st *av.Stream) {
	p := o.packet.PTS()
	if o.packet.Discard() {
		return
	}
	if p == av.NoPTS {
		if p = o.packet.DTS(); p == av.NoPTS {
			o.videoUntimed += st.TimeBase.Duration(media.PTS(o.packet.Duration()))
			return
		}
	}
	if t := st.TimeBase.Duration(p); o.videoSeen == 0 || t < o.videoFirst {
		o.videoFirst = t
	}
	o.videoSeen++
}

func (o *originFinder) audio(st *av.Stream) {
	if o.decoder.Send(o.packet) != nil {
		return
	}
	for !o.audioDone && o.decoder.Receive(o.frame) == nil {
		if p := o.frame.StartPTS(); p != av.NoPTS && o.frame.Samples() > 0 {
			o.audioFirst, o.audioDone = st.TimeBase.Duration(p), true
		}
	}
}

// partTime turns a timestamp of a stream into part time.
func (s *source) partTime(st *av.Stream, p media.PTS) time.Duration {
	return st.TimeBase.Duration(p) - s.origin
}
