package stitch

import "encoding/binary"

// bitReader reads the syntax elements of a raw byte sequence payload, most
// significant bit first. Reading past the end gives zeros and sets over, so
// that a parser asks once, at its end.
//
// Specification: ITU-T H.264, 7.2 (u, ue, se) and 9.1 (Exp-Golomb codes).
type bitReader struct {
	b    []byte
	pos  int // in bits
	over bool
}

// u reads an unsigned integer of n bits, n at most 32.
func (r *bitReader) u(n int) uint32 {
	if r.pos+n > 8*len(r.b) {
		r.over = true
		r.pos = 8 * len(r.b)
		return 0
	}
	var v uint64
	for at := r.pos; n > 0; {
		free := 8 - at&7 // bits left in this byte
		take := min(free, n)
		v = v<<take | uint64(r.b[at>>3])>>(free-take)&(1<<take-1)
		at += take
		n -= take
		r.pos = at
	}
	return uint32(v)
}

// flag reads one bit.
func (r *bitReader) flag() bool { return r.u(1) == 1 }

// ue reads an unsigned Exp-Golomb code.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.over && !r.flag() {
		if zeros++; zeros > 31 { // codeNum is at most 2^32-2 (9.1)
			r.over = true
		}
	}
	if r.over {
		return 0
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// se reads a signed Exp-Golomb code (9.1.1).
func (r *bitReader) se() int32 {
	k := r.ue()
	if k&1 == 1 {
		return int32(k>>1) + 1
	}
	return -int32(k >> 1)
}

// bitWriter appends bits to b; free is how many low bits of the last byte are
// not written yet (0 when byte aligned).
type bitWriter struct {
	b    []byte
	free int
}

// u appends the n low bits of v, n at most 32.
func (w *bitWriter) u(v uint32, n int) {
	for n > 0 {
		if w.free == 0 {
			w.b = append(w.b, 0)
			w.free = 8
		}
		take := min(w.free, n)
		bits := byte(uint64(v) >> (n - take) & (1<<take - 1))
		w.free -= take
		n -= take
		w.b[len(w.b)-1] |= bits << w.free
	}
}

// ue appends an unsigned Exp-Golomb code; v is below 2^32-1.
func (w *bitWriter) ue(v uint32) {
	n := 0
	for t := uint64(v) + 1; t > 1; t >>= 1 {
		n++
	}
	w.u(0, n)
	if n == 32 { // does not occur in headers; kept right all the same
		w.u(1, 1)
		w.u(v+1, 32)
		return
	}
	w.u(v+1, n+1)
}

// copyBits appends the bits [from, to) of src.
func (w *bitWriter) copyBits(src []byte, from, to int) {
	for from < to && from&7 != 0 { // bring the source to a byte boundary
		w.u(uint32(src[from>>3]>>(7-from&7))&1, 1)
		from++
	}
	if n := (to - from) >> 3; n > 0 {
		w.bytes(src[from>>3 : from>>3+n])
		from += 8 * n
	}
	if from < to {
		n := to - from
		w.u(uint32(src[from>>3]>>(8-n)), n)
	}
}

// bytes appends whole bytes at any bit position. The payload of every CAVLC
// slice goes through here, so it moves eight bytes at a time.
func (w *bitWriter) bytes(src []byte) {
	if w.free == 0 {
		w.b = append(w.b, src...)
		return
	}
	used := 8 - w.free
	carry := uint64(w.b[len(w.b)-1]) << 56 // bits not yet at their place
	at := len(w.b) - 1
	w.b = append(w.b, src...) // makes room; overwritten below
	dst := w.b[at:]
	i := 0
	for ; i+8 <= len(src); i += 8 {
		v := binary.BigEndian.Uint64(src[i:])
		binary.BigEndian.PutUint64(dst[i:], carry|v>>used)
		carry = v << (64 - used)
	}
	last := byte(carry >> 56)
	for ; i < len(src); i++ {
		dst[i] = last | src[i]>>used
		last = src[i] << (8 - used)
	}
	dst[i] = last
}

// stopBit returns the position of the rbsp_stop_one_bit, the last one bit of b
// (7.3.2.11); 0 when there is none.
func stopBit(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if c := b[i]; c != 0 {
			k := 7
			for c&1 == 0 {
				c >>= 1
				k--
			}
			return 8*i + k
		}
	}
	return 0
}

// equalBits compares the bits [from, to) of a and b.
func equalBits(a []byte, fromA, toA int, b []byte, fromB, toB int) bool {
	if toA-fromA != toB-fromB {
		return false
	}
	x, y := bitReader{b: a, pos: fromA}, bitReader{b: b, pos: fromB}
	for n := toA - fromA; n > 0; {
		k := min(n, 32)
		if x.u(k) != y.u(k) {
			return false
		}
		n -= k
	}
	return true
}
