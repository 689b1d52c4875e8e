package decode

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

func TestProbeRejects(t *testing.T) {
	mp4 := avtest.Movie{Container: "mp4", Video: "libx264", Times: avtest.Steady(10, 25)}.Bytes(t)
	webm := avtest.Movie{Container: "webm", Video: "libvpx", Times: avtest.Steady(10, 25)}.Bytes(t)
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"a header alone", "cut short in its first bytes", webm[:40]},
		{"empty", "empty file", nil},
		{"text", "not a media file", []byte(strings.Repeat("these are the words of the song\n", 30))},
		{"one byte", "not a media file", []byte{0}},
		{"moov-less", "cut short before its index", mp4[:bytes.Index(mp4, []byte("moov"))]},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Probe(t.Context(), bytes.NewReader(c.data))
			var r *RejectError
			if !errors.As(err, &r) || !strings.Contains(r.Reason, c.want) {
				t.Errorf("error %v, want a RejectError with %q", err, c.want)
			}
		})
	}
}

func TestProbeFacts(t *testing.T) {
	vfr := times(0, 33, 70, 200, 233, 400, 433, 466, 500, 700)
	cases := []struct {
		name  string
		movie avtest.Movie
		want  media.VideoFacts
	}{
		{
			"vp8 webm",
			avtest.Movie{Container: "webm", Video: "libvpx", Times: vfr},
			media.VideoFacts{Codec: "vp8", Width: 160, Height: 96, Depth: 8, Frames: 10},
		},
		{
			"vp9 live webm",
			avtest.Movie{
				Container: "webm", Options: []av.Option{{Key: "live", Value: "1"}}, Video: "libvpx-vp9",
				VideoOptions: []av.Option{{Key: "deadline", Value: "realtime"}, {Key: "lag-in-frames", Value: "0"}}, Times: vfr,
			},
			media.VideoFacts{Codec: "vp9", Width: 160, Height: 96, Depth: 8, Frames: 10},
		},
		{
			"tagged anamorphic h264, upside down",
			avtest.Movie{
				Video: "libx264", Times: vfr,
				Color: media.CanvasColor, SAR: media.Ratio{Num: 4, Den: 3}, Tags: []av.Option{{Key: "ROTATE", Value: "180"}},
			},
			media.VideoFacts{
				Codec: "h264", Width: 160, Height: 96, Depth: 8, Frames: 10,
				Color: media.CanvasColor, SAR: media.Ratio{Num: 4, Den: 3}, Rotation: 180,
			},
		},
		{
			"10 bit",
			avtest.Movie{Video: "libx264", Times: vfr, Depth: 10, SubX: 1, SubY: 0},
			media.VideoFacts{Codec: "h264", Width: 160, Height: 96, Depth: 10, Frames: 10},
		},
		{
			"mjpeg",
			avtest.Movie{Video: "mjpeg", Times: vfr, Color: media.Color{Range: media.Full}},
			media.VideoFacts{Codec: "mjpeg", Width: 160, Height: 96, Depth: 8, Frames: 10},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := Probe(t.Context(), c.movie.Reader(t))
			if err != nil {
				t.Fatal(err)
			}
			v := f.Video
			if v == nil {
				t.Fatal("no picture found")
			}
			got := media.VideoFacts{
				Codec: v.Codec, Width: v.Width, Height: v.Height, Depth: v.Depth,
				Frames: v.Frames, SAR: v.SAR, Rotation: v.Rotation,
			}
			want := c.want
			if want.Color != (media.Color{}) {
				got.Color = v.Color
			}
			if c.want.Codec == "mjpeg" && v.Color.Range != media.Full {
				t.Errorf("range %v, want full", v.Color.Range)
			}
			if got != want {
				t.Errorf("facts %+v, want %+v", got, want)
			}
			if v.Start != 0 || v.End < 700*ms || v.End > 800*ms {
				t.Errorf("picture from %v to %v, want 0 to between 700 and 800 ms", v.Start, v.End)
			}
			if v.FPS < 12 || v.FPS > 15 {
				t.Errorf("%.2f pictures a second, want 10 in about 0.73 s", v.FPS)
			}
		})
	}
}

func TestProbeSoundOnly(t *testing.T) {
	f, err := Probe(t.Context(), avtest.Movie{Audio: "aac", Rate: 44100, Channels: 2, Samples: 44100}.Reader(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Video != nil || f.Audio == nil || f.Audio.Codec != "aac" || f.Audio.Rate != 44100 || f.Audio.Channels != 2 {
		t.Errorf("facts %+v %+v, want AAC of two channels at 44.1 kHz alone", f.Video, f.Audio)
	}
	if f.Duration < 900*time.Millisecond || f.Duration > 1200*time.Millisecond {
		t.Errorf("duration %v, want about 1 s", f.Duration)
	}
}

func TestProbeCutShort(t *testing.T) {
	for _, container := range []string{"webm", "matroska"} {
		data := avtest.Movie{
			Container: container, Video: "libvpx", Times: avtest.Steady(90, 30),
			Audio: "libopus", Samples: 3 * 48000,
		}.Bytes(t)
		whole, err := Probe(t.Context(), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if len(whole.Warnings) != 0 {
			t.Errorf("%s: warnings %q about a whole file", container, whole.Warnings)
		}
		f, err := Probe(t.Context(), bytes.NewReader(data[:len(data)*6/10]))
		if err != nil {
			t.Fatal(err)
		}
		if f.Video.Frames >= 90 || f.Video.Frames < 20 {
			t.Errorf("%s: %d pictures of 90 are there", container, f.Video.Frames)
		}
		if len(f.Warnings) == 0 || !strings.Contains(f.Warnings[0], "cut short") {
			t.Errorf("%s: warnings %q, want that it was cut short", container, f.Warnings)
		}
	}
}

// Both streams of a recording that begins late, one after the other, keep their
// distance and lose the common wait.
func TestOriginIsTheEarliestStream(t *testing.T) {
	late := avtest.Steady(20, 25)
	for i := range late {
		late[i] += 5400 * ms
	}
	m := avtest.Movie{Video: "libvpx", Times: late, Audio: "flac", Samples: 48000, AudioStart: 5 * time.Second}
	f, err := Probe(t.Context(), m.Reader(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Audio.Start != 0 || f.Video.Start != 400*ms {
		t.Errorf("sound starts at %v, picture at %v, want 0 and 400 ms", f.Audio.Start, f.Video.Start)
	}
	if f.Duration > 1300*ms {
		t.Errorf("duration %v, want about 1.2 s without the wait", f.Duration)
	}
}

func TestInspectSaysWhyToEncodeAgain(t *testing.T) {
	in, err := Inspect(t.Context(), avtest.Movie{Video: "libvpx", Times: avtest.Steady(5, 25)}.Reader(t))
	if err != nil || in.Reencode != "" {
		t.Errorf("VP8: %q, %v, want that it can be taken over", in.Reencode, err)
	}
	in, err = Inspect(t.Context(), avtest.Movie{Container: "avi", Video: "mpeg4", Times: avtest.Steady(5, 25)}.Reader(t))
	if err != nil || !strings.Contains(in.Reencode, "mpeg4") {
		t.Errorf("MPEG-4: %q, %v, want its codec as the reason", in.Reencode, err)
	}
}

// A picture too large to be drawn costs the part its picture, not its sound.
func TestInspectHugePicture(t *testing.T) {
	m := avtest.Movie{Video: "ffvhuff", Width: media.MaxSide + 16, Height: 16, Times: avtest.Steady(2, 25), Audio: "flac", Samples: 48000}
	in, err := Inspect(t.Context(), m.Reader(t))
	if err != nil || in.Facts.Video != nil || in.Facts.Audio == nil {
		t.Fatalf("%+v, %v, want sound without a picture", in.Facts, err)
	}
	want := "picture: 16400x16 is more than 16384 a side, left out"
	if !slices.Contains(in.Facts.Warnings, want) {
		t.Errorf("warnings %q, want %q", in.Facts.Warnings, want)
	}
}

// Times that no recording can have are none: what carries them is damaged, and no
// arithmetic may overflow over it.
func TestProbeAbsurdTimes(t *testing.T) {
	const year = 365 * 24 * time.Hour
	m := avtest.Movie{Video: "libvpx", Times: []time.Duration{0, 40 * time.Millisecond, 150 * year, 150*year + 40*time.Millisecond}}
	f, err := Probe(t.Context(), m.Reader(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Duration > time.Second {
		t.Errorf("lasts %v, want what is timed", f.Duration)
	}
	// An AVI whose clock ticks once in 68 years, and once in a month.
	for _, tick := range []string{"\xff\xff\xff\x7f\x01\x00\x00\x00", "\x00\x8d\x27\x00\x01\x00\x00\x00"} {
		avi := avtest.Movie{Container: "avi", Video: "mpeg4", Times: avtest.Steady(5, 25)}.Bytes(t)
		at := bytes.Index(avi, []byte("strh")) + 8 + 20
		copy(avi[at:], tick)
		_, err := Probe(t.Context(), bytes.NewReader(avi))
		if r := (*RejectError)(nil); !errors.As(err, &r) {
			t.Errorf("a clock of %x: %v, want a RejectError", tick, err)
		}
	}
}

// A picture that would last longer than any part may is left out, as one damaged
// timestamp is enough for it; the sound stays.
func TestInspectEndlessPicture(t *testing.T) {
	m := avtest.Movie{Video: "libvpx", Times: []time.Duration{0, 40 * time.Millisecond, 50 * 365 * 24 * time.Hour}, Audio: "flac", Samples: 48000}
	in, err := Inspect(t.Context(), m.Reader(t))
	if err != nil || in.Facts.Video != nil || in.Facts.Audio == nil || in.Facts.Duration != time.Second {
		t.Fatalf("%+v, %v, want a second of sound alone", in.Facts, err)
	}
	if want := "picture: its timestamps go on to "; len(in.Facts.Warnings) != 1 || !strings.HasPrefix(in.Facts.Warnings[0], want) {
		t.Errorf("warnings %q, want one that begins with %q", in.Facts.Warnings, want)
	}
	m.Audio = ""
	var r *RejectError
	if _, err := Inspect(t.Context(), m.Reader(t)); !errors.As(err, &r) || !strings.Contains(r.Reason, "6 are allowed") {
		t.Errorf("%v, want a RejectError that says so", err)
	}
}

// A sound whose clock jumps is as long as its samples; one that begins years after the
// picture is left out, and nobody decodes the silence before it.
func TestInspectClocksOfSound(t *testing.T) {
	const year = 365 * 24 * time.Hour
	movie := avtest.Movie{Video: "libvpx", Times: avtest.Steady(25, 25), Audio: "flac", Samples: 96000}
	for _, jump := range []time.Duration{7 * time.Hour, 50 * year} {
		m := movie
		m.Jump = func(i int64) time.Duration {
			if i > 48000 {
				return jump
			}
			return 0
		}
		in, err := Inspect(t.Context(), m.Reader(t))
		if err != nil || in.Facts.Video == nil || in.Facts.Audio == nil {
			t.Errorf("a jump of %v: %+v %v, want picture and sound", jump, in.Facts, err)
			continue
		}
		if n := samples(t, m); n != 96000 {
			t.Errorf("a jump of %v: %d samples, want 96000", jump, n)
		}
	}
	late := movie
	late.AudioStart = 50 * year
	in, err := Inspect(t.Context(), late.Reader(t))
	if err != nil || in.Facts.Audio != nil || in.Facts.Duration > 2*time.Second {
		t.Errorf("a late start: %+v %v, want the picture alone", in.Facts, err)
	}
	if n := samples(t, late); n != 0 {
		t.Errorf("a late start: %d samples, want none", n)
	}
}

// samples counts what a reader of the recording decodes.
func samples(t *testing.T, m avtest.Movie) (n int) {
	t.Helper()
	r, err := OpenReader(t.Context(), m.Reader(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.Read()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n += b.Len()
	}
}

// The shape that pictures say they have is that of the facts, whatever the container
// says, and that of a field is that of its picture.
func TestInspectShape(t *testing.T) {
	for _, c := range []struct {
		w, h int
		f    media.Ratio
		fh   int
		want media.Ratio
	}{
		{720, 480, media.Ratio{Num: 8, Den: 9}, 480, media.Ratio{Num: 8, Den: 9}},
		{720, 480, media.Ratio{Num: 8, Den: 18}, 240, media.Ratio{Num: 8, Den: 9}},
		{720, 480, media.Ratio{}, 480, media.Ratio{}},
		{640, 480, media.Ratio{Num: 1, Den: 2}, 240, media.Ratio{}},
	} {
		f := media.Frame{SAR: c.f}
		f.Planes[0] = media.Plane{Width: c.w, Height: c.fh}
		if got := sarOf(f, c.w, c.h); got != c.want {
			t.Errorf("%+v: %v, want %v", c, got, c.want)
		}
	}
}

// Where container and pictures tell another shape of the samples, the facts have that of
// the pictures, by which they are drawn.
func TestInspectShapesThatDisagree(t *testing.T) {
	mp4 := avtest.Movie{Container: "mp4", Video: "libx264", Times: avtest.Steady(5, 25), SAR: media.Ratio{Num: 4, Den: 3}}.Bytes(t)
	at := bytes.Index(mp4, []byte("pasp"))
	if at < 0 {
		t.Fatal("no pixel aspect box")
	}
	copy(mp4[at+4:], "\x00\x00\x00\x0a\x00\x00\x00\x0b") // 10:11
	in, err := Inspect(t.Context(), bytes.NewReader(mp4))
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenVideo(t.Context(), bytes.NewReader(mp4), VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	f, err := v.Read()
	if err != nil {
		t.Fatal(err)
	}
	if want := (media.Ratio{Num: 4, Den: 3}); f.SAR != want || in.Facts.Video.SAR != want {
		t.Errorf("the picture says %v, the facts %v, want %v", f.SAR, in.Facts.Video.SAR, want)
	}
}
