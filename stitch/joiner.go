package stitch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/media"
)

// unit is one coded picture of the result (an access unit, ITU-T H.264 7.4.1.2.3).
type unit struct {
	// data holds its slices, each behind its length in four bytes; valid until
	// the next unit.
	data  []byte
	idr   bool
	order int // picture order count in its GOP
}

// joiner makes units of segments, one stream over all of them.
type joiner struct {
	anyMotion bool            // join stripes that do not promise to keep motion inside
	anyCrop   bool            // keep rows that a stripe above another one crops away
	rate      media.FrameRate // of the result; zero when not known

	// Parameter sets of the result, set by the first picture.
	sps, pps []byte
	format   *sps // sps parsed

	idrs  uint32 // IDR pictures so far
	poc   pocDecoder
	write rewriter
	data  []byte
}

// segment joins one segment and calls emit for every picture. index is for
// errors only.
func (j *joiner) segment(ctx context.Context, index int, seg Segment, emit func(unit) error) (err error) {
	if len(seg.Stripes) == 0 {
		return fmt.Errorf("segment %d: no stripes", index)
	}
	at := place{segment: index}
	stripes := make([]*stripe, 0, len(seg.Stripes))
	var open []io.Closer
	defer func() {
		for _, c := range open {
			if e := c.Close(); e != nil && err == nil {
				err = fmt.Errorf("segment %d: %w", index, e)
			}
		}
	}()
	for i, opener := range seg.Stripes {
		r, err := opener()
		if err != nil {
			return fmt.Errorf("segment %d: stripe %d: %w", index, i, err)
		}
		open = append(open, r)
		stripes = append(stripes, newStripe(r))
	}
	for ; ; at.picture++ {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		more, err := beginPicture(at, stripes, seg.Frames)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		if at.picture == 0 {
			if err := j.setFormat(at, stripes); err != nil {
				return err
			}
		}
		u, err := j.picture(at, stripes)
		if err != nil {
			return err
		}
		if err := emit(u); err != nil {
			return err
		}
	}
}

// beginPicture reads up to the next picture in all stripes; false at their
// common end.
func beginPicture(at place, stripes []*stripe, frames int) (bool, error) {
	ended := 0
	for i, s := range stripes {
		err := s.begin()
		switch {
		case errors.Is(err, io.EOF):
			ended++
		case err != nil:
			return false, at.stripe(i).wrap(err)
		}
		if (ended > 0) != (ended == i+1) { // one has ended and another has not
			shorter := i
			if err == nil {
				shorter = 0
			}
			want := "more, as the other stripes"
			if frames > 0 {
				want = fmt.Sprint(frames)
			}
			return false, at.stripe(shorter).refuse("pictures", fmt.Sprint(at.picture), want)
		}
	}
	switch {
	case ended > 0 && frames > 0 && at.picture != frames, ended > 0 && at.picture == 0:
		return false, at.refuse("pictures", fmt.Sprint(at.picture), fmt.Sprint(max(frames, 1)))
	case ended == 0 && frames > 0 && at.picture == frames:
		return false, at.refuse("pictures", fmt.Sprintf("more than %d", frames), fmt.Sprint(frames))
	}
	return ended == 0, nil
}

// setFormat checks that the stripes can be one picture and that this is the
// picture of the segments before.
func (j *joiner) setFormat(at place, stripes []*stripe) error {
	first := stripes[0]
	if !first.slice.idr() {
		return at.refuse("NAL unit type", fmt.Sprint(nalType(first.nal)), "5 (a segment begins with an IDR picture)")
	}
	rows, level := uint32(0), uint32(0)
	for i, s := range stripes {
		here := at.stripe(i)
		if what, got, want := s.sps.differs(first.sps); what != "" {
			return here.refuse(what, got, want)
		}
		if !bytes.Equal(s.pps.nal, first.pps.nal) {
			return here.refuse("PPS", fmt.Sprintf("%x", s.pps.nal), fmt.Sprintf("%x", first.pps.nal))
		}
		if s.sps.crop.top != 0 {
			return here.refuse("frame_crop_top_offset", fmt.Sprint(s.sps.crop.top), "0")
		}
		if i < len(stripes)-1 && s.sps.crop.bottom != 0 && !j.anyCrop {
			return here.refuse("frame_crop_bottom_offset", fmt.Sprint(s.sps.crop.bottom),
				"0 (only the last stripe may have a height that is no multiple of 16)")
		}
		if len(stripes) > 1 && !s.stripeMV && !j.anyMotion {
			return here.refuse("encoder", describeEncoder(s.encoder), "x264 with stripe-mv (SEI analyse=…:0x8…)")
		}
		rows += s.sps.rows
		level = max(level, s.sps.level)
	}
	if rows > maxSideMBs {
		return at.refuse("rows of macroblocks", fmt.Sprint(rows), fmt.Sprintf("at most %d", maxSideMBs))
	}
	if got, want, ok := checkRate(first.sps, j.rate); !ok {
		return at.refuse("frame rate of the VUI", got, want)
	}
	last := stripes[len(stripes)-1].sps
	v := &first.sps.vui
	level = levelFor(level, first.sps.widthMBs, rows, max(first.sps.refFrames, v.decodingFrames), v.rate)
	sps := first.sps.joined(rows, last.crop.bottom, level)
	if j.sps == nil {
		format, err := parseSPS(sps)
		if err != nil {
			return at.wrap(err)
		}
		j.sps, j.pps, j.format = sps, first.pps.nal, format
	}
	if !bytes.Equal(sps, j.sps) {
		format, err := parseSPS(sps)
		if err != nil {
			return at.wrap(err)
		}
		if what, got, want := format.differs(j.format); what != "" {
			return at.refuse(what+" of the whole picture", got, want)
		}
		return at.refuse("SPS of the whole picture", fmt.Sprintf("%x", sps), fmt.Sprintf("%x", j.sps))
	}
	if !bytes.Equal(first.pps.nal, j.pps) {
		return at.refuse("PPS", fmt.Sprintf("%x", first.pps.nal), fmt.Sprintf("%x", j.pps))
	}
	return nil
}

func describeEncoder(settings string) string {
	if settings == "" {
		return "unknown (no SEI)"
	}
	if m := analyseField.FindString(settings); m != "" {
		return "x264 " + m
	}
	return "x264"
}

// picture joins the slices of one picture. All stripes stand at their first slice.
func (j *joiner) picture(at place, stripes []*stripe) (unit, error) {
	j.data = j.data[:0]
	want := stripes[0].slice
	if want.idr() {
		j.idrs++
	}
	above := uint32(0) // macroblocks of the stripes above
	for i, s := range stripes {
		here := at.stripe(i)
		if s.slice.firstMB != 0 {
			return unit{}, here.refuse("first_mb_in_slice", fmt.Sprint(s.slice.firstMB), "0")
		}
		for first := true; ; first = false {
			if what, got, wanted := s.slice.differs(&want); what != "" {
				return unit{}, here.refuse(what, got, wanted)
			}
			alone := first && !continues(s.follow)
			if !alone && len(stripes) > 1 && s.slice.deblocking == 0 {
				return unit{}, here.refuse("disable_deblocking_filter_idc 0 in a picture of several slices", "", "")
			}
			j.appendSlice(s, above, len(stripes) == 1)
			more, err := s.more()
			if err != nil {
				return unit{}, here.wrap(err)
			}
			if !more {
				break
			}
		}
		above += s.sps.widthMBs * s.sps.rows
	}
	return unit{data: j.data, idr: want.idr(), order: j.poc.order(&want, j.format)}, nil
}

// continues reports whether the next NAL unit is a further slice of the picture.
func continues(follow []byte) bool {
	return len(follow) == 2 && (nalType(follow) == nalSlice || nalType(follow) == nalIDRSlice) && follow[1]&0x80 == 0
}

// appendSlice adds the current slice of s to the picture.
//
// The filter must not cross into the neighbour, which it did not know when it
// was encoded: idc 0 (filter all edges) becomes 2 (all but slice borders). Two
// IDR pictures in a row must differ in idr_pic_id (7.4.3), and cells of
// different encodes all begin with the same one: it alternates anew.
func (j *joiner) appendSlice(s *stripe, above uint32, whole bool) {
	h := &s.slice
	c := change{firstMB: above + h.firstMB, idrPicID: (j.idrs + 1) & 1, deblocking: h.deblocking}
	if c.deblocking == 0 && !whole {
		c.deblocking = 2
	}
	at := len(j.data)
	j.data = append(j.data, 0, 0, 0, 0)
	if whole && (!h.idr() || h.idrPicID == c.idrPicID) {
		j.data = append(j.data, s.nal...)
	} else {
		j.data = j.write.slice(j.data, s.nal, s.head, h, c, s.pps.cabac)
	}
	binary.BigEndian.PutUint32(j.data[at:], uint32(len(j.data)-at-4))
}
