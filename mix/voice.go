package mix

import (
	"github.com/choirless/render/media"
)

// BlockSize is the number of sample frames that a sum hands on at a time; the
// last block of a song is shorter.
const BlockSize = 4096

// Source yields the sound of one part, or of a sum: blocks that follow each
// other without gap from sample 0. decode.Audio and WAVReader are Sources.
// Not safe for concurrent use.
type Source interface {
	// Read returns the next block, valid until the next Read, and io.EOF after
	// the last. It may block.
	Read() (media.Block, error)
	Close() error
}

// Seeker is a Source that can go to any sample frame. A range of a song is then
// mixed without reading what lies before it.
type Seeker interface {
	// SeekTo makes the next Read begin at the given sample frame exactly. Beyond
	// the end, Read returns io.EOF.
	SeekTo(sample int64) error
}

// Voice is one part in the mix.
type Voice struct {
	// Name is what errors call the part.
	Name string
	// Open opens the part's sound at media.MixRate, mono or stereo, sample 0
	// being part time 0. Sum closes what it opens.
	Open func() (Source, error)
	// Offset is the part time at which song time zero falls: positive trims the
	// head, negative delays. Rounded to the nearest sample frame unless DriftPPM
	// is set.
	Offset media.Offset
	// DriftPPM is how fast the part's clock runs against the backing's, parts per
	// million: part time = Offset + song time · (1 + DriftPPM/1e6). 0 leaves the
	// samples untouched. Bound ±20000.
	DriftPPM float64
	// Gain is a linear factor, 0 or more.
	Gain float64
	// Pan is -1 left .. +1 right under Law.
	Pan float64
	Law PanLaw
	// Send is how much of the voice goes to the reverb, a linear factor on top of
	// Gain; 1 sends what the song says, 0 keeps the voice dry.
	Send float64
	// Cleanup is off by default.
	Cleanup Cleanup
}

// Cleanup is what may be done to a voice before it is mixed. Each step is
// music-safe: it leaves sung notes alone and adds no delay.
type Cleanup struct {
	// HighPass removes what lies below HighPassHz, with linear phase.
	HighPass bool
	// Gate lowers the voice by GateDepthDB where the backing rests (Rests) and the
	// voice is no louder than its own noise (GateDB).
	Gate bool
	// DeClick repairs single clicks and the steps where a recording was cut.
	DeClick bool
	// Rests are the stretches of song time where the backing is silent, in
	// sample frames, ascending and apart. Gate never closes elsewhere.
	Rests []Span
	// GateDB is the level in dBFS RMS above which the voice sounds; see GateThreshold.
	GateDB float64
}

// Span is a half-open range of sample frames.
type Span struct{ From, To int64 }
