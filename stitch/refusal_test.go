package stitch

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

// without leaves out the nth NAL unit of a type.
func without(t testing.TB, stream []byte, kind, nth int) []byte {
	var out []byte
	for _, n := range unitsOf(t, stream) {
		if nalType(n) == kind {
			if nth--; nth < 0 {
				nth = 1 << 30
				continue
			}
		}
		out = startCodes(out, n)
	}
	return out
}

// changed puts the result of f for every NAL unit of a type.
func changed(t testing.TB, stream []byte, kind int, f func(nal []byte) []byte) []byte {
	var out []byte
	for _, n := range unitsOf(t, stream) {
		if nalType(n) == kind {
			n = f(n)
		}
		out = startCodes(out, n)
	}
	return out
}

// changedSPS flips bits of the raw parameter set at a bit position that f finds.
func changedSPS(t testing.TB, stream []byte, at func(*sps) int) []byte {
	return changed(t, stream, nalSPS, func(n []byte) []byte {
		s, err := parseSPS(n)
		if err != nil {
			t.Fatal(err)
		}
		i := at(s)
		s.rbsp[i>>3] ^= 0x80 >> (i & 7)
		return escape([]byte{n[0]}, s.rbsp)
	})
}

func TestRefusals(t *testing.T) {
	top, middle, bottom := load(t, "cabac-p.r0.s0.h264"), load(t, "cabac-p.r0.s1.h264"), load(t, "cabac-p.r0.s2.h264")
	ptop := load(t, "cabac-b.r0.s0.h264")
	pmid := load(t, "cabac-b.r0.s1.h264")
	for _, c := range []struct {
		name    string
		stripes [][]byte
		frames  int
		want    RefusalError // zero: taken
	}{
		{"taken", [][]byte{top, middle, bottom}, 9, RefusalError{}},
		{"another encode", [][]byte{top, elementaryOf(t, "clip.mp4")}, 0, RefusalError{Stripe: 1, What: "pic_order_cnt_type", Got: "0", Want: "2"}},
		{"other options", [][]byte{top, load(t, "cavlc-p.r0.s1.h264")}, 0, RefusalError{Stripe: 1, What: "profile_idc"}},
		{"stock encoder", [][]byte{top, load(t, "stock.h264")}, 0, RefusalError{Stripe: 1, What: "encoder", Got: "x264 analyse=0x3:0x113"}},
		{"no SEI", [][]byte{without(t, top, nalSEI, 0), middle}, 0, RefusalError{What: "encoder", Got: "unknown (no SEI)"}},
		{"cropped stripe above another", [][]byte{bottom, top}, 0, RefusalError{What: "frame_crop_bottom_offset", Got: "4"}},
		{"several slices", [][]byte{top, load(t, "slices.h264")}, 0, RefusalError{Stripe: 1, What: "disable_deblocking_filter_idc 0 in a picture of several slices"}},
		{"VUI", [][]byte{top, changedSPS(t, middle, func(s *sps) int { return s.cropTo + 5 })}, 0, RefusalError{Stripe: 1, What: "VUI"}},
		{"constraint flags", [][]byte{top, changedSPS(t, middle, func(*sps) int { return 9 })}, 0, RefusalError{Stripe: 1, What: "constraint_set flags"}},
		{"PPS", [][]byte{top, changed(t, middle, nalPPS, func(n []byte) []byte { return ppsBits{cabac: true, control: true, refs: 2}.nal() })}, 0, RefusalError{Stripe: 1, What: "PPS"}},
		{"a picture missing in a lower stripe", [][]byte{ptop, without(t, pmid, nalSlice, 2)}, 0, RefusalError{Stripe: 1, Picture: 3, What: "pic_order_cnt_lsb", Got: "6", Want: "2"}},
		{"last picture missing in a lower stripe", [][]byte{top, without(t, middle, nalSlice, 6)}, 9, RefusalError{Stripe: 1, Picture: 8, What: "pictures", Got: "8", Want: "9"}},
		{"last picture missing above", [][]byte{without(t, top, nalSlice, 6), middle}, 9, RefusalError{Picture: 8, What: "pictures", Got: "8", Want: "9"}},
		{"too few pictures", [][]byte{top}, 10, RefusalError{Picture: 9, What: "pictures", Got: "9", Want: "10"}},
		{"too many pictures", [][]byte{top}, 8, RefusalError{Picture: 8, What: "pictures", Got: "more than 8", Want: "8"}},
		{"no pictures", [][]byte{nil}, 0, RefusalError{What: "pictures", Got: "0", Want: "1"}},
		{"no IDR first", [][]byte{without(t, top, nalIDRSlice, 0)}, 0, RefusalError{What: "NAL unit type", Got: "1"}},
		{"no parameter sets", [][]byte{without(t, top, nalPPS, 0)}, 0, RefusalError{What: "slice before the parameter sets"}},
		{"data partitioning", [][]byte{changed(t, top, nalSlice, func(n []byte) []byte { return append([]byte{n[0]&^31 | 2}, n[1:]...) })}, 0, RefusalError{Picture: 1, What: "NAL unit type 2"}},
		{"nal_ref_idc", [][]byte{top, changed(t, middle, nalSlice, func(n []byte) []byte { return append([]byte{n[0]&31 | 0x60}, n[1:]...) })}, 0, RefusalError{Stripe: 1, Picture: 1, What: "nal_ref_idc", Got: "3", Want: "2"}},
		{"SPS changes inside", [][]byte{append(append([]byte{}, top...), ptop...)}, 0, RefusalError{Picture: 9, What: "sps: changes inside the stripe"}},
		{"not H.264", [][]byte{[]byte("RIFF....WAVE")}, 0, RefusalError{What: "not an H.264 byte stream"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seg := Segment{Frames: c.frames}
			for _, b := range c.stripes {
				seg.Stripes = append(seg.Stripes, inMemory(b))
			}
			_, err := Join(context.Background(), io.Discard, []Segment{seg}, JoinOptions{})
			var got *RefusalError
			if c.want == (RefusalError{}) {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.As(err, &got) {
				t.Fatalf("error %v, want a refusal", err)
			}
			if got.Stripe != c.want.Stripe || got.Picture != c.want.Picture || !strings.HasPrefix(got.What, c.want.What) ||
				c.want.Got != "" && got.Got != c.want.Got || c.want.Want != "" && got.Want != c.want.Want {
				t.Errorf("%v, want %v", err, &c.want)
			}
			t.Log(err)
		})
	}
}

// What the second segment may not do, the first one having set the format.
func TestRefusalsBetweenSegments(t *testing.T) {
	first := segments(t, "cabac-b")[0]
	for _, c := range []struct {
		name string
		next Segment
		what string
	}{
		{"another height", Segment{Stripes: first.Stripes[:2]}, "SPS of the whole picture"},
		{"other options", segments(t, "cavlc-b")[1], ""},
	} {
		_, err := Join(context.Background(), io.Discard, []Segment{first, c.next}, JoinOptions{})
		var got *RefusalError
		if !errors.As(err, &got) || got.Segment != 1 || !strings.HasPrefix(got.What, c.what) {
			t.Errorf("%s: error %v, want a refusal of segment 1", c.name, err)
		}
	}
}

func TestRefusalOfRate(t *testing.T) {
	_, err := WriteMP4(context.Background(), &memFile{}, Movie{Rate: media.FrameRate{Num: 25, Den: 1}, Segments: segments(t, "cabac-p")})
	var got *RefusalError
	if !errors.As(err, &got) || got.Got != "30" || got.Want != "25" {
		t.Errorf("error %v, want a refusal of 30 pictures a second, want 25", err)
	}
}

func TestJoinAnyMotion(t *testing.T) {
	stock := inMemory(load(t, "stock.h264"))
	segs := []Segment{{Stripes: []Opener{stock, stock}}}
	if _, err := Join(context.Background(), io.Discard, segs, JoinOptions{AnyMotion: true}); err != nil {
		t.Error(err)
	}
	// one stripe needs no promise
	if _, err := Join(context.Background(), io.Discard, []Segment{{Stripes: []Opener{stock}}}, JoinOptions{}); err != nil {
		t.Error(err)
	}
}
