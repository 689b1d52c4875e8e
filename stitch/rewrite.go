package stitch

// rewriter writes slices with another header and the same coded data. It keeps
// its scratch memory between slices.
type rewriter struct {
	bits bitWriter
	raw  []byte
}

// change is what a slice gets instead of its own values.
type change struct {
	firstMB    uint32
	idrPicID   uint32 // IDR slices only
	deblocking uint32 // disable_deblocking_filter_idc
}

// slice appends to dst the NAL unit nal, whose header is h and begins with the
// raw payload bytes head, with the changes made.
//
// slice_type is written modulo 5: the values 5 to 9 claim that all slices of
// the picture are of one type (7.4.3), which the other stripes may not keep.
func (w *rewriter) slice(dst, nal, head []byte, h *sliceHeader, c change, cabac bool) []byte {
	b := &w.bits
	b.b, b.free = b.b[:0], 0
	b.ue(c.firstMB)
	b.ue(h.kind)
	b.copyBits(head, h.afterKind, h.idrIDFrom)
	if h.idr() {
		b.ue(c.idrPicID)
	}
	b.copyBits(head, h.idrIDTo, h.deblockFrom)
	b.ue(c.deblocking)
	b.copyBits(head, h.deblockTo, h.end)
	dst = append(dst, h.header)
	if cabac {
		return w.cabac(dst, nal, h)
	}
	return w.cavlc(dst, nal, h)
}

// cabac appends the header bits and the coded data of a CABAC slice, which
// begins at a byte boundary behind cabac_alignment_one_bits (7.3.4).
//
// The data is copied with its emulation prevention bytes in place: they depend
// on the two bytes before only, so that from the first byte that is not zero on
// the escaped forms before and after are the same.
func (w *rewriter) cabac(dst, nal []byte, h *sliceHeader) []byte {
	if free := w.bits.free; free > 0 {
		w.bits.u(1<<free-1, free)
	}
	out := escaper{b: dst}
	for _, c := range w.bits.b {
		out.put(c)
	}
	var in unescaper
	skip := (h.end + 7) / 8 // raw bytes of the old header
	at := 1
	for ; at < len(nal); at++ {
		c := nal[at]
		if in.prevention(c) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		out.put(c)
		if c != 0 {
			at++
			break
		}
	}
	return append(out.b, nal[at:]...)
}

// cavlc appends the header bits and the coded data of a CAVLC slice, which
// follows without a gap: all of it moves by some bits.
func (w *rewriter) cavlc(dst, nal []byte, h *sliceHeader) []byte {
	w.raw = unescape(w.raw[:0], nal[1:])
	w.bits.copyBits(w.raw, h.end, stopBit(w.raw))
	w.bits.u(1, 1) // rbsp_stop_one_bit, alignment zeros follow
	return escape(dst, w.bits.b)
}
