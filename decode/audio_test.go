package decode

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// A click comes out at the sample it went in at: Opus' pre-skip and AAC's
// priming are dropped, and a start that lies after the picture's is silence.
func TestSoundIsInTime(t *testing.T) {
	const length = 5*avtest.ClickEvery + 5000
	video := avtest.Movie{Video: "libvpx", Times: avtest.Steady(30, 30)}
	for _, c := range []struct {
		container, codec string
		rate             media.SampleRate
		start            time.Duration
		tolerance        int
	}{
		{"webm", "libopus", 48000, 0, 24}, // milliseconds in the container
		{"mp4", "libopus", 48000, 0, 1},
		{"mp4", "aac", 44100, 0, 1},
		{"mp4", "aac", 48000, 0, 1},
		{"matroska", "flac", 48000, 600 * ms, 0},
		{"matroska", "flac", 16000, 40 * ms, 0},
	} {
		t.Run(fmt.Sprint(c.container, " ", c.codec, " ", c.rate, " ", c.start), func(t *testing.T) {
			m := video
			if c.container == "mp4" {
				m.Video = "libx264"
			}
			m.Container, m.Audio, m.Rate, m.Samples, m.AudioStart = c.container, c.codec, c.rate, length, c.start
			a, err := OpenAudio(t.Context(), m.Reader(t))
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if a.Rate() != c.rate || a.Channels() != 1 {
				t.Errorf("%d channels at %d Hz", a.Channels(), a.Rate())
			}
			x := listen(t, a)
			expectClicks(t, x, avtest.ClickEvery+int(c.rate.Samples(c.start)), c.tolerance)
			if want := length + int(c.rate.Samples(c.start)); len(x) < want || len(x) > want+2048 {
				t.Errorf("%d samples, want %d and at most the codec's padding", len(x), want)
			}
			if w := a.Warnings(); len(w) > 0 {
				t.Errorf("warnings %q", w)
			}
		})
	}
}

// Timestamps may stray from the samples by 100 ms; beyond that something is
// missing, or there twice.
func TestSoundFollowsSamplesUntilTheyAreMissing(t *testing.T) {
	const half = 60000
	for _, c := range []struct {
		jump    time.Duration
		shift   int // of what follows, in samples
		warning string
	}{
		{10 * ms, 0, ""},
		{20 * ms, 0, ""},
		{90 * ms, 0, "stray 90 ms"},
		{-60 * ms, 0, "stray 60 ms"},
		{250 * ms, 12000, "gaps filled"},
		{time.Hour, 0, "jumps of the clock"},
	} {
		t.Run(c.jump.String(), func(t *testing.T) {
			// FLAC packets are decoded one by one, so that a jump is just one.
			m := avtest.Movie{Audio: "flac", Samples: 2*half + 5000, Jump: func(i int64) time.Duration {
				if i >= half {
					return c.jump
				}
				return 0
			}}
			a, err := OpenAudio(t.Context(), m.Reader(t))
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			x := listen(t, a)
			for i, at := range clicks(x) {
				want := (i + 1) * avtest.ClickEvery
				if want > half+5000 {
					want += c.shift
				}
				if at != want {
					t.Errorf("click %d at %d, want %d", i, at, want)
				}
			}
			got := strings.Join(a.Warnings(), ", ")
			if c.warning == "" && got != "" || !strings.Contains(got, c.warning) {
				t.Errorf("warnings %q, want %q", got, c.warning)
			}
		})
	}
}

// What comes twice is heard once.
func TestSoundOverlapIsDropped(t *testing.T) {
	a := &Audio{rate: 48000, st: &av.Stream{TimeBase: media.TimeBase{Num: 1, Den: 48000}}, src: &source{}}
	steps := []struct{ at, n, drop, silence int64 }{
		{0, 1000, 0, 0},
		{1000, 20000, 0, 0},
		{9000, 10000, 10000, 0}, // all of it was there
		{19000, 10000, 2000, 0}, // still in the overlap, but within what may stray
		{40000, 1000, 0, 11000},
	}
	for i, s := range steps {
		if i == 3 { // only a known loss makes so small a difference count
			a.lost = true
		}
		drop := a.anchor(s.at, s.n)
		if drop != s.drop || a.silence != s.silence {
			t.Errorf("step %d: drop %d, silence %d, want %d, %d", i, drop, a.silence, s.drop, s.silence)
		}
		a.next += a.silence + s.n - drop
		a.silence = 0
	}
}

func TestSoundLayouts(t *testing.T) {
	for _, c := range []struct{ in, out int }{{1, 1}, {2, 2}, {3, 6}, {4, 6}, {5, 6}, {6, 6}, {8, 6}} {
		m := avtest.Movie{
			Audio: "flac", Channels: c.in, Samples: 9600,
			Sound: func(i, ch int) float32 { return float32(ch+1) / 16 },
		}
		a, err := OpenAudio(t.Context(), m.Reader(t))
		if err != nil {
			t.Fatal(err)
		}
		b, err := a.Read()
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Channels) != c.out || a.Channels() != c.out {
			t.Errorf("%d channels come out as %d, want %d", c.in, len(b.Channels), c.out)
		}
		if c.in == 6 || c.in <= 2 {
			for ch := range b.Channels {
				if got, want := b.Channels[ch][5], float32(ch+1)/16; got != want {
					t.Errorf("%d channels: channel %d holds %g, want %g", c.in, ch, got, want)
				}
			}
		}
		a.Close()
	}
}

func TestSeekToExact(t *testing.T) {
	ramp := func(i, ch int) float32 { return float32(i%8000000) / 8388608 }
	for _, withVideo := range []bool{false, true} {
		m := avtest.Movie{Audio: "flac", Samples: 300007, Sound: ramp, Options: nil}
		if withVideo {
			m.Video, m.Times = "libvpx", avtest.Steady(180, 30)
		}
		a, err := OpenAudio(t.Context(), m.Reader(t))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		for _, at := range []int64{0, 1, 4607, 4608, 100000, 299999, 5, 300006, 123456} {
			if err := a.SeekTo(at); err != nil {
				t.Fatal(err)
			}
			b, err := a.Read()
			if err != nil {
				t.Fatalf("from sample %d: %v", at, err)
			}
			if b.Start != at || (at == 0 || at < 4000) && b.Channels[0][0] != ramp(int(at), 0) {
				t.Errorf("from sample %d: block starts at %d with %g, want %g", at, b.Start, b.Channels[0][0], ramp(int(at), 0))
			}
		}
		if err := a.SeekTo(300007); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(); err != io.EOF {
			t.Errorf("beyond the end: %v, want io.EOF", err)
		}
	}
}

// Damage in the middle is a short silence, not a shift of all that follows.
func TestDamagedSoundKeepsTime(t *testing.T) {
	data := avtest.Movie{
		Container: "mp4", Options: []av.Option{{Key: "strict", Value: "experimental"}},
		Audio: "flac", Samples: 20*avtest.ClickEvery - 5000,
		Sound: func(i, ch int) float32 { // not compressible, so that damage hits sound
			return avtest.Click(i, ch) + float32((i*7919)%1000)/1e5
		},
	}.Bytes(t)
	mid := len(data) / 2
	for i := mid; i < mid+3000; i++ {
		data[i] ^= 0x3c
	}
	a, err := OpenAudio(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	x := listen(t, a)
	got := clicks(x)
	if last, want := got[len(got)-1], 19*avtest.ClickEvery; last < want-100 || last > want+100 {
		t.Errorf("last click at %d, want %d: %q", last, want, a.Warnings())
	}
}
