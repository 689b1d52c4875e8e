package decode

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/internal/av"
)

// TestNVDEC: with a card every clip is decoded by it, and without one the reason is
// said; the pictures are the same.
func TestNVDEC(t *testing.T) {
	card := av.CUDA()
	t.Logf("card: %v", card)
	if card != nil && (!strings.HasPrefix(card.Error(), "no CUDA device: ") || !strings.Contains(strings.ToLower(card.Error()[16:]), "cuda")) {
		t.Errorf("%v, want what is missing", card)
	}
	none := true
	for _, codec := range Codecs {
		err := NVDEC.Available(codec)
		t.Logf("%s: %v", codec, err)
		library := ""
		if err == nil {
			none, library = false, codec+"_cuvid"
		} else if card != nil && err.Error() != card.Error() {
			t.Errorf("%s: %v, want %v", codec, err, card)
		}
		want, err := OpenVideo(t.Context(), bytes.NewReader(clip(t, codec)), VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenVideo(t.Context(), bytes.NewReader(clip(t, codec)), VideoOptions{Decoder: NVDEC})
		if err != nil {
			t.Fatal(err)
		}
		if err := sameVideo(want, got); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
		own, _ := want.Decoder()
		if name, _ := got.Decoder(); library != "" && name != library || library == "" && name != own {
			t.Errorf("%s: decoded with %s", codec, name)
		}
		want.Close()
		got.Close()
	}
	if _, err := ChooseDecoder("nvdec"); none != (err != nil) {
		t.Errorf("nvdec asked for: %v", err)
	} else if none && strings.Count(err.Error(), "no CUDA device") > 1 {
		t.Errorf("%v says so more than once", err)
	}
}

// TestDecoderNames: what a person may say, and what is said to people.
func TestDecoderNames(t *testing.T) {
	for name, want := range map[string]Decoder{"auto": NVDEC, "software": Software} {
		if d, err := ChooseDecoder(name); err != nil || d != want {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	if _, err := ChooseDecoder("vdpau"); err == nil || !strings.Contains(err.Error(), "auto, software or nvdec") {
		t.Errorf("vdpau: %v", err)
	}
	if err := NVDEC.Available("mjpeg"); err == nil {
		t.Error("a codec without a clip is available")
	}
	if Decoder("vdpau").Available("vp8") == nil {
		t.Error("a decoder nobody knows is available")
	}
	if s := Software.Says("vp8"); s != "software" {
		t.Errorf("software says %q", s)
	}
	if s := NVDEC.Says("mjpeg"); s != "software: nvdec not available: codec mjpeg" {
		t.Errorf("nvdec says of mjpeg %q", s)
	}
}

// TestNV12: pictures as cards give them are the planar ones, every sample, also where
// the last chroma sample is shared by one column or row. The raw streams are
// ffmpeg's, which interleaves the same picture.
func TestNV12(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not here")
	}
	for size, tone := range map[string]string{"320x256": "tv", "321x179": "pc"} {
		dir := t.TempDir()
		open := func(format string) *Video {
			name := filepath.Join(dir, format+".nut")
			out, err := exec.Command(ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size="+size+":rate=25",
				"-vf", "noise=alls=60:all_seed=3,format=yuv420p,format="+format, "-color_range", tone,
				"-frames:v", "3", "-c:v", "rawvideo", name).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			v, err := OpenVideo(t.Context(), bytes.NewReader(data), VideoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		planar, interleaved := open("yuv420p"), open("nv12")
		if !planar.st.Planar || interleaved.st.SubX != 1 || interleaved.st.Depth != 8 {
			t.Fatalf("%+v", interleaved.st)
		}
		if err := sameVideo(planar, interleaved); err != nil {
			t.Errorf("%s %s: %v", size, tone, err)
		}
		planar.Close()
		interleaved.Close()
	}
}
