package stitch

import "fmt"

// RefusalError says why stripes cannot be joined: which one, at which picture,
// and the two values that should have been equal.
type RefusalError struct {
	Segment int // from 0
	Stripe  int // from 0, top to bottom
	Picture int // from 0 in the segment, decoding order
	// What is the quantity, in the words of the standard ("frame_num",
	// "pic_width_in_mbs_minus1", "NAL unit type").
	What string
	Got  string
	Want string // empty when there is no other value to compare with
}

func (e *RefusalError) Error() string {
	s := fmt.Sprintf("segment %d: stripe %d: picture %d: %s %s", e.Segment, e.Stripe, e.Picture, e.What, e.Got)
	if e.Want != "" {
		s += ", want " + e.Want
	}
	return s
}
