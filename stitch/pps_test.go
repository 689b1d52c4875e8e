package stitch

import (
	"strings"
	"testing"
)

// ppsBits writes a picture parameter set.
type ppsBits struct {
	cabac, control bool
	groups         uint32 // less one
	refs           uint32 // less one
}

func (b ppsBits) nal() []byte {
	w := bitWriter{}
	w.ue(0)
	w.ue(0)
	w.u(bit(b.cabac), 1)
	w.u(0, 1)
	w.ue(b.groups)
	w.ue(b.refs)
	w.ue(0)
	w.u(0, 1) // weighted_pred_flag
	w.u(0, 2)
	w.ue(0)
	w.ue(0)
	w.ue(0)
	w.u(bit(b.control), 1)
	w.u(0, 1)
	w.u(0, 1)
	w.u(1, 1)
	return escape([]byte{0x68}, w.b)
}

func TestParsePPS(t *testing.T) {
	for _, c := range cases {
		p, err := parsePPS(firstUnit(t, load(t, c.name+".r0.s0.h264"), nalPPS))
		if err != nil {
			t.Fatal(c.name, err)
		}
		if p.cabac != c.cabac {
			t.Errorf("%s: CABAC %t", c.name, p.cabac)
		}
	}
	for _, c := range []struct {
		name string
		in   ppsBits
		want string
	}{
		{"good", ppsBits{control: true}, ""},
		{"slice groups", ppsBits{control: true, groups: 1}, "2 slice groups"},
		{"no deblocking control", ppsBits{}, "deblocking_filter_control_present_flag 0"},
		{"references", ppsBits{control: true, refs: 32}, "33 and 1 references"},
	} {
		_, err := parsePPS(c.in.nal())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := parsePPS([]byte{0x68, 0xff}); err == nil {
		t.Error("a set cut short was taken")
	}
}

func FuzzPPS(f *testing.F) {
	for _, c := range cases {
		f.Add(firstUnit(f, load(f, c.name+".r0.s0.h264"), nalPPS))
	}
	f.Add(ppsBits{control: true}.nal())
	f.Fuzz(func(t *testing.T, nal []byte) {
		if len(nal) == 0 {
			return
		}
		if p, err := parsePPS(nal); err == nil && (p.refs[0] > maxRefs || p.refs[1] > maxRefs) {
			t.Errorf("%v references", p.refs)
		}
	})
}
