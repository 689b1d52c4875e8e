package decode

import (
	"io"
	"time"

	"github.com/choirless/render/media"
)

// Sampler picks the picture for each tick of an output clock: the last one
// whose Time is before t + half, half being half an output frame, so that no
// picture is shown more than half an output frame from its time.
// Not safe for concurrent use.
type Sampler struct {
	v         *Video
	half      time.Duration
	cur, next *picture
	given     bool // cur was returned
	keep      int
	kept      []*picture // returned before cur, oldest first
	ended     bool
}

// NewSampler samples v, of which it becomes the only reader; v is still the
// caller's to close, after the last At.
func NewSampler(v *Video, half time.Duration) *Sampler {
	return &Sampler{v: v, half: half}
}

// Keep has pictures stay valid until n others have been returned after them,
// 0 (as at first) until the next At. Those kept beyond are let go at once.
func (s *Sampler) Keep(n int) {
	s.keep = n
	s.trim()
}

func (s *Sampler) trim() {
	over := max(len(s.kept)-s.keep, 0)
	for _, p := range s.kept[:over] {
		s.v.release(p)
	}
	s.kept = s.kept[:copy(s.kept, s.kept[over:])]
}

// leave moves on from the current picture.
func (s *Sampler) leave() {
	if s.given {
		s.kept = append(s.kept, s.cur)
		s.trim()
	} else {
		s.v.release(s.cur)
	}
	s.cur, s.given = nil, false
}

// At returns the picture for part time t, which must not decrease from call to
// call. changed says whether it is another one than the last call's. f is nil
// before the first picture; after the end the last picture stays. f is valid
// until the next At, or for as long as Keep says.
func (s *Sampler) At(t time.Duration) (f *media.Frame, changed bool, err error) {
	for {
		if s.next == nil && !s.ended {
			s.next, err = s.v.next()
			if err == io.EOF {
				s.ended = true
			} else if err != nil {
				return nil, false, err
			}
		}
		if s.next == nil || s.next.time >= t+s.half {
			break
		}
		s.leave()
		s.cur, s.next = s.next, nil
		changed = true
	}
	if s.cur == nil {
		return nil, false, nil
	}
	s.given = true
	f, err = s.v.frame(s.cur)
	return f, changed, err
}

// Ended reports whether no picture follows the one At last returned.
func (s *Sampler) Ended() bool { return s.ended && s.next == nil }
