package stitch

import (
	"fmt"
	"slices"
)

// pocDecoder finds the picture order count of each picture of a stream, which
// says where in its GOP it is shown.
//
// Specification: ITU-T H.264, 8.2.1.1 (type 0) and 8.2.1.3 (type 2).
type pocDecoder struct {
	msb, lsb  int // of the reference picture before (prevPicOrderCntMsb, …Lsb)
	frameNum  int // of the picture before
	numOffset int // FrameNumOffset of the picture before
}

// order returns the picture order count of the picture of which h is a slice.
// Pictures come in decoding order.
func (d *pocDecoder) order(h *sliceHeader, s *sps) int {
	if h.idr() {
		*d = pocDecoder{}
	}
	if s.pocType == 2 { // output order is decoding order
		num := int(h.frameNum)
		if num < d.frameNum {
			d.numOffset += 1 << s.log2FrameNum
		}
		d.frameNum = num
		order := 2 * (d.numOffset + num)
		if !h.reference() {
			order--
		}
		return order
	}
	lsb, span := int(h.pocLSB), 1<<s.log2POC
	msb := d.msb
	switch {
	case lsb < d.lsb && d.lsb-lsb >= span/2:
		msb += span
	case lsb > d.lsb && lsb-d.lsb > span/2:
		msb -= span
	}
	if h.reference() {
		d.msb, d.lsb = msb, lsb
	}
	return msb + lsb + min(0, int(h.pocDelta))
}

// displayShift returns for each picture of a closed GOP, in decoding order, how
// many pictures later (+) or earlier (-) it is shown than it is decoded.
func displayShift(orders []int) ([]int, error) {
	index := make([]int, len(orders))
	for i := range index {
		index[i] = i
	}
	slices.SortFunc(index, func(a, b int) int { return orders[a] - orders[b] })
	shift := make([]int, len(orders))
	for rank, i := range index {
		if rank > 0 && orders[index[rank-1]] == orders[i] {
			return nil, fmt.Errorf("picture order count %d twice in a GOP", orders[i])
		}
		shift[i] = rank - i
	}
	return shift, nil
}
