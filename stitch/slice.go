package stitch

import (
	"fmt"
)

// Slice types modulo 5 (ITU-T H.264, table 7-6).
const (
	sliceP = 0
	sliceB = 1
	sliceI = 2
)

// marking is dec_ref_pic_marking (7.3.3.3) as it stands in the slice header:
// all slices of a picture must have the same bits.
type marking struct {
	bits int
	b    [16]byte
}

// sliceHeader is a slice header: the values that must agree over the stripes of
// a picture, and where in the raw payload the bits lie that joining changes.
//
// Specification: ITU-T H.264, 7.3.3.
type sliceHeader struct {
	header     byte // NAL unit header: nal_ref_idc and type
	firstMB    uint32
	kind       uint32 // slice_type modulo 5
	frameNum   uint32
	idrPicID   uint32
	pocLSB     uint32
	pocDelta   int32 // delta_pic_order_cnt_bottom
	marking    marking
	deblocking uint32 // disable_deblocking_filter_idc

	// Bit positions in the raw payload.
	afterKind              int // behind slice_type
	idrIDFrom, idrIDTo     int // idr_pic_id; equal when there is none
	deblockFrom, deblockTo int // disable_deblocking_filter_idc
	end                    int // of the header
}

func (h *sliceHeader) idr() bool       { return h.header&31 == nalIDRSlice }
func (h *sliceHeader) reference() bool { return h.header>>5&3 != 0 }

// parse reads the header of a slice NAL unit with header byte header and
// payload b without emulation prevention. It is errCutShort when b ends inside
// the slice header.
func (h *sliceHeader) parse(header byte, b []byte, s *sps, p *pps) error {
	*h = sliceHeader{header: header}
	r := &bitReader{b: b}
	h.firstMB = r.ue()
	h.kind = r.ue() % 5
	h.afterKind = r.pos
	id := r.ue()
	h.frameNum = r.u(s.log2FrameNum)
	h.idrIDFrom, h.idrIDTo = r.pos, r.pos
	if h.idr() {
		h.idrPicID = r.ue()
		h.idrIDTo = r.pos
	}
	if s.pocType == 0 {
		h.pocLSB = r.u(s.log2POC)
		if p.bottomPicOrder {
			h.pocDelta = r.se()
		}
	}
	if p.redundant {
		r.ue() // redundant_pic_cnt
	}
	if r.over {
		return errCutShort
	}
	if id != p.id {
		return fmt.Errorf("slice: pic_parameter_set_id %d, want %d", id, p.id)
	}
	if h.kind > sliceI {
		return fmt.Errorf("slice: slice_type %d (switching slices)", h.kind)
	}
	refs := h.parseRefs(r, p)
	if refs[0] > maxRefs || refs[1] > maxRefs {
		return fmt.Errorf("slice: %d and %d references, at most %d", refs[0], refs[1], maxRefs)
	}
	if p.weightedPred && h.kind == sliceP || p.weightedBipred == 1 && h.kind == sliceB {
		h.skipWeights(r, refs)
	}
	if h.reference() {
		if err := h.parseMarking(r); err != nil {
			return err
		}
	}
	if p.cabac && h.kind != sliceI {
		r.ue() // cabac_init_idc
	}
	r.se() // slice_qp_delta
	return h.parseDeblocking(r)
}

// parseDeblocking reads the rest of the header.
func (h *sliceHeader) parseDeblocking(r *bitReader) error {
	h.deblockFrom = r.pos
	h.deblocking = r.ue()
	h.deblockTo = r.pos
	if h.deblocking != 1 {
		r.se() // slice_alpha_c0_offset_div2
		r.se() // slice_beta_offset_div2
	}
	h.end = r.pos
	if r.over {
		return errCutShort
	}
	if h.deblocking > 2 {
		return fmt.Errorf("slice: disable_deblocking_filter_idc %d, at most 2", h.deblocking)
	}
	return nil
}

// lists returns how many reference lists the slice has.
func (h *sliceHeader) lists() int {
	switch h.kind {
	case sliceP:
		return 1
	case sliceB:
		return 2
	}
	return 0
}

// parseRefs reads the numbers of references and the list modifications
// (7.3.3.1) and returns the numbers in use.
func (h *sliceHeader) parseRefs(r *bitReader, p *pps) [2]uint32 {
	refs := p.refs
	if h.kind == sliceB {
		r.flag() // direct_spatial_mv_pred_flag
	}
	if h.lists() == 0 {
		return refs
	}
	if r.flag() { // num_ref_idx_active_override_flag
		for l := range h.lists() {
			refs[l] = r.ue() + 1
		}
	}
	for range h.lists() {
		if !r.flag() { // ref_pic_list_modification_flag
			continue
		}
		for !r.over && r.ue() != 3 {
			r.ue() // abs_diff_pic_num_minus1 or long_term_pic_num
		}
	}
	return refs
}

// skipWeights reads over pred_weight_table (7.3.3.2) of 4:2:0 pictures.
func (h *sliceHeader) skipWeights(r *bitReader, refs [2]uint32) {
	r.ue() // luma_log2_weight_denom
	r.ue() // chroma_log2_weight_denom
	for l := range h.lists() {
		for i := uint32(0); i < refs[l] && !r.over; i++ {
			if r.flag() {
				r.se()
				r.se()
			}
			if r.flag() {
				for range 4 {
					r.se()
				}
			}
		}
	}
}

// parseMarking reads dec_ref_pic_marking (7.3.3.3).
func (h *sliceHeader) parseMarking(r *bitReader) error {
	from := r.pos
	if h.idr() {
		r.u(2) // no_output_of_prior_pics_flag, long_term_reference_flag
	} else if r.flag() { // adaptive_ref_pic_marking_mode_flag
		for !r.over {
			op := r.ue()
			if op == 0 {
				break
			}
			if op == 5 {
				return fmt.Errorf("slice: memory_management_control_operation 5")
			}
			if op > 6 {
				return fmt.Errorf("slice: memory_management_control_operation %d, at most 6", op)
			}
			r.ue()
			if op == 3 {
				r.ue()
			}
		}
	}
	h.marking.bits = r.pos - from
	if h.marking.bits > 8*len(h.marking.b) {
		return fmt.Errorf("slice: dec_ref_pic_marking of %d bits, at most %d", h.marking.bits, 8*len(h.marking.b))
	}
	w := bitWriter{b: h.marking.b[:0]}
	w.copyBits(r.b, from, r.pos)
	return nil
}

// differs returns the first quantity in which slices cannot belong to one
// picture (7.4.1.2.4, and 7.4.3 for the marking); what is empty when they can.
func (h *sliceHeader) differs(want *sliceHeader) (what, got, wanted string) {
	for _, f := range []struct {
		what      string
		got, want int64
	}{
		{"NAL unit type", int64(h.header & 31), int64(want.header & 31)},
		{"nal_ref_idc", int64(h.header >> 5), int64(want.header >> 5)},
		{"frame_num", int64(h.frameNum), int64(want.frameNum)},
		{"idr_pic_id", int64(h.idrPicID), int64(want.idrPicID)},
		{"pic_order_cnt_lsb", int64(h.pocLSB), int64(want.pocLSB)},
		{"delta_pic_order_cnt_bottom", int64(h.pocDelta), int64(want.pocDelta)},
	} {
		if f.got != f.want {
			return f.what, fmt.Sprint(f.got), fmt.Sprint(f.want)
		}
	}
	if h.marking != want.marking {
		return "dec_ref_pic_marking", h.marking.String(), want.marking.String()
	}
	return "", "", ""
}

func (m marking) String() string { return fmt.Sprintf("%d bits %x", m.bits, m.b[:(m.bits+7)/8]) }
