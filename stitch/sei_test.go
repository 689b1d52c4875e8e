package stitch

import (
	"slices"
	"testing"
)

// seiNAL makes a SEI NAL unit of messages of the given type.
func seiNAL(kind int, payloads ...[]byte) []byte {
	var b []byte
	for _, p := range payloads {
		b = append(b, byte(kind))
		n := len(p)
		for ; n >= 255; n -= 255 {
			b = append(b, 255)
		}
		b = append(append(b, byte(n)), p...)
	}
	return escape([]byte{6}, append(b, 0x80))
}

func x264SEI(text string) []byte { return append(slices.Clone(x264UUID), text+"\x00"...) }

var seiCases = []struct {
	name string
	nal  []byte
	want bool
}{
	{"patched", seiNAL(5, x264SEI("x264 - core 164 - options: cabac=1 analyse=0x3:0x8113 me=hex")), true},
	{"patched, ultrafast", seiNAL(5, x264SEI("options: analyse=0:0x8000 me=dia")), true},
	{"stock", seiNAL(5, x264SEI("options: analyse=0x3:0x113 me=hex")), false},
	{"stock, ultrafast", seiNAL(5, x264SEI("options: analyse=0:0 me=dia")), false},
	{"flag in the first number", seiNAL(5, x264SEI("options: analyse=0x8003:0x113")), false},
	{"no numbers", seiNAL(5, x264SEI("options:")), false},
	{"behind another message", seiNAL(5, make([]byte, 300), x264SEI("analyse=0x3:0x8113")), true},
	{"another encoder", seiNAL(5, append(make([]byte, 16), "analyse=0x3:0x8113"...)), false},
	{"another type", seiNAL(4, x264SEI("analyse=0x3:0x8113")), false},
	{"size past the end", []byte{6, 5, 200, 1, 2, 3}, false},
	{"endless size", []byte{6, 5, 255, 255, 255}, false},
	{"empty", []byte{6}, false},
	{"nothing", nil, false},
	{"not a SEI", seiNAL(5, x264SEI("analyse=0x3:0x8113"))[1:], false},
}

func TestStripeMV(t *testing.T) {
	for _, c := range seiCases {
		if got := StripeMV(c.nal); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if !StripeMV(firstUnit(t, load(t, "cabac-p.r0.s0.h264"), nalSEI)) {
		t.Error("not seen in a stripe of the patched encoder")
	}
	if StripeMV(firstUnit(t, load(t, "stock.h264"), nalSEI)) {
		t.Error("seen in a stripe made without stripe-mv")
	}
}

func FuzzSEI(f *testing.F) {
	for _, c := range seiCases {
		f.Add(c.nal)
	}
	f.Fuzz(func(t *testing.T, nal []byte) {
		if StripeMV(nal) && nal[0]&31 != nalSEI {
			t.Errorf("flag in a NAL unit of type %d", nal[0]&31)
		}
	})
}
