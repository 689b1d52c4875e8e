package stitch

import (
	"bytes"
	"testing"
)

// AudioSpecificConfigs, and what they say; perFrame 0: refused.
var aacCases = []struct {
	name   string
	config []byte
	want   aacConfig
}{
	{"48 kHz stereo", []byte{0x11, 0x90}, aacConfig{48000, 2, 1024}},
	{"44.1 kHz mono", []byte{0x12, 0x08}, aacConfig{44100, 1, 1024}},
	{"960 sample frames", []byte{0x11, 0x94}, aacConfig{48000, 2, 960}},
	{"explicit rate 48000", []byte{0x17, 0x80, 0x5d, 0xc0, 0x10}, aacConfig{48000, 2, 1024}},
	{"5.1", []byte{0x11, 0xb0}, aacConfig{48000, 6, 1024}},
	{"7.1", []byte{0x11, 0xb8}, aacConfig{48000, 8, 1024}},
	{"ffmpeg's, with a sync extension", []byte{0x11, 0x90, 0x56, 0xe5, 0x00}, aacConfig{48000, 2, 1024}},
	{"HE-AAC", []byte{0x2b, 0x11, 0x88, 0x00}, aacConfig{}},
	{"reserved rate", []byte{0x16, 0x90}, aacConfig{}},
	{"channels in the stream", []byte{0x11, 0x80}, aacConfig{}},
	{"cut short", []byte{0x11}, aacConfig{}},
	{"empty", nil, aacConfig{}},
}

func TestParseAACConfig(t *testing.T) {
	for _, c := range aacCases {
		got, err := parseAACConfig(c.config)
		if (err == nil) != (c.want.perFrame != 0) || err == nil && got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

// The descriptor that is written is read back.
func TestESDS(t *testing.T) {
	for _, size := range []int{1, 2, 5, 127, 128, 300} {
		config := bytes.Repeat([]byte{0x11}, size)
		tr := audioTrack{config: config}
		x := boxes{}
		tr.esds(&x)
		b, err := child(x.b, "esds")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseESDS(b); err != nil || !bytes.Equal(got, config) {
			t.Errorf("config of %d bytes came back as %x, %v", size, got, err)
		}
		for cut := range b {
			if got, err := parseESDS(b[:cut]); err == nil && bytes.Equal(got, config) && cut < len(b)-3 { // SLConfig comes last
				t.Errorf("%d of %d bytes were taken", cut, len(b))
			}
		}
	}
}

func FuzzAAC(f *testing.F) {
	for _, c := range aacCases {
		f.Add(c.config)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseAACConfig(b); err == nil && (c.rate <= 0 || c.channels < 1 || c.channels > 8) {
			t.Errorf("%+v", c)
		}
		parseESDS(b)
	})
}
