package stitch

import (
	"bytes"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

func TestParseSPS(t *testing.T) {
	for _, c := range cases {
		s, err := parseSPS(firstUnit(t, load(t, c.name+".r0.s2.h264"), nalSPS))
		if err != nil {
			t.Fatal(c.name, err)
		}
		if s.width() != 176 || s.height() != 40 || s.rows != 3 || s.crop.bottom != 4 {
			t.Errorf("%s: %d x %d, %d rows of macroblocks, %d cropped", c.name, s.width(), s.height(), s.rows, s.crop.bottom)
		}
		if s.level != 40 || s.pocType != c.pocType || s.refFrames != c.refs {
			t.Errorf("%s: level %d, POC type %d, %d references, want 40, %d, %d", c.name, s.level, s.pocType, s.refFrames, c.pocType, c.refs)
		}
		v := s.vui
		if !v.colour || v.primaries != 1 || v.transfer != 1 || v.matrix != 1 || v.fullRange {
			t.Errorf("%s: colour %+v", c.name, v)
		}
		if v.rate != (media.FrameRate{Num: 30, Den: 1}) {
			t.Errorf("%s: rate %v", c.name, v.rate)
		}
		if !v.restrictions || (v.reorderFrames > 0) != c.bframes {
			t.Errorf("%s: restrictions %t, %d reordered", c.name, v.restrictions, v.reorderFrames)
		}
	}
}

// The joined parameter set is, byte for byte, the one that the encoder writes
// for the whole picture.
func TestJoinedSPSIsThatOfTheWholePicture(t *testing.T) {
	for _, c := range cases {
		s, err := parseSPS(firstUnit(t, load(t, c.name+".r0.s0.h264"), nalSPS))
		if err != nil {
			t.Fatal(c.name, err)
		}
		whole := load(t, c.name+".full.h264")
		if got, want := s.joined(8, 4, 40), firstUnit(t, whole, nalSPS); !bytes.Equal(got, want) {
			t.Errorf("%s: joined %x, whole picture %x", c.name, got, want)
		}
		if got, want := firstUnit(t, load(t, c.name+".r0.s0.h264"), nalPPS), firstUnit(t, whole, nalPPS); !bytes.Equal(got, want) {
			t.Errorf("%s: PPS %x, whole picture %x", c.name, got, want)
		}
	}
}

// spsBits writes a High profile SPS up to the cropping flag.
type spsBits struct {
	profile, chroma, log2FrameNum, pocType, width, height uint32
	progressive, scaling                                  bool
}

func (b spsBits) nal() []byte {
	w := bitWriter{}
	w.u(b.profile, 8)
	w.u(0, 8)
	w.u(40, 8)
	w.ue(0)
	if b.profile == 100 {
		w.ue(b.chroma)
		w.ue(0)
		w.ue(0)
		w.u(0, 1)
		w.u(bit(b.scaling), 1)
	}
	w.ue(b.log2FrameNum - 4)
	w.ue(b.pocType)
	if b.pocType == 0 {
		w.ue(2)
	}
	w.ue(1)
	w.u(0, 1)
	w.ue(b.width - 1)
	w.ue(b.height - 1)
	w.u(bit(b.progressive), 1)
	w.u(1, 1)
	w.u(0, 1) // cropping
	w.u(0, 1) // VUI
	w.u(1, 1) // stop bit
	return escape([]byte{0x67}, w.b)
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func TestParseSPSRefuses(t *testing.T) {
	good := spsBits{profile: 100, chroma: 1, log2FrameNum: 4, width: 11, height: 3, progressive: true}
	for _, c := range []struct {
		name   string
		change func(*spsBits)
		want   string // empty: taken
	}{
		{"good", func(*spsBits) {}, ""},
		{"main profile", func(b *spsBits) { b.profile = 77 }, ""},
		{"4:2:2", func(b *spsBits) { b.chroma = 2 }, "chroma_format_idc 2, want 1"},
		{"scaling matrices", func(b *spsBits) { b.scaling = true }, "scaling matrices"},
		{"interlaced", func(b *spsBits) { b.progressive = false }, "interlaced"},
		{"POC type 1", func(b *spsBits) { b.pocType = 1 }, "pic_order_cnt_type 1"},
		{"frame_num too long", func(b *spsBits) { b.log2FrameNum = 17 }, "frame_num of 17 bits"},
		{"too wide", func(b *spsBits) { b.width = 1056 }, "1056 x 3 macroblocks"},
		{"too high", func(b *spsBits) { b.height = 9000 }, "at most 1055"},
	} {
		b := good
		c.change(&b)
		_, err := parseSPS(b.nal())
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	nal := good.nal()
	for cut := 1; cut < len(nal); cut++ {
		if _, err := parseSPS(nal[:cut]); err == nil {
			t.Errorf("%d of %d bytes were taken", cut, len(nal))
		}
	}
}

func TestSPSDiffers(t *testing.T) {
	base := spsBits{profile: 100, chroma: 1, log2FrameNum: 4, width: 11, height: 3, progressive: true}
	parse := func(b spsBits) *sps {
		s, err := parseSPS(b.nal())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		change          func(*spsBits)
		what, got, want string
	}{
		{func(*spsBits) {}, "", "", ""},
		{func(b *spsBits) { b.height = 20 }, "", "", ""},
		{func(b *spsBits) { b.width = 12 }, "pic_width_in_mbs", "12", "11"},
		{func(b *spsBits) { b.profile = 77 }, "profile_idc", "77", "100"},
		{func(b *spsBits) { b.log2FrameNum = 5 }, "log2_max_frame_num", "5", "4"},
		{func(b *spsBits) { b.pocType = 2 }, "pic_order_cnt_type", "2", "0"},
	} {
		b := base
		c.change(&b)
		if what, got, want := parse(b).differs(parse(base)); what != c.what || got != c.got || want != c.want {
			t.Errorf("%q %s, want %s; expected %q %s, want %s", what, got, want, c.what, c.got, c.want)
		}
	}
}

func FuzzSPS(f *testing.F) {
	for _, c := range cases {
		f.Add(firstUnit(f, load(f, c.name+".r0.s2.h264"), nalSPS))
	}
	f.Add(spsBits{profile: 100, chroma: 1, log2FrameNum: 4, width: 11, height: 3, progressive: true}.nal())
	f.Fuzz(func(t *testing.T, nal []byte) {
		if len(nal) == 0 {
			return
		}
		s, err := parseSPS(nal)
		if err != nil {
			return
		}
		joined, err := parseSPS(s.joined(s.rows+1, s.crop.bottom, s.level))
		if err != nil {
			if s.rows == maxSideMBs {
				return
			}
			t.Fatalf("joined: %v", err)
		}
		if joined.rows != s.rows+1 || joined.width() != s.width() {
			t.Errorf("%d x %d rows became %d x %d", s.width(), s.rows, joined.width(), joined.rows)
		}
		if what, got, want := joined.differs(s); what != "" {
			t.Errorf("%s %s, want %s", what, got, want)
		}
	})
}
