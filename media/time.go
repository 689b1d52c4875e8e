package media

import (
	"fmt"
	"math"
	"math/bits"
	"time"
)

// PTS is a presentation time in ticks of a TimeBase that travels beside it.
type PTS int64

// TimeBase is the length of one tick in seconds, as the fraction Num/Den.
// The zero value is invalid.
type TimeBase struct{ Num, Den int64 }

// Duration returns the time of p, rounded to the nearest nanosecond.
func (tb TimeBase) Duration(p PTS) time.Duration {
	return time.Duration(mulDiv(int64(p), tb.Num*int64(time.Second), tb.Den))
}

// PTS returns the tick nearest to d.
func (tb TimeBase) PTS(d time.Duration) PTS {
	return PTS(mulDiv(int64(d), tb.Den, tb.Num*int64(time.Second)))
}

// FrameRate is the output clock in frames per second, as the fraction Num/Den
// (25/1, 30000/1001). The zero value is invalid.
type FrameRate struct {
	Num int64 `json:"num"`
	Den int64 `json:"den"`
}

// Time returns the presentation time of output frame n, frame 0 being at zero.
func (r FrameRate) Time(n int) time.Duration {
	return time.Duration(mulDiv(int64(n)*r.Den, int64(time.Second), r.Num))
}

// Frames returns the number of output frames that span d, rounded to the nearest.
func (r FrameRate) Frames(d time.Duration) int {
	return int(mulDiv(int64(d), r.Num, r.Den*int64(time.Second)))
}

// FPS returns the rate as a number of frames per second.
func (r FrameRate) FPS() float64 { return float64(r.Num) / float64(r.Den) }

func (r FrameRate) String() string {
	if r.Den == 1 {
		return fmt.Sprint(r.Num)
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

// Offset is where song time zero falls inside a part, in the part's own time:
// positive trims the head, negative delays. Song time zero is the start of the
// backing's file, so the backing's Offset is 0. Milliseconds on the wire
// (definition.Input.Offset), samples in mix, time in decode.
type Offset time.Duration

// OffsetMS returns the offset of ms milliseconds, rounded to the nearest nanosecond.
func OffsetMS(ms float64) Offset { return Offset(math.Round(ms * float64(time.Millisecond))) }

// MS returns the offset in milliseconds.
func (o Offset) MS() float64 { return float64(o) / float64(time.Millisecond) }

// Samples returns the offset in sample frames at the given rate, rounded to the nearest.
func (o Offset) Samples(rate SampleRate) int64 { return rate.Samples(time.Duration(o)) }

// SampleRate is a number of sample frames per second (Hz).
type SampleRate int

// MixRate is the sample rate of converted parts, of the mix and of the final.
const MixRate SampleRate = 48000

// Samples returns how many sample frames span d, rounded to the nearest.
func (r SampleRate) Samples(d time.Duration) int64 {
	return mulDiv(int64(d), int64(r), int64(time.Second))
}

// Duration returns the time that n sample frames span, rounded to the nearest nanosecond.
func (r SampleRate) Duration(n int64) time.Duration {
	return time.Duration(mulDiv(n, int64(time.Second), int64(r)))
}

// mulDiv returns a*b/c rounded to the nearest integer, halves away from zero,
// without overflow in the product. b and c must be positive.
func mulDiv(a, b, c int64) int64 {
	neg := a < 0
	if neg {
		a = -a
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0)
	hi += carry
	if hi >= uint64(c) {
		panic(fmt.Sprintf("media: time %d*%d/%d overflows", a, b, c))
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if neg {
		return -int64(q)
	}
	return int64(q)
}
