package align

import (
	"errors"
	"time"

	"github.com/choirless/render/media"
)

// Errors of [Extractor.Finish]. They are wrapped with what was measured.
var (
	// ErrSilent says that there is nothing to hear.
	ErrSilent = errors.New("silent")
	// ErrTooShort says that the recording is shorter than [MinDuration].
	ErrTooShort = errors.New("shorter than 2 s")
)

// MinDuration is the shortest recording that can be aligned.
const MinDuration = 2 * time.Second

// Defaults and bounds of [Options].
const (
	ReachDefault     = 4 * time.Second
	ReachLeast       = time.Second
	ReachMost        = 10 * time.Minute
	ThresholdDefault = 0.5
)

// Options control [Pair] and [Choir]. The zero value is the default.
type Options struct {
	// Reach is how far from 0 an offset is looked for, either way;
	// 0 means ReachDefault. It may exceed the recordings; it is kept between
	// ReachLeast and ReachMost.
	Reach time.Duration
	// Threshold is the confidence below which a result needs review;
	// 0 means ThresholdDefault.
	Threshold float64
	// Previous holds, for Choir, the offsets of an earlier solution by index of
	// the part. A part keeps its previous offset unless it would move by more
	// than 5 ms, so that work already rendered stays valid.
	Previous map[int]media.Offset
	// Fallback holds, for Choir, the offsets taken by index of the part where
	// the measured one cannot be trusted; 0 where there is none.
	Fallback map[int]media.Offset
	// Cache keeps pairs already measured, so that a choir is re-solved quickly
	// when a part arrives. Nil measures all pairs.
	Cache *Cache
}

// Method says what a result rests on.
type Method string

const (
	MethodBacking  Method = "backing"  // the backing itself: 0 by definition
	MethodBleed    Method = "bleed"    // the reference is heard in the part: exact
	MethodFeatures Method = "features" // onsets, pitches and loudness agree
	MethodJoint    Method = "joint"    // solved together with other parts
	MethodLocked   Method = "locked"   // a person's offset
	MethodFallback Method = "fallback" // not trusted: see Options.Fallback
)

// Candidate is a place where a part could belong.
type Candidate struct {
	Offset     media.Offset `json:"offset_ns"`
	Confidence float64      `json:"confidence"` // 0..1, see Result
}

// Result is where a part belongs.
type Result struct {
	// Offset is positive when the part's events come later in its file than in
	// the reference's: its head is trimmed. From Pair it is the best candidate
	// however poor; from Choir it is what should be used.
	// With drift it holds at time zero of the reference.
	Offset media.Offset `json:"offset_ns"`
	// Confidence is the probability, 0..1, that the best candidate is within
	// 60 ms of the truth.
	Confidence float64 `json:"confidence"`
	// DriftPPM is how much faster the part's clock runs than the reference's:
	// part time = Offset + reference time·(1 + DriftPPM/1e6). It is 0 unless
	// proven by bleed.
	DriftPPM float64 `json:"drift_ppm,omitempty"`
	// NeedsReview says that Confidence is below the threshold.
	NeedsReview bool `json:"needs_review,omitempty"`
	// Reason says, for a person, why a review is needed.
	Reason string `json:"reason,omitempty"`
	// Candidates are the best places, best first; at least the two best when
	// NeedsReview is set and the material has them.
	Candidates []Candidate `json:"candidates,omitempty"`
	Method     Method      `json:"method"`
}
