package stitch

import (
	"bytes"
	"testing"
)

// Raw payloads and their escaped forms (ITU-T H.264, 7.4.1.1).
var escapeCases = []struct{ raw, escaped []byte }{
	{nil, nil},
	{[]byte{1, 2, 3}, []byte{1, 2, 3}},
	{[]byte{0, 0, 0, 0x80}, []byte{0, 0, 3, 0, 0x80}},
	{[]byte{0, 0, 1}, []byte{0, 0, 3, 1}},
	{[]byte{0, 0, 2, 0x80}, []byte{0, 0, 3, 2, 0x80}},
	{[]byte{0, 0, 3}, []byte{0, 0, 3, 3}},
	{[]byte{0, 0, 4}, []byte{0, 0, 4}},
	{[]byte{0, 4, 0, 0, 4, 0, 0, 1}, []byte{0, 4, 0, 0, 4, 0, 0, 3, 1}},
	{[]byte{0, 0, 0, 0, 0, 1}, []byte{0, 0, 3, 0, 0, 3, 0, 1}},
	{[]byte{0, 0, 0, 0, 1}, []byte{0, 0, 3, 0, 0, 3, 1}},
	{[]byte{0x80, 0, 0}, []byte{0x80, 0, 0, 3}}, // a cabac_zero_word
	{[]byte{0x80, 0, 0, 0, 0}, []byte{0x80, 0, 0, 3, 0, 0, 3}},
}

func TestEscape(t *testing.T) {
	for _, c := range escapeCases {
		if got := escape(nil, c.raw); !bytes.Equal(got, c.escaped) {
			t.Errorf("escape(%x) = %x, want %x", c.raw, got, c.escaped)
		}
		if got := unescape(nil, c.escaped); !bytes.Equal(got, c.raw) {
			t.Errorf("unescape(%x) = %x, want %x", c.escaped, got, c.raw)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, c := range escapeCases {
		f.Add(c.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = append(raw, 0x80) // a payload ends in its stop bit
		e := escape([]byte{0x65}, raw)
		if bytes.Contains(e, []byte{0, 0, 0}) || bytes.Contains(e, []byte{0, 0, 1}) || bytes.Contains(e, []byte{0, 0, 2}) {
			t.Errorf("start code in %x", e)
		}
		if got := unescape(nil, e[1:]); !bytes.Equal(got, raw) {
			t.Errorf("%x came back as %x", raw, got)
		}
		// byte by byte it is the same
		out := escaper{b: []byte{0x65}}
		for _, c := range raw {
			out.put(c)
		}
		if !bytes.Equal(out.b, e) {
			t.Errorf("byte by byte %x, at once %x", out.b, e)
		}
		var in unescaper
		var back []byte
		for _, c := range e[1:] {
			if !in.prevention(c) {
				back = append(back, c)
			}
		}
		if !bytes.Equal(back, raw) {
			t.Errorf("%x came back as %x byte by byte", raw, back)
		}
	})
}
