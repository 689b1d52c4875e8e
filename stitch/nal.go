package stitch

import "bytes"

// NAL unit types that may occur in a stripe.
//
// Specification: ITU-T H.264, table 7-1.
const (
	nalSlice    = 1
	nalIDRSlice = 5
	nalSEI      = 6
	nalSPS      = 7
	nalPPS      = 8
	nalAUD      = 9
	nalEndSeq   = 10
	nalEnd      = 11
	nalFiller   = 12
)

// nalType returns nal_unit_type of a NAL unit that begins with its header byte.
func nalType(nal []byte) int { return int(nal[0] & 31) }

// unescape appends the payload p (header byte left out) to dst without its
// emulation prevention bytes.
//
// Specification: ITU-T H.264, 7.3.1 and 7.4.1.1.
func unescape(dst, p []byte) []byte {
	for {
		i := bytes.Index(p, []byte{0, 0, 3})
		if i < 0 {
			return append(dst, p...)
		}
		dst = append(dst, p[:i+2]...)
		p = p[i+3:]
	}
}

// escape appends the raw payload p to dst with emulation prevention bytes, so
// that no start code can be seen in it. dst ends in a NAL header byte, which is
// never zero.
//
// Specification: ITU-T H.264, 7.4.1.1.
func escape(dst, p []byte) []byte {
	from := 0
	for at := 0; ; {
		i := bytes.Index(p[at:], []byte{0, 0})
		if i < 0 || at+i+2 >= len(p) {
			break
		}
		at += i + 2
		if p[at] <= 3 {
			dst = append(dst, p[from:at]...)
			dst = append(dst, 3)
			from = at
		} else {
			// the third byte is not zero here, so no pair begins before it
			at++
		}
	}
	dst = append(dst, p[from:]...)
	if len(p) > 0 && p[len(p)-1] == 0 { // cabac_zero_words end so
		dst = append(dst, 3)
	}
	return dst
}

// unescaper undoes emulation prevention byte by byte.
type unescaper struct{ zeros int }

// prevention reports whether c is an emulation prevention byte, to be left out.
func (u *unescaper) prevention(c byte) bool {
	if u.zeros >= 2 && c == 3 {
		u.zeros = 0
		return true
	}
	if c == 0 {
		u.zeros++
	} else {
		u.zeros = 0
	}
	return false
}

// escaper appends bytes one by one with emulation prevention.
type escaper struct {
	b     []byte
	zeros int
}

func (e *escaper) put(c byte) {
	if e.zeros >= 2 && c <= 3 {
		e.b = append(e.b, 3)
		e.zeros = 0
	}
	e.b = append(e.b, c)
	if c == 0 {
		e.zeros++
	} else {
		e.zeros = 0
	}
}
