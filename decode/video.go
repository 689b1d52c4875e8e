package decode

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// VideoOptions are the options of OpenVideo; the zero value reads from the
// beginning on one thread.
type VideoOptions struct {
	// Threads is how many threads the codec may use; 0 means 1.
	Threads int
	// From makes the first Read give a picture at or before this part time
	// (the first picture, when none is that early).
	From time.Duration
	// Wanted, when set, is asked whether a picture on show during [from, to)
	// will be looked at. A picture that will not be, and that no other picture
	// is predicted from, is not decoded and not returned, as far as the decoder
	// can tell; NVDEC returns it.
	Wanted func(from, to time.Duration) bool
	// Decoder decodes as far as it can what it is available for; Software does the
	// rest. The pictures are the same.
	Decoder Decoder
}

// Video reads the pictures of one recording in display order.
// Not safe for concurrent use.
type Video struct {
	src     *source
	st      *av.Stream
	decoder *av.Decoder // libav's own
	card    *card       // decodes in its place; nil when none does
	feed    feed
	convert av.Converter
	// rate is set for a stripe: picture n is at n/rate, whatever the stream says.
	rate  media.FrameRate
	count int

	queue    []*picture // decoded, to be returned next
	spare    []*picture
	all      []*picture // every one there is
	last     *picture   // returned by Read
	prev     time.Duration
	typ      time.Duration // usual distance of two pictures, for missing timestamps
	from     time.Duration // part time that decoding was begun from
	ended    bool
	bad      int   // packets that could not be decoded
	fallback error // why there is no card any more
	closed   bool
}

// OpenVideo opens the picture of a recording. src is read until Close and is
// not closed. Errors: ErrNoVideo, *RejectError, or of reading.
func OpenVideo(ctx context.Context, src io.ReadSeeker, o VideoOptions) (*Video, error) {
	return openVideo(ctx, src, o, o.Decoder.candidate)
}

// openVideo is OpenVideo; choose says what decodes a codec, nil for libav's own decoder.
func openVideo(ctx context.Context, src io.ReadSeeker, o VideoOptions, choose func(codec string) *candidate) (*Video, error) {
	s, err := openSource(ctx, src)
	if err != nil {
		return nil, err
	}
	if s.video == nil {
		s.close()
		return nil, ErrNoVideo
	}
	s.only(av.KindVideo)
	v, err := newVideo(s, s.video, o.Threads)
	if err != nil {
		return nil, err
	}
	v.feed.wanted = o.Wanted
	if suits(v.st) {
		if c := choose(v.st.Codec); c != nil {
			v.card = &card{candidate: c}
		}
	}
	if o.From > 0 {
		if err := v.seek(o.From); err != nil {
			v.Close()
			return nil, err
		}
	}
	return v, nil
}

// OpenStripe reads a raw H.264 byte stream (Annex B) as a cell holds it:
// pictures in display order, picture n at time n/rate. src is not closed.
func OpenStripe(ctx context.Context, src io.Reader, rate media.FrameRate) (*Video, error) {
	d, err := av.OpenDemuxer(ctx, src, av.InputOptions{Format: "h264", Shallow: true})
	if err != nil {
		return nil, rejectOpen(err)
	}
	s := &source{d: d}
	st := d.Streams()[0]
	s.video = &st
	v, err := newVideo(s, s.video, 1)
	if err != nil {
		return nil, err
	}
	v.rate = rate
	return v, nil
}

// newVideo takes s over, also on error.
func newVideo(s *source, st *av.Stream, threads int) (*Video, error) {
	dec, err := av.NewDecoder(st, threads)
	if err != nil {
		s.close()
		return nil, err
	}
	v := &Video{src: s, st: st, decoder: dec, typ: time.Second / 30}
	if st.FrameRate > 0 {
		v.typ = time.Duration(float64(time.Second) / st.FrameRate)
	}
	v.feed = newFeed(s, st)
	return v, nil
}

// Read returns the next picture in display order, io.EOF after the last. The
// frame is planar in its native subsampling and depth and is valid until the
// next Read or Close. Its size may change from one picture to the next.
// Pictures that cannot be decoded are left out; Warnings counts them.
func (v *Video) Read() (*media.Frame, error) {
	v.release(v.last)
	v.last = nil
	p, err := v.next()
	if err != nil {
		return nil, err
	}
	v.last = p
	return v.frame(p)
}

// Warnings says what was odd so far, for a person.
func (v *Video) Warnings() []string {
	if v.bad == 0 {
		return nil
	}
	return []string{fmt.Sprintf("picture: %d damaged packets left out", v.bad)}
}

// Decoder is libav's name of what decodes: "vp8", "libdav1d", "vp8_cuvid". fallback
// says why that is no longer the decoder asked for, nil while it is; a recording of
// a kind that it is not available for is no such case.
func (v *Video) Decoder() (library string, fallback error) {
	if v.card != nil {
		return v.card.library, nil
	}
	return v.decoder.Name(), v.fallback
}

// Close frees everything. It may be called more than once.
func (v *Video) Close() error {
	if v.closed {
		return nil
	}
	v.closed = true
	for _, p := range v.all {
		p.close()
	}
	v.all, v.spare, v.queue, v.last = nil, nil, nil, nil
	v.feed.close()
	v.convert.Close()
	v.card.stop()
	v.decoder.Close()
	v.src.close()
	return nil
}

// picture is one decoded picture, which may wait for its turn.
type picture struct {
	f         *av.Frame
	converted *av.Frame
	time      time.Duration
	timed     bool
	length    time.Duration // as the container says, 0 unknown
	media     media.Frame
	tags      *media.Frame // whose colour, siting and aspect it has; nil for its own
	mapped    bool
}

func (p *picture) close() {
	p.f.Close()
	p.converted.Close()
}

// release hands a picture back for reuse.
func (v *Video) release(p *picture) {
	if p == nil {
		return
	}
	p.f.Unref()
	if p.converted != nil {
		p.converted.Unref()
	}
	v.spare = append(v.spare, p)
}

func (v *Video) blank() *picture {
	if n := len(v.spare); n > 0 {
		p := v.spare[n-1]
		v.spare = v.spare[:n-1]
		*p = picture{f: p.f, converted: p.converted}
		return p
	}
	p := &picture{f: av.NewFrame()}
	v.all = append(v.all, p)
	return p
}

// frame describes p as a media.Frame, converting it when it must be. It is done
// late, so that pictures that are skipped cost no conversion.
func (v *Video) frame(p *picture) (*media.Frame, error) {
	if p.mapped {
		return &p.media, nil
	}
	p.media = media.Frame{Time: p.time, SAR: v.st.SAR, Rotation: v.st.Rotation}
	if err := v.planes(p, &p.media); err != nil {
		return nil, err
	}
	if t := p.tags; t != nil {
		p.media.Color, p.media.Siting, p.media.SAR = t.Color, t.Siting, t.SAR
	}
	v.complete(&p.media)
	// HEVC's fields are pictures of their own.
	if interlaced, topFirst := p.f.Interlaced(); interlaced && v.st.Codec != "hevc" && p.media.Height() > 1 {
		firstField(&p.media, topFirst)
	}
	p.mapped = true
	return &p.media, nil
}

// planes fills m with p, converted where it is not planar.
func (v *Video) planes(p *picture, m *media.Frame) error {
	if p.f.Picture(m) {
		return nil
	}
	if p.converted == nil {
		p.converted = av.NewFrame()
	}
	if err := v.convert.Convert(p.f, p.converted); err != nil {
		return err
	}
	if !p.converted.Picture(m) {
		return fmt.Errorf("decode: internal error: %s: converted picture is not planar", v.st.Codec)
	}
	return nil
}

// complete fills in what the picture itself does not say from the container.
func (v *Video) complete(m *media.Frame) {
	c := v.st.Color
	if m.Color.Matrix == media.MatrixUnknown {
		m.Color.Matrix = c.Matrix
	}
	if m.Color.Range == media.RangeUnknown {
		m.Color.Range = c.Range
	}
	if m.Color.Primaries == media.PrimariesUnknown {
		m.Color.Primaries = c.Primaries
	}
	if m.Color.Transfer == media.TransferUnknown {
		m.Color.Transfer = c.Transfer
	}
	if m.Siting == media.SitingUnknown {
		m.Siting = v.st.Siting
	}
	if v.st.Codec == "mjpeg" {
		m.Color.Range = media.Full
		if m.Siting == media.SitingUnknown {
			m.Siting = media.SitingCenter
		}
	}
}
