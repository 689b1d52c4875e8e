package decode

import (
	"cmp"
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

// Inspection is what has to be known before a recording is converted.
type Inspection struct {
	Facts media.Facts
	// Reencode says why the coded picture cannot be taken over as it is; ""
	// when it can, or when there is none.
	Reencode string
}

// Inspect is Probe with a trial: it decodes the first picture, and leaves a stream
// out of the facts, with a warning, of which nothing can be decoded.
func Inspect(ctx context.Context, src io.ReadSeeker) (Inspection, error) {
	s, err := openSource(ctx, src)
	if err != nil {
		return Inspection{}, err
	}
	defer s.close()
	sc, err := s.scan()
	if err != nil {
		return Inspection{}, err
	}
	f, err := sc.facts(s)
	if err != nil {
		return Inspection{}, err
	}
	in := Inspection{Facts: f}
	if f.Video != nil {
		in.Reencode = sc.video.reencode(f.Video.Codec)
		first, wrong, err := firstPicture(ctx, src)
		if err != nil {
			return in, err
		}
		if wrong = cmp.Or(wrong, tooLong(f.Video.End)); wrong == "" {
			// Containers and pictures may disagree; pictures are drawn as they say.
			f.Video.SAR = sarOf(first, f.Video.Width, f.Video.Height)
		} else {
			in.Facts.Video, in.Reencode = nil, ""
			in.Facts.Warnings = append(in.Facts.Warnings, "picture: "+wrong+", left out")
		}
	}
	if f.Audio != nil {
		// When it ends the samples say: a clock that jumps is not believed for long.
		f.Audio.End = min(f.Audio.End, media.LongestPart)
		wrong := tooLong(f.Audio.Start)
		if !s.hasAudioStart && !s.converted {
			wrong = "cannot be decoded"
		}
		if wrong != "" {
			in.Facts.Audio = nil
			in.Facts.Warnings = append(in.Facts.Warnings, "sound: "+wrong+", left out")
		}
	}
	if in.Facts.Video == nil && in.Facts.Audio == nil {
		return in, &RejectError{Reason: cmp.Or(strings.Join(in.Facts.Warnings, "; "), "nothing in it can be decoded")}
	}
	in.Facts.Duration = in.Facts.End()
	return in, nil
}

// tooLong says that something ends later than any part may, or "".
func tooLong(end time.Duration) string {
	if end <= media.LongestPart {
		return ""
	}
	return fmt.Sprintf("its timestamps go on to %.0f hours, %.0f are allowed", end.Hours(), media.LongestPart.Hours())
}

// firstPicture returns the first picture without its samples, or why it cannot be shown.
func firstPicture(ctx context.Context, src io.ReadSeeker) (first media.Frame, wrong string, err error) {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return first, "", err
	}
	v, err := OpenVideo(ctx, src, VideoOptions{})
	if err != nil {
		return first, "cannot be decoded", ctx.Err()
	}
	defer v.Close()
	f, err := v.Read()
	switch {
	case err != nil:
		return first, "cannot be decoded", ctx.Err()
	case max(f.Width(), f.Height()) > media.MaxSide:
		return first, fmt.Sprintf("%dx%d is more than %d a side", f.Width(), f.Height(), media.MaxSide), nil
	}
	first = *f
	for i := range first.Planes {
		first.Planes[i].Data = nil // the decoder's
	}
	return first, "", nil
}

// sarOf is the shape that samples of a picture of the given size must have for it to be
// seen as f is, which may be a field of it.
func sarOf(f media.Frame, width, height int) media.Ratio {
	num := int64(max(f.SAR.Num, 1)) * int64(f.Width()) * int64(height)
	den := int64(max(f.SAR.Den, 1)) * int64(f.Height()) * int64(width)
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	if num == den || a == 0 || num/a > math.MaxInt32 || den/a > math.MaxInt32 {
		return media.Ratio{}
	}
	return media.Ratio{Num: int(num / a), Den: int(den / a)}
}

// copied are the codecs whose packets Matroska carries as they are, and which
// libav decodes from there as well as from where they came from.
var copied = []string{"vp8", "vp9", "av1", "h264", "hevc", "mjpeg", "prores"}

// reencode says why the packets of t cannot be taken over, or "".
func (t *track) reencode(codec string) string {
	switch {
	case !slices.Contains(copied, codec):
		return "codec " + codec
	case t.noPTS > 0:
		return fmt.Sprintf("%d pictures without a timestamp", t.noPTS)
	case t.cutInside:
		return "an edit list cuts in the middle of a group of pictures"
	case t.newConfig:
		return "the stream's parameters change on the way"
	case t.first < -2*time.Millisecond:
		return "pictures before the beginning"
	}
	return ""
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
	// discarded is set while the packets last seen are cut off by an edit list.
	// Cut-off packets can be left out before a keyframe and at the end; anywhere
	// else pictures that are shown need them, and cutInside is set.
	discarded, cutInside bool
	newConfig            bool
	// gaps is the distribution of distances in decoding order, for the length
	// of the last picture.
	gaps  []time.Duration
	prev  time.Duration
	still time.Duration // longest distance of two presented ones
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
		t.discarded = true
		return
	}
	if t.discarded && (t.packets > 0 || !p.Key()) {
		t.cutInside = true
	}
	t.discarded = false
	t.newConfig = t.newConfig || t.packets > 0 && p.NewConfig()
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
	if t.timed > 0 && at > t.last {
		t.still = max(t.still, at-t.last)
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
	}
	f.Duration = f.End()
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
	v.Standstill = t.still
	v.KeyframeInterval = t.keyed
	if t.keys == 0 { // the only one is cut off or has no timestamp
		v.KeyframeInterval = v.End - v.Start
	} else {
		v.KeyframeInterval = max(v.KeyframeInterval, v.End-t.lastKey)
	}
	return v
}
