package stitch

import (
	"fmt"

	"github.com/choirless/render/media"
)

// vui is the part of the video usability information that containers repeat.
//
// Specification: ITU-T H.264, E.1.1.
type vui struct {
	present bool

	sar media.Ratio

	colour                        bool // the three below are given
	primaries, transfer, matrix   uint32
	fullRange                     bool
	rate                          media.FrameRate // zero when there is no timing
	restrictions                  bool            // the three below are given
	reorderFrames, decodingFrames uint32          // max_num_reorder_frames, max_dec_frame_buffering
}

// extendedSAR is aspect_ratio_idc Extended_SAR (table E-1).
const extendedSAR = 255

// sarTable holds the sample aspect ratios of aspect_ratio_idc 1 to 16 (table E-1).
var sarTable = [...]media.Ratio{
	{Num: 1, Den: 1},
	{Num: 12, Den: 11},
	{Num: 10, Den: 11},
	{Num: 16, Den: 11},
	{Num: 40, Den: 33},
	{Num: 24, Den: 11},
	{Num: 20, Den: 11},
	{Num: 32, Den: 11},
	{Num: 80, Den: 33},
	{Num: 18, Den: 11},
	{Num: 15, Den: 11},
	{Num: 64, Den: 33},
	{Num: 160, Den: 99},
	{Num: 4, Den: 3},
	{Num: 3, Den: 2},
	{Num: 2, Den: 1},
}

func (v *vui) parse(r *bitReader) {
	v.present = true
	if r.flag() {
		if idc := r.u(8); idc == extendedSAR {
			v.sar = media.Ratio{Num: int(r.u(16)), Den: int(r.u(16))}
		} else if idc >= 1 && int(idc) <= len(sarTable) {
			v.sar = sarTable[idc-1]
		}
	}
	if r.flag() { // overscan_info_present_flag
		r.flag()
	}
	if r.flag() { // video_signal_type_present_flag
		r.u(3) // video_format
		v.fullRange = r.flag()
		if v.colour = r.flag(); v.colour {
			v.primaries, v.transfer, v.matrix = r.u(8), r.u(8), r.u(8)
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue()
		r.ue()
	}
	if r.flag() { // timing_info_present_flag
		tick, scale := r.u(32), r.u(32)
		r.flag()                   // fixed_frame_rate_flag
		if tick > 0 && scale > 0 { // a frame lasts two ticks (E.2.1, time_scale)
			v.rate = reduced(int64(scale), 2*int64(tick))
		}
	}
	nalHRD := r.flag()
	if nalHRD {
		skipHRD(r)
	}
	vclHRD := r.flag()
	if vclHRD {
		skipHRD(r)
	}
	if nalHRD || vclHRD {
		r.flag() // low_delay_hrd_flag
	}
	r.flag() // pic_struct_present_flag
	if v.restrictions = r.flag(); v.restrictions {
		r.flag() // motion_vectors_over_pic_boundaries_flag
		r.ue()   // max_bytes_per_pic_denom
		r.ue()   // max_bits_per_mb_denom
		r.ue()   // log2_max_mv_length_horizontal
		r.ue()   // log2_max_mv_length_vertical
		v.reorderFrames, v.decodingFrames = r.ue(), r.ue()
	}
}

// skipHRD reads over hrd_parameters (E.1.2).
func skipHRD(r *bitReader) {
	n := r.ue() + 1 // cpb_cnt
	r.u(8)
	for i := uint32(0); i < n && !r.over; i++ {
		r.ue()
		r.ue()
		r.flag()
	}
	r.u(20)
}

func reduced(num, den int64) media.FrameRate {
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return media.FrameRate{Num: num / a, Den: den / a}
}

// describe names what a person would look at first, and the bits.
func (v *vui) describe(s *sps) string {
	if !v.present {
		return "absent"
	}
	w := &bitWriter{}
	w.copyBits(s.rbsp, s.cropTo, s.end)
	return fmt.Sprintf("%x (primaries %d, transfer %d, matrix %d, full range %t, rate %v)",
		w.b, v.primaries, v.transfer, v.matrix, v.fullRange, v.rate)
}
