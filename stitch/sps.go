package stitch

import (
	"errors"
	"fmt"
)

// sps is a sequence parameter set: the values that joining needs, and where in
// the raw payload the few bits lie that it changes.
//
// Specification: ITU-T H.264, 7.3.2.1.1.
type sps struct {
	header byte   // NAL unit header
	rbsp   []byte // payload without emulation prevention

	profile        uint32
	constraints    uint32 // constraint_set flags and reserved bits
	level          uint32
	id             uint32
	bitDepthLuma   int
	bitDepthChroma int
	log2FrameNum   int
	pocType        uint32
	log2POC        int // pocType 0 only
	refFrames      uint32
	widthMBs       uint32
	rows           uint32 // of macroblocks
	direct8x8      bool
	crop           crop
	vui            vui

	// Bit positions in rbsp.
	heightFrom, heightTo int // pic_height_in_map_units_minus1
	cropFrom, cropTo     int // frame_cropping_flag and the four offsets
	end                  int // the stop bit
}

// crop is the frame cropping rectangle in crop units, which are two luma
// samples each way for progressive 4:2:0 (7.4.2.1.1, equations 7-19 to 7-22).
type crop struct{ left, right, top, bottom uint32 }

// Level 6.2 allows 139264 macroblocks and neither side longer than
// sqrt(8·139264) = 1055 of them (A.3.1).
const maxSideMBs = 1055

// width and height are luma samples as shown.
func (s *sps) width() int { return int(16*s.widthMBs) - 2*int(s.crop.left+s.crop.right) }

func (s *sps) height() int { return int(16*s.rows) - 2*int(s.crop.top+s.crop.bottom) }

var errCutShort = errors.New("cut short")

// parseSPS reads a sequence parameter set NAL unit. What joining cannot do is
// refused here: other than 4:2:0, scaling matrices, interlace, POC type 1.
func parseSPS(nal []byte) (*sps, error) {
	s := &sps{header: nal[0], rbsp: unescape(nil, nal[1:]), bitDepthLuma: 8, bitDepthChroma: 8}
	r := &bitReader{b: s.rbsp}
	s.profile = r.u(8)
	s.constraints = r.u(8)
	s.level = r.u(8)
	s.id = r.ue()
	if err := s.parseHigh(r); err != nil {
		return nil, err
	}
	s.log2FrameNum = int(r.ue()) + 4
	s.pocType = r.ue()
	if s.pocType == 0 {
		s.log2POC = int(r.ue()) + 4
	}
	if s.log2FrameNum > 16 || s.log2POC > 16 {
		return nil, fmt.Errorf("sps: frame_num of %d bits, picture order count of %d, at most 16", s.log2FrameNum, s.log2POC)
	}
	if s.pocType != 0 && s.pocType != 2 {
		return nil, fmt.Errorf("sps: pic_order_cnt_type %d, want 0 or 2", s.pocType)
	}
	s.refFrames = r.ue()
	r.flag() // gaps_in_frame_num_value_allowed_flag
	s.widthMBs = r.ue() + 1
	s.heightFrom = r.pos
	s.rows = r.ue() + 1
	s.heightTo = r.pos
	if !r.flag() && !r.over {
		return nil, errors.New("sps: interlaced (frame_mbs_only_flag 0)")
	}
	s.direct8x8 = r.flag()
	s.cropFrom = r.pos
	if r.flag() {
		s.crop = crop{r.ue(), r.ue(), r.ue(), r.ue()}
	}
	s.cropTo = r.pos
	if r.flag() {
		s.vui.parse(r)
	}
	s.end = stopBit(s.rbsp)
	return s, s.check(r)
}

// parseHigh reads what only the High profiles have.
func (s *sps) parseHigh(r *bitReader) error {
	switch s.profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
	default:
		return nil
	}
	if c := r.ue(); c != 1 && !r.over {
		return fmt.Errorf("sps: chroma_format_idc %d, want 1 (4:2:0)", c)
	}
	luma, chroma := r.ue(), r.ue()
	if luma > 6 || chroma > 6 {
		return fmt.Errorf("sps: bit depths %d and %d, at most 14", luma+8, chroma+8)
	}
	s.bitDepthLuma, s.bitDepthChroma = int(luma)+8, int(chroma)+8
	r.flag() // qpprime_y_zero_transform_bypass_flag
	if r.flag() {
		return errors.New("sps: scaling matrices (seq_scaling_matrix_present_flag 1)")
	}
	return nil
}

func (s *sps) check(r *bitReader) error {
	switch {
	case r.over || s.end < s.cropTo || r.pos > s.end:
		return fmt.Errorf("sps: %w", errCutShort)
	case s.widthMBs > maxSideMBs || s.rows > maxSideMBs:
		return fmt.Errorf("sps: picture of %d x %d macroblocks, at most %d a side", s.widthMBs, s.rows, maxSideMBs)
	case uint64(s.crop.left)+uint64(s.crop.right) >= uint64(8*s.widthMBs) ||
		uint64(s.crop.top)+uint64(s.crop.bottom) >= uint64(8*s.rows):
		return errors.New("sps: nothing left of the picture after cropping")
	}
	return nil
}

// joined returns the NAL unit of this parameter set with another height, level
// and cropping at the bottom. x264 writes the same bytes for the full picture
// when it is given the same options.
func (s *sps) joined(rows, cropBottom, level uint32) []byte {
	w := &bitWriter{}
	w.copyBits(s.rbsp, 0, 16)
	w.u(level, 8)
	w.copyBits(s.rbsp, 24, s.heightFrom)
	w.ue(rows - 1)
	w.copyBits(s.rbsp, s.heightTo, s.cropFrom)
	if s.crop.left|s.crop.right|s.crop.top|cropBottom != 0 {
		w.u(1, 1)
		w.ue(s.crop.left)
		w.ue(s.crop.right)
		w.ue(s.crop.top)
		w.ue(cropBottom)
	} else {
		w.u(0, 1)
	}
	w.copyBits(s.rbsp, s.cropTo, s.end)
	w.u(1, 1) // rbsp_stop_one_bit
	return escape([]byte{s.header}, w.b)
}

// differs returns the first quantity in which two stripes cannot belong to one
// picture; what is empty when they can. Height, cropping at the bottom and
// level may differ.
func (s *sps) differs(want *sps) (what, got, wanted string) {
	for _, f := range []struct {
		what      string
		got, want uint32
	}{
		{"nal_ref_idc of the SPS", uint32(s.header), uint32(want.header)},
		{"profile_idc", s.profile, want.profile},
		{"constraint_set flags", s.constraints, want.constraints},
		{"seq_parameter_set_id", s.id, want.id},
		{"bit_depth_luma", uint32(s.bitDepthLuma), uint32(want.bitDepthLuma)},
		{"bit_depth_chroma", uint32(s.bitDepthChroma), uint32(want.bitDepthChroma)},
		{"log2_max_frame_num", uint32(s.log2FrameNum), uint32(want.log2FrameNum)},
		{"pic_order_cnt_type", s.pocType, want.pocType},
		{"log2_max_pic_order_cnt_lsb", uint32(s.log2POC), uint32(want.log2POC)},
		{"max_num_ref_frames", s.refFrames, want.refFrames},
		{"pic_width_in_mbs", s.widthMBs, want.widthMBs},
		{"frame_crop_left_offset", s.crop.left, want.crop.left},
		{"frame_crop_right_offset", s.crop.right, want.crop.right},
	} {
		if f.got != f.want {
			return f.what, fmt.Sprint(f.got), fmt.Sprint(f.want)
		}
	}
	if !equalBits(s.rbsp, s.cropTo, s.end, want.rbsp, want.cropTo, want.end) {
		return "VUI", s.vui.describe(s), want.vui.describe(want)
	}
	if !equalBits(s.rbsp, 24, s.heightFrom, want.rbsp, 24, want.heightFrom) ||
		!equalBits(s.rbsp, s.heightTo, s.cropFrom, want.rbsp, want.heightTo, want.cropFrom) {
		return "SPS", fmt.Sprintf("%x", s.rbsp), fmt.Sprintf("%x", want.rbsp)
	}
	return "", "", ""
}
