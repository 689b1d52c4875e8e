package align

import (
	"io"
	"time"

	"github.com/choirless/render/media"
)

// Features is what is kept of a recording for alignment. Read only once made;
// safe for concurrent use.
type Features struct{}

// Duration returns the length of the recording.
func (f *Features) Duration() time.Duration { panic("not yet") }

// MarshalBinary returns the features in a compact versioned form.
func (f *Features) MarshalBinary() ([]byte, error) { panic("not yet") }

// UnmarshalBinary reads what MarshalBinary wrote. Data that is damaged or of an
// unknown version is refused; it never panics.
func (f *Features) UnmarshalBinary(data []byte) error { panic("not yet") }

// Extractor computes the Features of one recording from consecutive blocks of
// sound. Not safe for concurrent use.
type Extractor struct{}

// NewExtractor returns an Extractor for mono sound at the given rate, 4 to 384 kHz.
func NewExtractor(rate media.SampleRate) *Extractor { panic("not yet") }

// Write takes the next block, full scale ±1, of any length. The slice is not kept.
func (e *Extractor) Write(mono []float32) { panic("not yet") }

// Finish returns the features. Its errors wrap ErrSilent or ErrTooShort.
// The Extractor must not be used afterwards.
func (e *Extractor) Finish() (*Features, error) { panic("not yet") }

// Pair places part against ref. It never fails for want of agreement: then the
// confidence is low and NeedsReview is set.
func Pair(ref, part *Features, o Options) (Result, error) { panic("not yet") }

// Choir places all parts of a song together: every part is measured against the
// backing and against other parts, and the offsets that agree best with all
// measurements are found by weighted least squares.
//
// backing is the index of the backing in parts; its result is 0. locked holds
// offsets given by a person, by index; they are kept and help to place the
// others. A nil entry of parts is a recording without usable sound: its result
// is the fallback and needs review.
func Choir(backing int, parts []*Features, locked map[int]media.Offset, o Options) ([]Result, error) {
	panic("not yet")
}

// Cache keeps measured pairs between calls of Choir. The zero value is empty
// and ready. Safe for concurrent use.
type Cache struct{}

// Plot draws the features of both recordings, placed as r says, and the
// correlation curve with the candidates, as a PNG of 1600×1100 pixels.
func Plot(w io.Writer, ref, part *Features, r Result, o Options) error { panic("not yet") }
