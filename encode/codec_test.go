package encode

import (
	"errors"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

// TestAvailable: x264 works wherever the product does; NVENC works or says why
// not, and then is not chosen.
func TestAvailable(t *testing.T) {
	if err := X264.Available(); err != nil {
		t.Errorf("x264: %v", err)
	}
	err := NVENC.Available()
	t.Logf("nvenc: %v", err)
	if err != nil && (!strings.Contains(err.Error(), "h264_nvenc") || BestCodec() != X264) {
		t.Errorf("error %q does not name the encoder, or the best codec is %v", err, BestCodec())
	}
	if err == nil && BestCodec() != NVENC {
		t.Errorf("the best codec is %v", BestCodec())
	}
	if err := Codec("av1").Available(); err == nil {
		t.Error("a codec nobody knows is available")
	}
}

// TestTryLooksAtTheStream: a stream with an IDR picture missing, or a picture, is
// no cell, whoever made it.
func TestTryLooksAtTheStream(t *testing.T) {
	nal := func(kind byte) []byte { return []byte{0, 0, 0, 1, kind, 0x80} }
	stream := func(kinds ...byte) (out []byte) {
		for _, k := range append([]byte{7, 8}, kinds...) {
			out = append(out, nal(k)...)
		}
		return out
	}
	good := stream(5, 1, 1, 1, 5, 1, 1, 1)
	if err := checkTry(good, 8); err != nil {
		t.Errorf("a good stream: %v", err)
	}
	for name, c := range map[string]struct {
		stream []byte
		frames int
	}{
		"no second IDR picture": {stream(5, 1, 1, 1, 1, 1, 1, 1), 8},
		"IDR at the wrong time": {stream(5, 1, 1, 5, 1, 1, 1, 1), 8},
		"one too many":          {stream(5, 1, 1, 1, 5, 1, 5, 1), 8},
		"a picture missing":     {stream(5, 1, 1, 1, 5, 1, 1), 7},
		"two slices a picture":  {stream(5, 5, 1, 1, 1, 1, 1, 1, 5), 8},
	} {
		if checkTry(c.stream, c.frames) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCodecNames(t *testing.T) {
	for _, c := range []Codec{X264, NVENC} {
		if got, err := ParseCodec(c.String()); err != nil || got != c {
			t.Errorf("%q is read as %q, %v", c.String(), got, err)
		}
	}
	if _, err := ParseCodec("hevc"); err == nil {
		t.Error("an unknown encoder was accepted")
	}
	_, err := NewCell(nil, CellOptions{Codec: NVENC, StripeMV: true, Width: 64, Height: 64, Rate: media.FrameRate{Num: 25, Den: 1}, CRF: 20, GOP: 5})
	if err == nil || !strings.Contains(err.Error(), "codec nvenc: cannot keep motion inside a stripe") {
		t.Errorf("stripes by NVENC: %v", err)
	}
}

// What does not work is tried again, what has worked is not.
func TestTrial(t *testing.T) {
	tries := 0
	one := trial{try: func() error {
		if tries++; tries == 1 {
			return errors.New("no driver")
		}
		return nil
	}}
	if err := one.available(); err == nil {
		t.Error("available without a driver")
	}
	for range 2 {
		if err := one.available(); err != nil || tries != 2 {
			t.Errorf("with a driver: %v after %d tries, want 2", err, tries)
		}
	}
}
