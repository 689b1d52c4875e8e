package encode_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

const ms = time.Millisecond

// convert copies the pictures of a recording and adds its sound.
func convert(t *testing.T, data []byte, rotation media.Rotation, pcm bool) []byte {
	t.Helper()
	var c *encode.Converted
	r, err := decode.OpenReader(t.Context(), bytes.NewReader(data), func(p *decode.CodedPicture) error {
		return c.WriteCoded(p, decode.CodedTimeBase)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out avtest.Buffer
	c, err = encode.NewConverted(&out, encode.ConvertedOptions{Picture: r.Picture(), Rotation: rotation, Channels: 1, PCM: pcm})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Discard()
	for {
		b, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := c.WriteSound(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Data
}

func TestConvertedKeepsTimes(t *testing.T) {
	at := []time.Duration{100 * ms, 133 * ms, 170 * ms, 300 * ms, 340 * ms, 500 * ms, 533 * ms, 2000 * ms, 2033 * ms, 2400 * ms}
	for codec, pcm := range map[string]bool{"libvpx": false, "libx264": true} {
		src := avtest.Movie{Video: codec, Times: at, Audio: "flac", Samples: 100001}.Bytes(t)
		out := convert(t, src, 270, pcm)
		if again := convert(t, src, 270, pcm); !bytes.Equal(out, again) {
			t.Errorf("%s: the same recording gave other bytes", codec)
		}
		f, err := decode.Probe(t.Context(), bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if f.Video == nil || f.Video.Frames != len(at) || f.Video.Start != at[0] || f.Video.Rotation != 270 || len(f.Warnings) > 0 {
			t.Fatalf("%s: facts %+v %q", codec, f.Video, f.Warnings)
		}
		if sound := map[bool]string{false: "flac", true: "pcm_s24le"}[pcm]; f.Audio.Codec != sound || f.Audio.Rate != 48000 || f.Audio.Start != 0 {
			t.Errorf("%s: sound %+v", codec, f.Audio)
		}
		v, err := decode.OpenVideo(t.Context(), bytes.NewReader(out), decode.VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range at {
			p, err := v.Read()
			if err != nil {
				t.Fatal(err)
			}
			if avtest.ReadNumber(p) != n || p.Time != want || p.Rotation != 270 {
				t.Errorf("%s: picture %d at %v turned %d, want %d at %v", codec, avtest.ReadNumber(p), p.Time, p.Rotation, n, want)
			}
		}
		v.Close()
	}
}

// A part can be entered at any sample, although the container counts
// milliseconds and is indexed by pictures.
func TestConvertedSoundIsEnteredExactly(t *testing.T) {
	ramp := func(i, ch int) float32 { return float32(i) / (1 << 23) }
	for n, video := range []string{"", "libvpx", "", "libvpx"} {
		m := avtest.Movie{Video: video, Times: avtest.Steady(90, 30), Audio: "flac", Samples: 3*48000 + 11, Sound: ramp}
		a, err := decode.OpenAudio(t.Context(), bytes.NewReader(convert(t, m.Bytes(t), 0, n >= 2)))
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{0, 1, 2399, 2400, 2401, 48000, 77777, 3*48000 + 10, 12} {
			if err := a.SeekTo(at); err != nil {
				t.Fatal(err)
			}
			b, err := a.Read()
			if err != nil {
				t.Fatal(err)
			}
			if b.Start != at || b.Channels[0][0] != ramp(int(at), 0) {
				t.Errorf("picture %q, sample %d: starts at %d with sample %g", video, at, b.Start, b.Channels[0][0]*(1<<23))
			}
		}
		a.Close()
	}
}

// What cannot be taken over is encoded in its own format or the nearest there is, at
// its own times, and in one size.
func TestConvertedEncodesAgain(t *testing.T) {
	for _, c := range []struct{ w, h, depth, x, y, toX, toY int }{
		{160, 96, 8, 1, 1, 1, 1},
		{161, 97, 8, 1, 1, 1, 1},
		{160, 96, 10, 1, 0, 1, 0},
		{160, 96, 12, 0, 0, 0, 0},
		{161, 96, 8, 2, 0, 1, 0},
		{160, 97, 8, 2, 2, 1, 1},
		{160, 96, 10, 0, 1, 0, 0},
	} {
		like := avtest.NewFrame(c.w, c.h, c.depth, c.x, c.y)
		like.Color = media.Color{Matrix: media.BT601, Range: media.Limited}
		like.SAR = media.Ratio{Num: 4, Den: 3}
		var out avtest.Buffer
		w, err := encode.NewConverted(&out, encode.ConvertedOptions{Like: like})
		if err != nil {
			t.Fatal(err)
		}
		at := []time.Duration{0, 33 * ms, 33 * ms, 500 * ms, 540 * ms} // one time twice
		for n, p := range at {
			f := like
			if n == 4 { // the size changes on the way
				f = avtest.NewFrame(c.w/2, c.h*2, c.depth, c.x, c.y)
			}
			avtest.Number(f, 0xf0)
			f.Time = p
			if err := w.WritePicture(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		v, err := decode.OpenVideo(t.Context(), bytes.NewReader(out.Data), decode.VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range []time.Duration{0, 33 * ms, 34 * ms, 500 * ms, 540 * ms} {
			f, err := v.Read()
			if err != nil {
				t.Fatal(err)
			}
			if f.Time != want || f.Width()-c.w > 1 || f.Height()-c.h > 1 || f.Depth != min(c.depth, 10) || f.SubX != c.toX || f.SubY != c.toY {
				t.Errorf("%+v: picture %d is %dx%d, %d bits at %v, want %v", c, n, f.Width(), f.Height(), f.Depth, f.Time, want)
			}
			if got := avtest.ReadNumber(f); n < 4 && got != 0xf0 || f.Color.Matrix != media.BT601 || f.SAR != like.SAR {
				t.Errorf("%+v: picture %d reads %#x, colour %+v, SAR %v", c, n, got, f.Color, f.SAR)
			}
		}
		v.Close()
	}
}

// Chroma stays over its luma, whatever its subsampling was, and a picture of another
// form is in the middle.
func TestConvertedKeepsPlaces(t *testing.T) {
	// split is grey on the left and white on the right, Cb likewise low and high.
	split := func(w, h, x, y int) *media.Frame {
		f := avtest.NewFrame(w, h, 8, x, y)
		for i, low := range []byte{60, 60, 128} {
			p := &f.Planes[i]
			for j := range p.Data {
				p.Data[j] = low
				if col := j % p.Stride; i < 2 && 2*col >= p.Width {
					p.Data[j] = 200
				}
			}
		}
		return f
	}
	for _, c := range [][2]int{{1, 1}, {2, 0}, {2, 2}, {0, 1}, {0, 0}} {
		var out avtest.Buffer
		like := split(161, 97, c[0], c[1])
		w, err := encode.NewConverted(&out, encode.ConvertedOptions{Like: like})
		if err != nil {
			t.Fatal(err)
		}
		tall := split(80, 97, c[0], c[1])
		tall.Time = 500 * ms
		field := split(161, 48, c[0], c[1]) // rows twice as high
		field.Time, field.SAR = 900*ms, media.Ratio{Num: 1, Den: 2}
		for _, f := range []*media.Frame{like, tall, field} {
			if err := w.WritePicture(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		v, err := decode.OpenVideo(t.Context(), bytes.NewReader(out.Data), decode.VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range []map[int][2]int{
			{8: {60, 60}, 70: {60, 60}, 90: {200, 200}, 158: {200, 200}},
			{16: {16, 128}, 60: {60, 60}, 100: {200, 200}, 144: {16, 128}},
			{8: {60, 60}, 70: {60, 60}, 90: {200, 200}, 152: {200, 200}},
		} {
			f, err := v.Read()
			if err != nil {
				t.Fatal(err)
			}
			for x, want := range want {
				y, cb := f.Planes[0], f.Planes[1]
				got := [2]int{int(y.Data[48*y.Stride+x]), int(cb.Data[48>>f.SubY*cb.Stride+x>>f.SubX])}
				if top := int(y.Data[4*y.Stride+x]); top < got[0]-4 || top > got[0]+4 {
					t.Errorf("subsampling %v, picture %d, column %d: %d in row 4, %d in the middle", c, n, x, top, got[0])
				}
				for i := range got {
					if d := got[i] - want[i]; d < -4 || d > 4 {
						t.Errorf("subsampling %v, picture %d, column %d: %v, want %v", c, n, x, got, want)
						break
					}
				}
			}
		}
		v.Close()
	}
}
