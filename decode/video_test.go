package decode

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

var bFrames = []av.Option{{Key: "preset", Value: "veryfast"}, {Key: "bf", Value: "3"}, {Key: "g", Value: "12"}}

// kinds are the codecs and containers that recordings come in.
var kinds = []struct {
	name  string
	movie avtest.Movie
}{
	{"vp8 webm", avtest.Movie{Container: "webm", Video: "libvpx", VideoOptions: []av.Option{{Key: "g", Value: "10"}}}},
	{"vp9 webm", avtest.Movie{Container: "webm", Video: "libvpx-vp9", VideoOptions: []av.Option{{Key: "g", Value: "10"}, {Key: "deadline", Value: "realtime"}}}},
	{"live vp8 webm", avtest.Movie{Container: "webm", Options: []av.Option{{Key: "live", Value: "1"}}, Video: "libvpx"}},
	{"h264 mp4 with b pictures", avtest.Movie{Container: "mp4", Video: "libx264", VideoOptions: bFrames}},
	{"h264 fragmented mp4", avtest.Movie{Container: "mp4", Options: []av.Option{{Key: "movflags", Value: "frag_keyframe+empty_moov"}}, Video: "libx264", VideoOptions: bFrames}},
	{"h264 matroska, one keyframe", avtest.Movie{Video: "libx264", VideoOptions: []av.Option{{Key: "g", Value: "999"}}}},
	{"10 bit 4:2:2", avtest.Movie{Container: "mp4", Video: "libx264", Depth: 10, SubX: 1}},
	{"mjpeg", avtest.Movie{Video: "mjpeg", Color: media.Color{Range: media.Full}}},
	{"mpeg4 avi", avtest.Movie{Container: "avi", Video: "mpeg4"}},
}

func TestVideoTimes(t *testing.T) {
	vfr := times(0, 33, 70, 200, 240, 400, 433, 466, 500, 733, 760, 800, 900, 933, 966, 1000, 1200, 1240, 1270, 1300)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			m := k.movie
			m.Times = vfr
			if m.Container == "avi" {
				m.Times = avtest.Steady(20, 30) // it has no other times
			}
			for _, threads := range []int{1, 2} {
				v, err := OpenVideo(t.Context(), m.Reader(t), VideoOptions{Threads: threads})
				if err != nil {
					t.Fatal(err)
				}
				got := all(t, v)
				v.Close()
				if len(got) != len(m.Times) {
					t.Fatalf("%d threads: %d pictures, want %d", threads, len(got), len(m.Times))
				}
				for i, s := range got {
					if s.number != i || (s.at-m.Times[i]).Abs() > time.Millisecond {
						t.Errorf("%d threads: picture %d at %v, want %d at %v", threads, s.number, s.at, i, m.Times[i])
					}
				}
			}
		})
	}
}

// From any place on, the first picture is at or before it, and no picture
// between is missing.
func TestVideoFrom(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			m := k.movie
			m.Times = avtest.Steady(40, 30)
			data := m.Bytes(t)
			for _, from := range times(0, 1, 400, 700, 1299, 1300, 5000) {
				v, err := OpenVideo(t.Context(), bytes.NewReader(data), VideoOptions{From: from})
				if err != nil {
					t.Fatal(err)
				}
				got := all(t, v)
				v.Close()
				if len(got) == 0 || got[0].at > from {
					t.Fatalf("from %v: first picture %+v", from, got[:min(1, len(got))])
				}
				for i, s := range got {
					if s.number != got[0].number+i {
						t.Fatalf("from %v: picture %d follows %d", from, s.number, got[0].number+i-1)
					}
				}
				if last := got[len(got)-1].number; last != 39 {
					t.Errorf("from %v: ends at picture %d", from, last)
				}
			}
		})
	}
}

func TestVideoFormats(t *testing.T) {
	for _, c := range []struct {
		name             string
		movie            avtest.Movie
		depth, subX, sub int
		rng              media.Range
		siting           media.Siting
	}{
		{"4:2:0", avtest.Movie{Video: "libvpx"}, 8, 1, 1, media.Limited, media.SitingUnknown},
		{"4:4:4", avtest.Movie{Video: "libx264", Depth: 8, SubX: 0, SubY: 0}, 8, 0, 0, media.RangeUnknown, media.SitingLeft},
		{"10 bit", avtest.Movie{Video: "libx264", Depth: 10, SubX: 1, SubY: 1}, 10, 1, 1, media.RangeUnknown, media.SitingLeft},
		{"full range", avtest.Movie{Video: "mjpeg", Color: media.Color{Range: media.Full}}, 8, 1, 1, media.Full, media.SitingCenter},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.movie.Times = avtest.Steady(3, 30)
			v, err := OpenVideo(t.Context(), c.movie.Reader(t), VideoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			f, err := v.Read()
			if err != nil {
				t.Fatal(err)
			}
			if f.Depth != c.depth || f.SubX != c.subX || f.SubY != c.sub || f.Color.Range != c.rng || f.Siting != c.siting {
				t.Errorf("depth %d, subsampling %d %d, range %d, siting %d; want %d, %d %d, %d, %d",
					f.Depth, f.SubX, f.SubY, f.Color.Range, f.Siting, c.depth, c.subX, c.sub, c.rng, c.siting)
			}
			for i, p := range f.Planes {
				bytes := (f.Depth + 7) / 8
				if len(p.Data) < p.Stride*(p.Height-1)+p.Width*bytes {
					t.Errorf("plane %d: %d bytes for %d rows of %d", i, len(p.Data), p.Height, p.Stride)
				}
			}
		})
	}
}

func TestNoVideo(t *testing.T) {
	_, err := OpenVideo(t.Context(), avtest.Movie{Audio: "flac", Samples: 4800}.Reader(t), VideoOptions{})
	if !errors.Is(err, ErrNoVideo) {
		t.Errorf("error %v, want ErrNoVideo", err)
	}
	_, err = OpenAudio(t.Context(), avtest.Movie{Video: "libvpx", Times: times(0, 40)}.Reader(t))
	if !errors.Is(err, ErrNoAudio) {
		t.Errorf("error %v, want ErrNoAudio", err)
	}
}

// Damage in the middle costs pictures, not the recording.
func TestDamagedPictures(t *testing.T) {
	data := avtest.Movie{
		Container: "mp4", Video: "libx264", VideoOptions: []av.Option{{Key: "g", Value: "10"}, {Key: "bf", Value: "0"}},
		Times: avtest.Steady(60, 30),
	}.Bytes(t)
	for i := len(data) / 3; i < len(data)/3+len(data)/20; i++ {
		data[i] ^= 0x5a
	}
	v, err := OpenVideo(t.Context(), bytes.NewReader(data), VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	got := all(t, v)
	if len(got) < 30 || got[len(got)-1].number != 59 {
		t.Errorf("%d pictures of 60, the last %+v; want most and the last", len(got), got[len(got)-1])
	}
}

// Pictures that nobody looks at, and that no other needs, are not decoded; the
// others come out as ever.
func TestWantedSkips(t *testing.T) {
	data := avtest.Movie{Container: "mp4", Video: "libx264", Times: avtest.Steady(60, 60), VideoOptions: []av.Option{
		{Key: "preset", Value: "veryfast"}, {Key: "x264-params", Value: "bframes=2:b-adapt=0:b-pyramid=none"},
	}}.Bytes(t)
	rate := media.FrameRate{Num: 20, Den: 1}
	half := rate.Time(1) / 2
	wanted := func(from, to time.Duration) bool {
		n := rate.Frames(from + half)
		for at := rate.Time(n) - rate.Time(1); at+half <= to; at += rate.Time(1) {
			if at+half > from && at+half <= to {
				return true
			}
		}
		return false
	}
	sample := func(o VideoOptions) (numbers []int, decoded int) {
		v, err := OpenVideo(t.Context(), bytes.NewReader(data), o)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		s := NewSampler(v, half)
		for n := range 20 {
			f, _, err := s.At(rate.Time(n))
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, avtest.ReadNumber(f))
		}
		return numbers, v.count
	}
	every, n := sample(VideoOptions{})
	some, m := sample(VideoOptions{Wanted: wanted})
	for i := range every {
		if every[i] != some[i] {
			t.Errorf("output %d shows picture %d, want %d", i, some[i], every[i])
		}
	}
	if m > n*3/4 {
		t.Errorf("%d pictures decoded, %d without asking: want at least a quarter less", m, n)
	}
}
