package stitch

import (
	"bytes"
	"testing"
)

// Coded data that begins with zeros and what looks like emulation prevention:
// where header and data meet, the bytes put in differ before and after.
func TestRewriteAtTheSeam(t *testing.T) {
	data := [][]byte{
		{0x80},
		{1, 2, 3},
		{0, 0x80},
		{0, 0, 0x80},
		{0, 0, 0, 0x80},
		{0, 0, 0, 0, 1, 0x80},
		{0, 0, 1, 0x80},
		{0, 0, 3, 0x80},
		{0, 1, 0x80},
		{3, 0x80},
		{0, 0, 3, 0, 0, 3, 0x80},
		append(bytes.Repeat([]byte{0}, 40), 0x80),
		{0x80, 0, 0, 0, 0}, // cabac_zero_words
	}
	for _, cabac := range []bool{true, false} {
		s, p := testSets(t, cabac)
		for _, d := range data {
			if !cabac && d[len(d)-1] == 0 {
				continue // CABAC only
			}
			for _, b := range []sliceBits{
				{header: 0x65, kind: 7},
				{header: 0x65, kind: 2, idr: 1, deblocking: 1},
				{header: 0x41, kind: 5, frameNum: 3, poc: 20},
				{header: 0x01, kind: 1, poc: 2, deblocking: 2},
			} {
				for _, first := range []uint32{0, 1, 32, 255, 8159} {
					in := &stripe{sps: s, pps: p, nal: b.nal(cabac, d)}
					if err := in.parseSlice(); err != nil {
						t.Fatalf("%+v %x: %v", b, d, err)
					}
					checkRewrite(t, in, change{firstMB: first, idrPicID: 1, deblocking: 2})
				}
			}
		}
	}
}
