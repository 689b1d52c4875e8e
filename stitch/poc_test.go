package stitch

import (
	"slices"
	"testing"
)

// The picture order count runs on where its low bits wrap around (8.2.1.1).
func TestPOCType0(t *testing.T) {
	s := &sps{log2POC: 4}
	var d pocDecoder
	for i, c := range []struct {
		header byte
		lsb    uint32
		want   int
	}{
		{0x65, 0, 0},
		{0x41, 6, 6},
		{0x01, 2, 2},
		{0x41, 12, 12},
		{0x01, 8, 8},
		{0x41, 2, 18},
		{0x01, 14, 14},
		{0x41, 8, 24},
		{0x41, 14, 30},
		{0x41, 4, 36},
		{0x65, 0, 0},
		{0x41, 14, -2},
		{0x41, 2, 2},
	} {
		if got := d.order(&sliceHeader{header: c.header, pocLSB: c.lsb}, s); got != c.want {
			t.Errorf("picture %d: %d, want %d", i, got, c.want)
		}
	}
}

// Type 2 is decoding order, over a wrap of frame_num too (8.2.1.3).
func TestPOCType2(t *testing.T) {
	s := &sps{pocType: 2, log2FrameNum: 4}
	var d pocDecoder
	before := -1
	for n := range 40 {
		h := sliceHeader{header: 0x41, frameNum: uint32(n % 16)}
		if n == 0 {
			h.header = 0x65
		}
		got := d.order(&h, s)
		if got <= before {
			t.Errorf("picture %d: %d after %d", n, got, before)
		}
		before = got
	}
	if got := d.order(&sliceHeader{header: 0x65}, s); got != 0 {
		t.Errorf("IDR: %d", got)
	}
}

func TestDisplayShift(t *testing.T) {
	for _, c := range []struct{ orders, want []int }{
		{nil, []int{}},
		{[]int{0}, []int{0}},
		{[]int{0, 2, 4}, []int{0, 0, 0}},
		{[]int{0, 8, 4, 2, 6}, []int{0, 3, 0, -2, -1}},
	} {
		got, err := displayShift(c.orders)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, %v, want %v", c.orders, got, err, c.want)
		}
	}
	if _, err := displayShift([]int{0, 4, 4}); err == nil {
		t.Error("one place for two pictures was taken")
	}
}
