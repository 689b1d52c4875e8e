package stitch

import (
	"bytes"
	"errors"
	"fmt"
)

// pps is a picture parameter set: what the slice header's syntax depends on.
//
// Specification: ITU-T H.264, 7.3.2.2.
type pps struct {
	nal []byte // as it came, copied to the result

	id, spsID      uint32
	cabac          bool
	bottomPicOrder bool // bottom_field_pic_order_in_frame_present_flag
	refs           [2]uint32
	weightedPred   bool
	weightedBipred uint32
	redundant      bool // redundant_pic_cnt_present_flag
}

// parsePPS reads a picture parameter set NAL unit. Slice groups are refused,
// and so is a set that leaves no control over the deblocking filter, which
// joining needs to keep off the borders.
func parsePPS(nal []byte) (*pps, error) {
	p := &pps{nal: bytes.Clone(nal)}
	r := &bitReader{b: unescape(nil, nal[1:])}
	p.id = r.ue()
	p.spsID = r.ue()
	p.cabac = r.flag()
	p.bottomPicOrder = r.flag()
	groups := r.ue() + 1
	if groups != 1 && !r.over {
		return nil, fmt.Errorf("pps: %d slice groups, want 1", groups)
	}
	p.refs = [2]uint32{r.ue() + 1, r.ue() + 1}
	p.weightedPred = r.flag()
	p.weightedBipred = r.u(2)
	r.se() // pic_init_qp_minus26
	r.se() // pic_init_qs_minus26
	r.se() // chroma_qp_index_offset
	control := r.flag()
	r.flag() // constrained_intra_pred_flag
	p.redundant = r.flag()
	switch {
	case r.over:
		return nil, fmt.Errorf("pps: %w", errCutShort)
	case p.refs[0] > maxRefs || p.refs[1] > maxRefs:
		return nil, fmt.Errorf("pps: %d and %d references, at most %d", p.refs[0], p.refs[1], maxRefs)
	case !control:
		return nil, errors.New("pps: deblocking_filter_control_present_flag 0, want 1")
	}
	return p, nil
}

// maxRefs bounds num_ref_idx_lX_active (7.4.2.2, 7.4.3: 32 in fields).
const maxRefs = 32
