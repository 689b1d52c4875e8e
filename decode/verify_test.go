package decode

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// others are decoders by other people than those libav prefers. What they are held
// to is what NVDEC is held to. For H.264 and HEVC there is none but libav's own.
var others = map[string]string{"vp8": "libvpx", "vp9": "libvpx-vp9", "av1": "libaom-av1", "h264": "h264", "hevc": "hevc"}

func clip(t *testing.T, codec string) []byte {
	t.Helper()
	b, err := clips.ReadFile("clips/" + codec + ".mkv")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// remux writes the clip's packets that edit returns true for, as it has changed them.
func remux(t *testing.T, data []byte, edit func(n int, p *av.Packet) bool) []byte {
	t.Helper()
	return join(t, edit, data)
}

// TestClips: they hold what verify's comment says of them.
func TestClips(t *testing.T) {
	for _, codec := range Codecs {
		v, err := OpenVideo(t.Context(), bytes.NewReader(clip(t, codec)), VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for f, err := v.Read(); err == nil; f, err = v.Read() {
			if shown++; f.Width() != 320 || f.Height() != 256 || f.Depth != 8 || f.SubX != 1 || f.SubY != 1 {
				t.Errorf("%s: picture of %dx%d, depth %d", codec, f.Width(), f.Height(), f.Depth)
			}
		}
		if v.Close(); shown != 36 || v.st.Codec != codec {
			t.Errorf("%s: %d pictures of %s", codec, shown, v.st.Codec)
		}
		all := clipPackets(t, clip(t, codec))
		disorder, keys := 0, 0
		var second media.PTS
		for i, p := range all {
			if p.key {
				if keys++; keys == 2 {
					second = p.pts
				}
			}
			if i > 0 && p.pts < all[i-1].pts {
				disorder++
			}
		}
		hidden := len(all) - shown
		if keys < 3 || time.Duration(second)*time.Millisecond > clipMiddle {
			t.Errorf("%s: %d keyframes, the second at %d ms", codec, keys, second)
		}
		if codec == "vp8" && hidden == 0 || (codec == "h264" || codec == "hevc") && disorder == 0 {
			t.Errorf("%s: %d pictures that are not shown, %d out of order", codec, hidden, disorder)
		}
	}
}

// TestVerifyAccepts: decoders by other people give the same pictures.
func TestVerifyAccepts(t *testing.T) {
	for _, codec := range Codecs {
		if err := verify(&candidate{library: others[codec]}, codec); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
	}
}

// TestVerifyRefuses: what is wrong with a candidate is found and said.
func TestVerifyRefuses(t *testing.T) {
	option := func(key, value string) []av.Option { return []av.Option{{Key: key, Value: value}} }
	skip := func(which func(n int) bool) func(int, *av.Packet) bool {
		return func(n int, _ *av.Packet) bool { return !which(n) }
	}
	for name, c := range map[string]struct {
		codec, library string
		options        []av.Option
		edit           func(int, *av.Packet) bool // of the packets that it gets
		want           string
	}{
		"no loop filter in VP8":   {"vp8", "vp8", option("skip_loop_filter", "all"), nil, "first picture: plane 0, row"},
		"no loop filter in HEVC":  {"hevc", "hevc", option("skip_loop_filter", "all"), nil, "first picture: plane 0, row"},
		"no filter but at keys":   {"h264", "h264", option("skip_loop_filter", "nokey"), nil, "picture 1: plane 0, row"},
		"pictures left out":       {"h264", "h264", option("skip_frame", "noref"), nil, "picture 1: is {Time:"},
		"the last packet missing": {"vp8", "libvpx", nil, skip(func(n int) bool { return n == 36 }), "picture 35: EOF, in software <nil>"},
		"one packet missing":      {"vp9", "libvpx-vp9", nil, skip(func(n int) bool { return n == 20 }), "invalid data"},
		"late by a millisecond":   {"vp9", "libvpx-vp9", nil, func(n int, p *av.Packet) bool { shift(p, n == 30); return true }, "picture 30: is {Time:1.201s"},
		"of another codec":        {"vp8", "libvpx-vp9", nil, nil, "decode vp8 with libvpx-vp9"},
		"no such decoder":         {"vp8", "vp8_none", nil, nil, `no decoder "vp8_none"`},
	} {
		t.Run(name, func(t *testing.T) {
			data := clip(t, c.codec)
			other := data
			if c.edit != nil {
				other = remux(t, data, c.edit)
			}
			err := verifyWith(&candidate{library: c.library, options: c.options}, data, other)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.library+": clip from 0s: ") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	data := clip(t, "vp8")
	if err := verifyWith(&candidate{library: "libvpx"}, data, remux(t, data, func(int, *av.Packet) bool { return true })); err != nil {
		t.Errorf("a clip that was only written again: %v", err)
	}
}

func shift(p *av.Packet, really bool) {
	if really {
		p.SetTimes(p.PTS()+1, p.DTS()+1, p.Duration())
	}
}

// TestSameFrame: each sample counts, up to the last; what lies between rows does not.
func TestSameFrame(t *testing.T) {
	for _, size := range [][2]int{{16, 8}, {17, 9}} {
		picture := func() *media.Frame {
			f := media.NewFrame(size[0], size[1])
			for i := range f.Planes {
				p := &f.Planes[i]
				wide := p.Stride + 16
				data := make([]byte, wide*p.Height)
				for y := range p.Height {
					for x := range p.Width {
						data[y*wide+x] = byte(x + 3*y + i)
					}
				}
				p.Data, p.Stride = data, wide
			}
			return f
		}
		if err := sameFrame(picture(), picture()); err != nil {
			t.Error(err)
		}
		between := picture()
		between.Planes[1].Data[between.Planes[1].Stride-1]++
		if err := sameFrame(picture(), between); err != nil {
			t.Errorf("between the rows: %v", err)
		}
		for i := range 3 {
			f := picture()
			p := f.Planes[i]
			p.Data[(p.Height-1)*p.Stride+p.Width-1]++
			if sameFrame(picture(), f) == nil {
				t.Errorf("last sample of plane %d: not seen", i)
			}
		}
		f := picture()
		f.Color.Range = media.Full
		if sameFrame(picture(), f) == nil {
			t.Error("the range: not seen")
		}
	}
}

type clipPacket struct {
	pts media.PTS
	key bool
}

func clipPackets(t *testing.T, data []byte) (all []clipPacket) {
	t.Helper()
	join(t, func(_ int, p *av.Packet) bool {
		all = append(all, clipPacket{p.PTS(), p.Key()})
		return true
	}, data)
	return all
}
