package stitch

import (
	"errors"
	"fmt"
)

// RefusalError says why stripes cannot be joined: which one, at which picture,
// and the two values that should have been equal. Reading the stripes again
// gives the same refusal; errors of reading itself are not refusals.
type RefusalError struct {
	Segment int // from 0
	Stripe  int // from 0, top to bottom
	Picture int // from 0 in the segment, decoding order
	// What is the quantity, in the words of the standard ("frame_num",
	// "pic_width_in_mbs"), or what is wrong when there is no value to name.
	What string
	Got  string // empty when there is no value
	Want string // empty when there is no other value to compare with
}

func (e *RefusalError) Error() string {
	s := fmt.Sprintf("segment %d: stripe %d: picture %d: %s", e.Segment, e.Stripe, e.Picture, e.What)
	if e.Got != "" {
		s += " " + e.Got
	}
	if e.Want != "" {
		s += ", want " + e.Want
	}
	return s
}

// place is where in the input we are, counted from 0.
type place struct{ segment, strip, picture int }

func (p place) stripe(i int) place {
	p.strip = i
	return p
}

func (p place) refuse(what, got, want string) error {
	return &RefusalError{p.segment, p.strip, p.picture, what, got, want}
}

// wrap makes a refusal of an error found in the data; an error of reading stays
// what it is.
func (p place) wrap(err error) error {
	if r := (*readError)(nil); errors.As(err, &r) {
		return fmt.Errorf("segment %d: stripe %d: picture %d: %w", p.segment, p.strip, p.picture, r.err)
	}
	return p.refuse(err.Error(), "", "")
}

// readError is an error of the reader that a stripe comes from.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }
