package decode

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Probe reads the whole of src once, without decoding more than its beginning,
// and returns what it found. A recording that can never be used is a
// *RejectError; what is odd but usable is in Facts.Warnings ("cut short: …").
func Probe(ctx context.Context, src io.ReadSeeker) (media.Facts, error) {
	s, err := openSource(ctx, src)
	if err != nil {
		return media.Facts{}, err
	}
	defer s.close()
	sc, err := s.scan()
	if err != nil {
		return media.Facts{}, err
	}
	return sc.facts(s)
}

// scan is what going through all packets finds out.
type scan struct {
	video, audio track
	warnings     []string
}

// track is what scan keeps of one stream. Times are part time.
type track struct {
	packets        int
	first, last    time.Duration // of the presented ones
	end            time.Duration
	lastLen        time.Duration // duration of the packet at last, 0 unknown
	lastKey, keyed time.Duration // last keyframe, longest distance
	keys           int
	timed, noPTS   int
	untimed        time.Duration // length of the packets without any timestamp
	corrupt        int
	discarded      int
	// gaps is the distribution of distances in decoding order, for the length
	// of the last picture.
	gaps []time.Duration
	prev time.Duration
}

// maxBadReads bounds how often a container may fail to read in a row.
const maxBadReads = 50

// scan reads all packets.
func (s *source) scan() (*scan, error) {
	sc := &scan{}
	p := av.NewPacket()
	defer p.Close()
	bad := 0
	for {
		err := s.read(p)
		if err == io.EOF {
			break
		}
		if err != nil {
			if !isAV(err) {
				return nil, err
			}
			if bad++; bad > maxBadReads {
				break
			}
			continue
		}
		bad = 0
		switch {
		case s.video != nil && p.Stream() == s.video.Index:
			sc.video.add(s, s.video, p)
		case s.audio != nil && p.Stream() == s.audio.Index:
			sc.audio.add(s, s.audio, p)
		}
	}
	sc.warn(s)
	return sc, nil
}

func (t *track) add(s *source, st *av.Stream, p *av.Packet) {
	if p.Corrupt() {
		t.corrupt++
	}
	if p.Discard() {
		t.discarded++
		return
	}
	v := p.PTS()
	if v == av.NoPTS {
		t.noPTS++
		if v = p.DTS(); v == av.NoPTS {
			t.untimed += st.TimeBase.Duration(media.PTS(p.Duration()))
			t.packets++
			return
		}
	}
	at := s.partTime(st, v)
	length := st.TimeBase.Duration(media.PTS(p.Duration()))
	if t.timed == 0 || at < t.first {
		t.first = at
	}
	if t.timed > 0 && at > t.prev && len(t.gaps) < 1<<16 {
		t.gaps = append(t.gaps, at-t.prev)
	}
	t.prev = at
	if t.timed == 0 || at >= t.last {
		t.last, t.lastLen = at, length
	}
	t.end = max(t.end, at+length)
	if p.Key() {
		if t.keys > 0 {
			t.keyed = max(t.keyed, at-t.lastKey)
		}
		t.lastKey = at
		t.keys++
	}
	t.packets++
	t.timed++
}

// typical is the median distance of packets.
func (t *track) typical() time.Duration {
	if len(t.gaps) == 0 {
		return 0
	}
	g := slices.Clone(t.gaps)
	slices.Sort(g)
	return g[len(g)/2]
}

func (sc *scan) warn(s *source) {
	cut := ""
	for _, m := range s.d.Messages() {
		m = strings.ToLower(m)
		if strings.Contains(m, "ended prematurely") || strings.Contains(m, "partial file") || strings.Contains(m, "truncat") {
			cut = "cut short: the file ends in the middle of its data"
		}
	}
	end := max(sc.video.end, sc.audio.end)
	// Some containers count their length from zero, some from the first timestamp.
	end = max(end, end+s.origin)
	if said := s.d.Duration(); said > 0 && end > 0 && said-end > time.Second+said/50 {
		cut = fmt.Sprintf("cut short: %.1f s of %.1f s are there", end.Seconds(), said.Seconds())
	}
	if cut != "" {
		sc.warnings = append(sc.warnings, cut)
	}
	for _, t := range []struct {
		name  string
		track *track
	}{{"picture", &sc.video}, {"sound", &sc.audio}} {
		if t.track.corrupt > 0 {
			sc.warnings = append(sc.warnings, fmt.Sprintf("%s: %d damaged packets", t.name, t.track.corrupt))
		}
	}
}

func (sc *scan) facts(s *source) (media.Facts, error) {
	f := media.Facts{Container: s.d.Container(), Warnings: sc.warnings}
	if s.video != nil && sc.video.packets > 0 {
		f.Video = sc.video.videoFacts(s.video)
		f.Duration = max(f.Duration, f.Video.End)
	}
	if s.audio != nil && sc.audio.packets > 0 {
		start := max(sc.audio.first, 0)
		if s.hasAudioStart {
			start = max(s.audioStart-s.origin, 0)
		}
		f.Audio = &media.AudioFacts{
			Codec:    s.audio.Codec,
			Rate:     s.audio.Rate,
			Channels: s.audio.Channels,
			Start:    start,
			End:      max(sc.audio.end, start),
		}
		f.Duration = max(f.Duration, f.Audio.End)
	}
	if f.Video == nil && f.Audio == nil {
		return f, &RejectError{Reason: "no picture and no sound in it"}
	}
	return f, nil
}

func (t *track) videoFacts(st *av.Stream) *media.VideoFacts {
	v := &media.VideoFacts{
		Codec:    st.Codec,
		Width:    st.Width,
		Height:   st.Height,
		SAR:      st.SAR,
		Rotation: st.Rotation,
		Depth:    st.Depth,
		Color:    st.Color,
		Frames:   t.packets,
		Start:    max(t.first-t.untimed, 0),
	}
	// A picture whose length nobody states stays for a usual one.
	length := t.lastLen
	if length <= 0 {
		length = t.typical()
	}
	if length <= 0 && st.FrameRate > 0 {
		length = time.Duration(float64(time.Second) / st.FrameRate)
	}
	v.End = t.last + length
	if span := v.End - v.Start; span > 0 {
		v.FPS = math.Round(float64(t.packets)/span.Seconds()*1000) / 1000
	}
	v.KeyframeInterval = t.keyed
	if t.keys == 0 { // the only one is cut off or has no timestamp
		v.KeyframeInterval = v.End - v.Start
	} else {
		v.KeyframeInterval = max(v.KeyframeInterval, v.End-t.lastKey)
	}
	return v
}
