package stitch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

var thirty = media.FrameRate{Num: 30, Den: 1}

func tone(t testing.TB) *Audio {
	t.Helper()
	a, err := ReadAudio(bytes.NewReader(load(t, "tone.m4a")))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func movie(t testing.TB, m Movie) ([]byte, Stats) {
	t.Helper()
	f := &memFile{}
	stats, err := WriteMP4(context.Background(), f, m)
	if err != nil {
		t.Fatal(err)
	}
	return f.b, stats
}

func TestMP4Boxes(t *testing.T) {
	b, _ := movie(t, Movie{Rate: thirty, Segments: segments(t, "cabac-b"), Audio: tone(t), Title: "Grüße"})
	const want = `ftyp
moov
  mvhd
  trak
    tkhd
    edts
      elst
    mdia
      mdhd
      hdlr
      minf
        vmhd
        dinf
          dref
            url 
        stbl
          stsd
            avc1
              avcC
              colr
              pasp
          stts
          ctts
          stss
          stsc
          stsz
          stco
  trak
    tkhd
    edts
      elst
    mdia
      mdhd
      hdlr
      minf
        smhd
        dinf
          dref
            url 
        stbl
          stsd
            mp4a
              esds
          stts
          stsc
          stsz
          stco
          sgpd
          sbgp
  udta
    meta
      hdlr
      ilst
        ` + "\xa9nam\n        \xa9too" + `
free
mdat
`
	if got := tree(t, b, ""); got != want {
		t.Errorf("boxes\n%s\nwant\n%s", got, want)
	}
	title, err := child(b, "moov", "udta")
	if err != nil || !bytes.Contains(title, []byte("Grüße")) {
		t.Errorf("no title in %q, %v", title, err)
	}
}

// The pictures of the movie are those of the joined stream.
func TestMP4Pictures(t *testing.T) {
	for _, c := range cases {
		for _, audio := range []*Audio{nil, tone(t)} {
			segs := segments(t, c.name)
			b, stats := movie(t, Movie{Rate: thirty, Segments: segs, Audio: audio})
			r, err := Elementary(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			var got, want bytes.Buffer
			back := []Segment{{Stripes: []Opener{func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}}}
			if _, err := Join(context.Background(), &got, back, JoinOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := Join(context.Background(), &want, segs, JoinOptions{}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%s: other pictures than the joined stream", c.name)
			}
			if stats.Frames != 18 || stats.Bytes != int64(len(b)) || stats.Width != 176 || stats.Height != 120 || stats.Duration != thirty.Time(18) {
				t.Errorf("%s: %+v, %d bytes", c.name, stats, len(b))
			}
		}
	}
}

// Times: pictures are shown in the order of their count, from zero on, and both
// tracks begin at movie time zero.
func TestMP4Times(t *testing.T) {
	const tick = 512 // of a picture at 15360 a second
	stbl := []string{"mdia", "minf", "stbl"}
	b, _ := movie(t, Movie{Rate: thirty, Segments: segments(t, "cabac-b"), Audio: tone(t)})
	if got, want := u32s(trackBox(t, b, 0, append(stbl, "stts")...), 4), []uint32{1, 18, tick}; !slices.Equal(got, want) {
		t.Errorf("stts %v, want %v", got, want)
	}
	if got, want := u32s(trackBox(t, b, 0, append(stbl, "stss")...), 4), []uint32{4, 1, 7, 10, 16}; !slices.Equal(got, want) {
		t.Errorf("stss %v, want %v", got, want)
	}
	elst := u32s(trackBox(t, b, 0, "edts", "elst"), 4)
	if want := []uint32{1, 18 * 1600, 2 * tick, 0x10000}; !slices.Equal(elst, want) {
		t.Errorf("elst %v, want %v", elst, want)
	}
	var shown []int64
	at := int64(0)
	ctts := u32s(trackBox(t, b, 0, append(stbl, "ctts")...), 8)
	for i := 0; i < len(ctts); i += 2 {
		for range ctts[i] {
			shown = append(shown, at+int64(ctts[i+1])-int64(elst[2]))
			at += tick
		}
	}
	slices.Sort(shown)
	for i, s := range shown {
		if s != int64(i)*tick {
			t.Fatalf("pictures are shown at %v", shown)
		}
	}
	if got, want := u32s(trackBox(t, b, 1, "edts", "elst"), 4), []uint32{1, 28800, 1024, 0x10000}; !slices.Equal(got, want) {
		t.Errorf("elst of the sound %v, want %v", got, want)
	}
	// 29 packets of 1024 and one of 128: 1024 of priming and 28800
	if got, want := u32s(trackBox(t, b, 1, append(stbl, "stts")...), 4), []uint32{2, 29, 1024, 1, 128}; !slices.Equal(got, want) {
		t.Errorf("stts of the sound %v, want %v", got, want)
	}

	plain, _ := movie(t, Movie{Rate: thirty, Segments: segments(t, "cabac-p")})
	if strings.Contains(tree(t, plain, ""), "ctts") {
		t.Error("ctts without B pictures")
	}
	if got, want := u32s(trackBox(t, plain, 0, "edts", "elst"), 4), []uint32{1, 18 * tick, 0, 0x10000}; !slices.Equal(got, want) {
		t.Errorf("elst %v, want %v", got, want)
	}
}

// The sound comes back as it went in.
func TestMP4Sound(t *testing.T) {
	in := tone(t)
	b, stats := movie(t, Movie{Rate: thirty, Segments: segments(t, "cabac-p"), Audio: in})
	out, err := ReadAudio(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Config, in.Config) || out.Priming != in.Priming || out.Samples != in.Samples || out.Channels != in.Channels {
		t.Errorf("%+v, was %+v", out, in)
	}
	var want [][]byte
	for p := range in.Packets {
		want = append(want, bytes.Clone(p.Data))
	}
	n, size := 0, 0
	for p, err := range out.Packets {
		if err != nil {
			t.Fatal(err)
		}
		if n >= len(want) || !bytes.Equal(p.Data, want[n]) {
			t.Fatalf("packet %d is another", n)
		}
		n++
		size += len(p.Data)
	}
	if n != len(want) || int64(size) != stats.Audio {
		t.Errorf("%d packets of %d bytes, want %d; stats say %d bytes", n, size, len(want), stats.Audio)
	}
}

// Sound lies beside the pictures it belongs to, half a second at a time.
func TestMP4Interleaves(t *testing.T) {
	segs := segments(t, "cabac-p")
	for range 4 {
		segs = append(segs, segs[:2]...)
	}
	b, _ := movie(t, Movie{Rate: thirty, Segments: segs, Audio: tone(t)}) // 3 s of picture, 0.6 of sound
	offsets := func(n int) []uint32 { return u32s(trackBox(t, b, n, "mdia", "minf", "stbl", "stco"), 8) }
	video, audio := offsets(0), offsets(1)
	if len(video) != 6 || len(audio) != 2 || video[0] > audio[0] || audio[0] > video[1] || video[1] > audio[1] || audio[1] > video[2] {
		t.Errorf("chunks of picture at %v, of sound at %v", video, audio)
	}
	// more sound than picture
	b, _ = movie(t, Movie{Rate: thirty, Segments: segs[:1], Audio: tone(t)})
	if n := len(offsets(1)); n != 2 {
		t.Errorf("%d chunks of sound, want 2", n)
	}
}

func TestMP4Refuses(t *testing.T) {
	good := func() Movie { return Movie{Rate: thirty, Segments: segments(t, "cabac-p"), Audio: tone(t)} }
	lost := errors.New("connection lost")
	for _, c := range []struct {
		name   string
		change func(*Movie)
		want   string
	}{
		{"no rate", func(m *Movie) { m.Rate = media.FrameRate{} }, "frame rate 0/0"},
		{"no segments", func(m *Movie) { m.Segments = nil }, "no segments"},
		{"no stripes", func(m *Movie) { m.Segments[0].Stripes = nil }, "segment 0: no stripes"},
		{"config", func(m *Movie) { m.Audio.Config = []byte{0x29, 0x88} }, "object type 5, want 2"},
		{"empty config", func(m *Movie) { m.Audio.Config = nil }, "cut short"},
		{"rate of the sound", func(m *Movie) { m.Audio.Rate = 44100 }, "44100 Hz, want 48000"},
		{"channels", func(m *Movie) { m.Audio.Channels = 2 }, "2 channels, want 1"},
		{"no sound", func(m *Movie) { m.Audio.Samples = 0 }, "0 sample frames"},
		{"no packets", func(m *Movie) { m.Audio.Packets = nil }, "no packets"},
		{"too little sound", func(m *Movie) { m.Audio.Samples = 100000 }, "ends after 30720 sample frames, want 101024"},
		{"packet's length", func(m *Movie) { m.Audio.Packets = Packets([]AudioPacket{{[]byte{1}, 960}}) }, "packet 0: 960 sample frames, want 1024"},
		{"empty packet", func(m *Movie) { m.Audio.Packets = Packets([]AudioPacket{{nil, 1024}}) }, "packet 0: empty"},
		{"broken packets", func(m *Movie) {
			m.Audio.Packets = func(yield func(AudioPacket, error) bool) { yield(AudioPacket{}, lost) }
		}, "packet 0: connection lost"},
	} {
		m := good()
		c.change(&m)
		_, err := WriteMP4(context.Background(), &memFile{}, m)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// Frames 0 means as many as there are.
func TestMP4CountsPictures(t *testing.T) {
	segs := segments(t, "cabac-b")
	want, _ := movie(t, Movie{Rate: thirty, Segments: segs})
	for i := range segs {
		segs[i].Frames = 0
	}
	if got, _ := movie(t, Movie{Rate: thirty, Segments: segs}); !bytes.Equal(got, want) {
		t.Error("another file when the number of pictures is not told")
	}
}

// Chunks beyond 4 GB have 64-bit offsets.
func TestLargeOffsets(t *testing.T) {
	tr := track{timescale: 1, sizes: []uint32{1, 1}}
	tr.chunks = []chunk{{48, 1}, {1 << 33, 1}}
	x := boxes{}
	tr.places(&x)
	if got := tree(t, x.b, ""); got != "stsc\nstsz\nco64\n" {
		t.Errorf("boxes %q", got)
	}
	offsets, err := chunkOffsets(x.b)
	if err != nil || !slices.Equal(offsets, []int64{48, 1 << 33}) {
		t.Errorf("%v, %v", offsets, err)
	}
}

// The room left for the index is enough for any pictures.
func TestIndexRoom(t *testing.T) {
	mw := &movieWriter{movie: Movie{Rate: thirty, Title: strings.Repeat("x", 500)}, frames: 1000, chunkFrames: 15}
	v := &mw.video
	v.timescale, v.perFrame = 15360, 512
	v.sps = firstUnit(t, load(t, "cabac-b.full.h264"), nalSPS)
	v.pps = firstUnit(t, load(t, "cabac-b.full.h264"), nalPPS)
	v.format, _ = parseSPS(v.sps)
	a, err := newAudioFeed(tone(t))
	if err != nil {
		t.Fatal(err)
	}
	defer a.stop()
	mw.audio = a
	a.end = 34 * 48000
	room := mw.indexRoom()
	for i := range mw.frames { // every picture an IDR with a shift of its own, chunks all different
		if i%mw.chunkFrames == 0 {
			v.beginChunk(1<<40 + int64(i))
			a.track.beginChunk(1<<40 + int64(i))
		}
		v.sample(1000+i, v.perFrame)
		v.sync = append(v.sync, uint32(i+1))
		v.shift.add(int64(i))
	}
	v.sync = v.sync[1:]
	for range a.packets() {
		a.track.sample(100, 1024)
	}
	for i := range a.track.chunks {
		a.track.chunks[i].samples += uint32(i)
		v.chunks[i].samples += uint32(i)
	}
	x := boxes{}
	mw.moov(&x)
	if len(x.b)+8 > room {
		t.Errorf("index of %d bytes, room for %d", len(x.b), room)
	}
}

// A movie of 29.97 pictures a second has exact times.
func TestVideoClock(t *testing.T) {
	for _, c := range []struct {
		num, den  int64
		timescale uint32
		perFrame  int64
	}{
		{30, 1, 15360, 512},
		{25, 1, 12800, 512},
		{24, 1, 12288, 512},
		{30000, 1001, 30000, 1001},
		{24000, 1001, 24000, 1001},
		{60, 1, 15360, 256},
	} {
		timescale, perFrame, err := videoClock(c.num, c.den)
		if err != nil || timescale != c.timescale || perFrame != c.perFrame {
			t.Errorf("%d/%d: %d ticks a second, %d a picture, %v, want %d and %d", c.num, c.den, timescale, perFrame, err, c.timescale, c.perFrame)
		}
	}
	if got := rescale(1001, 30000, 48000); got != 1602 { // 1601.6
		t.Errorf("a picture is %d samples, want 1602", got)
	}
}
