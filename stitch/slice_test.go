package stitch

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// sliceBits writes the slice header of a picture of 11 macroblocks' width.
type sliceBits struct {
	header              byte
	first, kind, pps    uint32
	frameNum, idr, poc  uint32
	marking, deblocking uint32
	mmco                []uint32 // operations and their operands
}

// testSPS and testPPS go with sliceBits.
func testSets(t testing.TB, cabac bool) (*sps, *pps) {
	t.Helper()
	s, err := parseSPS(spsBits{profile: 100, chroma: 1, log2FrameNum: 4, width: 11, height: 3, progressive: true}.nal())
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePPS(ppsBits{cabac: cabac, control: true}.nal())
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

// bits returns the header; log2_max_frame_num is 4, that of the POC 6.
func (b sliceBits) bits(cabac bool) bitWriter {
	w := bitWriter{}
	w.ue(b.first)
	w.ue(b.kind)
	w.ue(b.pps)
	w.u(b.frameNum, 4)
	idr := b.header&31 == nalIDRSlice
	if idr {
		w.ue(b.idr)
	}
	w.u(b.poc, 6)
	if b.kind%5 == sliceB {
		w.u(1, 1)
	}
	if b.kind%5 != sliceI {
		w.u(0, 1) // number of references
		w.u(0, 1) // list 0
		if b.kind%5 == sliceB {
			w.u(0, 1) // list 1
		}
	}
	if b.header>>5 != 0 {
		if idr {
			w.u(b.marking, 2)
		} else {
			w.u(bit(b.mmco != nil), 1)
			for _, v := range b.mmco {
				w.ue(v)
			}
		}
	}
	if cabac && b.kind%5 != sliceI {
		w.ue(0)
	}
	w.ue(0) // slice_qp_delta
	w.ue(b.deblocking)
	if b.deblocking != 1 {
		w.ue(0)
		w.ue(0)
	}
	return w
}

// nal returns the slice with coded data.
func (b sliceBits) nal(cabac bool, data []byte) []byte {
	w := b.bits(cabac)
	if cabac {
		for w.free > 0 {
			w.u(1, 1)
		}
	}
	w.bytes(data)
	if !cabac {
		w.u(1, 1)
	}
	return escape([]byte{b.header}, w.b)
}

func TestParseSlice(t *testing.T) {
	s, p := testSets(t, true)
	for _, c := range []struct {
		name string
		in   sliceBits
		want string // error
	}{
		{"IDR", sliceBits{header: 0x65, kind: 7, idr: 3, deblocking: 2}, ""},
		{"P", sliceBits{header: 0x41, kind: 5, frameNum: 9, poc: 33}, ""},
		{"B", sliceBits{header: 0x01, kind: 1, first: 11, deblocking: 1}, ""},
		{"marking", sliceBits{header: 0x41, mmco: []uint32{1, 2, 3, 0, 1, 4, 1, 0}}, ""},
		{"MMCO 5", sliceBits{header: 0x41, mmco: []uint32{5, 0}}, "operation 5"},
		{"MMCO 7", sliceBits{header: 0x41, mmco: []uint32{7, 0}}, "operation 7"},
		{"SP", sliceBits{header: 0x41, kind: 3}, "slice_type 3"},
		{"SI", sliceBits{header: 0x41, kind: 9}, "slice_type 4"},
		{"other PPS", sliceBits{header: 0x41, pps: 1}, "pic_parameter_set_id 1, want 0"},
		{"deblocking 3", sliceBits{header: 0x41, deblocking: 3}, "disable_deblocking_filter_idc 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.in.bits(true)
			end := 8*len(w.b) - w.free
			w.u(0xff, 8)
			var h sliceHeader
			err := h.parse(c.in.header, w.b, s, p)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.end != end {
				t.Errorf("ends at bit %d, want %d", h.end, end)
			}
			if h.firstMB != c.in.first || h.kind != c.in.kind%5 || h.frameNum != c.in.frameNum ||
				h.idrPicID != c.in.idr || h.pocLSB != c.in.poc || h.deblocking != c.in.deblocking {
				t.Errorf("%+v, want %+v", h, c.in)
			}
		})
	}
}

// A header that ends early is told from one that is wrong, so that more of the
// slice is looked at.
func TestParseSliceCutShort(t *testing.T) {
	s, p := testSets(t, true)
	b := sliceBits{header: 0x41, kind: 5, mmco: []uint32{1, 2, 0}}
	w := b.bits(true)
	for n := range len(w.b) {
		var h sliceHeader
		if err := h.parse(b.header, w.b[:n], s, p); !errors.Is(err, errCutShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestSliceDiffers(t *testing.T) {
	s, p := testSets(t, true)
	parse := func(b sliceBits) *sliceHeader {
		w := b.bits(true)
		h := &sliceHeader{}
		if err := h.parse(b.header, w.b, s, p); err != nil {
			t.Fatal(err)
		}
		return h
	}
	base := sliceBits{header: 0x41, kind: 5, frameNum: 4, poc: 8}
	for _, c := range []struct {
		what   string
		change func(*sliceBits)
	}{
		{"", func(b *sliceBits) { b.kind = 2 }},
		{"", func(b *sliceBits) { b.deblocking = 1 }},
		{"NAL unit type", func(b *sliceBits) { b.header = 0x45 }},
		{"nal_ref_idc", func(b *sliceBits) { b.header = 0x01 }},
		{"frame_num", func(b *sliceBits) { b.frameNum = 5 }},
		{"pic_order_cnt_lsb", func(b *sliceBits) { b.poc = 10 }},
		{"dec_ref_pic_marking", func(b *sliceBits) { b.mmco = []uint32{1, 0, 0} }},
	} {
		b := base
		c.change(&b)
		if what, _, _ := parse(b).differs(parse(base)); what != c.what {
			t.Errorf("%q differs, want %q", what, c.what)
		}
	}
}

func FuzzSlice(f *testing.F) {
	for _, c := range cases {
		for _, n := range unitsOf(f, load(f, c.name+".r0.s0.h264")) {
			if k := nalType(n); k == nalSlice || k == nalIDRSlice {
				f.Add(n, c.cabac, uint32(33))
			}
		}
	}
	f.Add(sliceBits{header: 0x65, kind: 7}.nal(true, []byte{0, 0, 0, 0, 1}), true, uint32(0))
	f.Add(sliceBits{header: 0x65, kind: 7}.nal(false, []byte{0, 0, 0, 0, 1}), false, uint32(1000))
	f.Fuzz(func(t *testing.T, nal []byte, cabac bool, first uint32) {
		if len(nal) < 2 || first > 1<<20 || bytes.HasSuffix(nal, []byte{0}) {
			return
		}
		for c := range byte(3) { // a NAL unit cut from a byte stream has none of these
			if bytes.Contains(nal, []byte{0, 0, c}) {
				return
			}
		}
		s, p := testSets(t, cabac)
		in := &stripe{sps: s, pps: p, nal: nal}
		if in.parseSlice() != nil {
			return
		}
		checkRewrite(t, in, change{firstMB: first, idrPicID: 5, deblocking: 2})
	})
}

// checkRewrite rewrites a slice and reads it back: the changes are made, all
// else and the coded data are as before.
func checkRewrite(t *testing.T, in *stripe, c change) {
	t.Helper()
	h := in.slice
	if in.pps.cabac && h.end > 8*len(unescape(nil, in.nal[1:])) {
		return
	}
	if !in.pps.cabac && stopBit(unescape(nil, in.nal[1:])) < h.end {
		return // the header reaches into the trailing bits
	}
	if h.deblocking == 1 { // the filter's offsets are not there
		c.deblocking = 1
	}
	var w rewriter
	out := w.slice(nil, in.nal, in.head, &h, c, in.pps.cabac)
	s := *in.sps
	s.rows = maxSideMBs // room for any first macroblock
	s.widthMBs = maxSideMBs
	got := &stripe{sps: &s, pps: in.pps, nal: out}
	if err := got.parseSlice(); err != nil {
		t.Fatalf("rewritten %x: %v", out, err)
	}
	g := got.slice
	if g.firstMB != c.firstMB || g.deblocking != c.deblocking || g.idr() && g.idrPicID != c.idrPicID {
		t.Errorf("first macroblock %d, deblocking %d, idr_pic_id %d, want %+v", g.firstMB, g.deblocking, g.idrPicID, c)
	}
	g.idrPicID = h.idrPicID
	if what, a, b := g.differs(&h); what != "" || g.kind != h.kind {
		t.Errorf("%s %s, was %s; slice_type %d, was %d", what, a, b, g.kind, h.kind)
	}
	before, after := unescape(nil, in.nal[1:]), unescape(nil, out[1:])
	if in.pps.cabac {
		if a, b := after[(g.end+7)/8:], before[(h.end+7)/8:]; !bytes.Equal(a, b) {
			t.Errorf("coded data %x, was %x", a, b)
		}
	} else if !equalBits(after, g.end, stopBit(after), before, h.end, stopBit(before)) {
		t.Errorf("coded data of %x, was %x", after, before)
	}
	if bytes.Contains(out, startCode) {
		t.Errorf("start code in %x", out)
	}
}
