package stitch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// stripe reads one stripe, a coded picture at a time and of that one slice at
// a time.
type stripe struct {
	nals *nalReader

	sps      *sps
	pps      *pps
	stripeMV bool // seen in a SEI before the first slice
	encoder  string

	// The current slice; valid until the next call of begin or more.
	nal    []byte
	head   []byte // raw payload, at least the slice header
	slice  sliceHeader
	follow []byte // first bytes of the NAL unit after
}

func newStripe(r io.Reader) *stripe { return &stripe{nals: newNALReader(r)} }

// unexpectedNAL is a NAL unit that has no place in a stripe.
type unexpectedNAL int

func (t unexpectedNAL) Error() string {
	return fmt.Sprintf("NAL unit type %d, want 1, 5, 6, 7, 8 or 9", int(t))
}

// begin reads up to the first slice of the next picture. At the end of the
// stripe it is io.EOF.
func (s *stripe) begin() error {
	for {
		nal, follow, err := s.nals.next()
		if err != nil {
			return err
		}
		switch t := nalType(nal); t {
		case nalSPS:
			err = s.setSPS(nal)
		case nalPPS:
			err = s.setPPS(nal)
		case nalSEI:
			if settings := encoderSettings(nal); settings != "" {
				s.encoder = settings
				s.stripeMV = keepsMotionInside(settings)
			}
		case nalAUD, nalEndSeq, nalEnd, nalFiller:
		case nalSlice, nalIDRSlice:
			s.nal, s.follow = nal, follow
			return s.parseSlice()
		default:
			err = unexpectedNAL(t)
		}
		if err != nil {
			return err
		}
	}
}

// more reads the next slice of the picture; false when there is none.
func (s *stripe) more() (bool, error) {
	for {
		if len(s.follow) < 2 {
			return false, nil
		}
		switch t := nalType(s.follow); t {
		case nalSlice, nalIDRSlice:
			// first_mb_in_slice is ue(v): 0 is the single bit 1. Stripes of one
			// slice per picture and stripes without arbitrary slice order begin
			// every picture so.
			if s.follow[1]&0x80 != 0 {
				return false, nil
			}
		case nalFiller:
		default:
			return false, nil
		}
		nal, follow, err := s.nals.next()
		if err != nil {
			return false, err
		}
		s.nal, s.follow = nal, follow
		if nalType(nal) == nalFiller {
			continue
		}
		return true, s.parseSlice()
	}
}

func (s *stripe) setSPS(nal []byte) error {
	p, err := parseSPS(nal)
	if err != nil {
		return err
	}
	if s.sps != nil && (p.header != s.sps.header || !bytes.Equal(p.rbsp, s.sps.rbsp)) {
		return fmt.Errorf("sps: changes inside the stripe, from %x to %x", s.sps.rbsp, p.rbsp)
	}
	s.sps = p
	return nil
}

func (s *stripe) setPPS(nal []byte) error {
	p, err := parsePPS(nal)
	if err != nil {
		return err
	}
	if s.pps != nil && !bytes.Equal(p.nal, s.pps.nal) {
		return fmt.Errorf("pps: changes inside the stripe, from %x to %x", s.pps.nal, p.nal)
	}
	s.pps = p
	return nil
}

// firstLook is how many bytes of a slice are unescaped to parse its header;
// enough but for long tables of weights.
const firstLook = 96

func (s *stripe) parseSlice() error {
	if s.sps == nil || s.pps == nil {
		return errors.New("slice before the parameter sets")
	}
	if s.pps.spsID != s.sps.id {
		return fmt.Errorf("pps: seq_parameter_set_id %d, want %d", s.pps.spsID, s.sps.id)
	}
	for look := firstLook; ; look *= 4 {
		cut := min(look, len(s.nal)-1)
		s.head = unescape(s.head[:0], s.nal[1:1+cut])
		err := s.slice.parse(s.nal[0], s.head, s.sps, s.pps)
		if errors.Is(err, errCutShort) && cut < len(s.nal)-1 {
			continue
		}
		if err == nil {
			err = s.checkSlice()
		} else if errors.Is(err, errCutShort) {
			err = fmt.Errorf("slice: %w", err)
		}
		return err
	}
}

// checkSlice refuses what no coded picture of this stripe can hold.
func (s *stripe) checkSlice() error {
	if mbs := s.sps.widthMBs * s.sps.rows; s.slice.firstMB >= mbs {
		return fmt.Errorf("slice: first_mb_in_slice %d, picture of %d", s.slice.firstMB, mbs)
	}
	if s.nal[0]>>5&3 == 0 && s.slice.idr() {
		return errors.New("slice: nal_ref_idc 0 in an IDR picture")
	}
	return nil
}
