package stitch

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/choirless/render/media"
)

// Opener opens one stripe of one segment from its beginning, as an H.264 byte
// stream (Annex B). It may be called more than once; each reader is closed.
type Opener func() (io.ReadCloser, error)

// Segment is a range of output pictures, cut in stripes.
type Segment struct {
	// Stripes are top to bottom. One stripe is the whole picture.
	Stripes []Opener
	// Frames is how many pictures each stripe must hold; another number is
	// refused. 0 means as many as the first stripe has, which costs an extra
	// pass over it.
	Frames int
}

// AudioPacket is one AAC access unit.
type AudioPacket struct {
	Data []byte // without ADTS header
	// Duration is in sample frames: 1024, or 960 where the config says so.
	Duration int
}

// Audio is the finished sound of a movie, encoded in AAC-LC.
type Audio struct {
	// Config is the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
	Config []byte
	// Packets are in order. Data need not outlive the iteration step. It is
	// ranged over once per written movie.
	Packets iter.Seq2[AudioPacket, error]
	// Priming is how many sample frames the encoder put before the first real
	// one; players skip them (edit list).
	Priming int
	// Samples is how many sample frames are to be heard, priming not counted.
	// Packets beyond are left out.
	Samples  int64
	Rate     media.SampleRate
	Channels int
}

// Packets gives a slice of packets in the form Audio wants.
func Packets(list []AudioPacket) iter.Seq2[AudioPacket, error] {
	return func(yield func(AudioPacket, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Movie is what WriteMP4 writes: segments one after the other, and the sound.
type Movie struct {
	Rate     media.FrameRate
	Segments []Segment
	Audio    *Audio // nil: no sound track
	Title    string // metadata; may be empty
	// AnyMotion lets stripes be joined whose encoder did not promise to keep
	// motion inside the stripe. The pictures then differ from the stripes near
	// the joints, more with every picture of a GOP.
	AnyMotion bool
}

// Stats is what was written.
type Stats struct {
	Frames   int           // pictures
	Duration time.Duration // of the picture
	Video    int64         // bytes of coded pictures
	Audio    int64         // bytes of coded sound
	Bytes    int64         // of the whole file
	Width    int           // luma samples as shown
	Height   int           // luma samples as shown
}

// WriteMP4 joins the stripes of every segment and writes the movie to w, from
// its beginning. The index is in front of the media data ("fast start"): room
// for it is left first and filled last, so that nothing but one picture per
// stripe is ever held in memory.
//
// Video is one avc1 track (slices as they came), sound one mp4a track; edit
// lists take away the delay of B pictures and the encoder's priming, so that
// both begin at movie time zero.
//
// A *RefusalError says which segment, stripe and picture cannot be joined. On
// any error, what w holds is not a movie.
func WriteMP4(ctx context.Context, w io.WriteSeeker, m Movie) (Stats, error) {
	return writeMP4(ctx, w, m)
}
