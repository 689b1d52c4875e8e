package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/golden"
	"github.com/choirless/render/media"
	"github.com/choirless/render/stitch"
)

const (
	width  = 320
	height = 280
	gop    = 20
)

var (
	rate = media.FrameRate{Num: 30, Den: 1}
	// rows are the stripes: the first row and how many. The last is no multiple of 16.
	rows = [][2]int{{0, 96}, {96, 96}, {192, 88}}
	// counts are the pictures of the segments; the last GOP of each is short.
	counts = []int{45, 30}
)

func needStripeMV(t testing.TB) {
	t.Helper()
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
}

// paint draws rows [y, y+f.Height()) of picture n: a texture that moves down and
// to the right through every border, three pixels a picture, with noise.
func paint(f *media.Frame, y, n int) {
	for i := range f.Planes {
		p := &f.Planes[i]
		top, scale, amp := y, 1, 50.0
		if i > 0 {
			top, scale, amp = y/2, 2, 20
		}
		for r := range p.Height {
			for c := range p.Width {
				u, v := float64(c*scale-2*n), float64((top+r)*scale-3*n)
				s := math.Sin(u/7)*math.Cos(v/5) + math.Sin((u+v)/23) + 0.4*math.Sin(v*u/900)
				h := uint32(c*73856093) ^ uint32((top+r)*19349663) ^ uint32(n*83492791)
				h ^= h >> 13
				h *= 0x5bd1e995
				p.Data[r*p.Stride+c] = uint8(125 + amp*s*0.8 + float64(h>>29))
			}
		}
	}
}

// encodeRows encodes rows of a segment.
func encodeRows(t testing.TB, o encode.CellOptions, y, first, count int) []byte {
	t.Helper()
	var out bytes.Buffer
	o.Width, o.CanvasHeight, o.Rate, o.GOP, o.CRF = width, height, rate, gop, 27
	c, err := encode.NewCell(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	f := media.NewFrame(width, o.Height)
	for n := first; n < first+count; n++ {
		paint(f, y, n)
		if err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stripes encodes all rows of all segments: by segment, then by stripe.
func stripes(t testing.TB, o encode.CellOptions) [][][]byte {
	var list [][][]byte
	first := 0
	for _, count := range counts {
		var seg [][]byte
		for _, r := range rows {
			o.Height = r[1]
			seg = append(seg, encodeRows(t, o, r[0], first, count))
		}
		list = append(list, seg)
		first += count
	}
	return list
}

func opener(b []byte) stitch.Opener {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func segment(frames int, stripes ...[]byte) stitch.Segment {
	s := stitch.Segment{Frames: frames}
	for _, b := range stripes {
		s.Stripes = append(s.Stripes, opener(b))
	}
	return s
}

// sums decodes a stream and returns the checksums of rows of every picture.
func sums(t testing.TB, v *decode.Video, y, rows int) []golden.Sum {
	t.Helper()
	return sumsFrom(t, v, y, rows, 0)
}

// sumsFrom is sums of a stream whose first picture is shown at a time.
func sumsFrom(t testing.TB, v *decode.Video, y, rows int, start time.Duration) []golden.Sum {
	t.Helper()
	defer v.Close()
	var list []golden.Sum
	for {
		f, err := v.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := start + rate.Time(len(list)); (f.Time - want).Abs() > time.Microsecond {
			t.Fatalf("picture %d is shown at %v, want %v", len(list), f.Time, want)
		}
		s, err := golden.SumRows(f, y, rows)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
}

func openStream(t testing.TB, b []byte) *decode.Video {
	t.Helper()
	v, err := decode.OpenStripe(context.Background(), bytes.NewReader(b), rate)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func openFile(t testing.TB, name string) *decode.Video {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	v, err := decode.OpenVideo(context.Background(), f, decode.VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func writeMovie(t testing.TB, m stitch.Movie) (name string, stats stitch.Stats) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "movie.mp4")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if stats, err = stitch.WriteMP4(context.Background(), f, m); err != nil {
		t.Fatal(err)
	}
	return name, stats
}

// The promise of the whole system: what the joined movie decodes to is what the
// stripes decode to, in every sample of every picture.
func TestJoinedIsStacked(t *testing.T) {
	needStripeMV(t)
	for _, o := range []encode.CellOptions{
		{Preset: "ultrafast", StripeMV: true},
		{Preset: "veryfast", StripeMV: true},
		{Preset: "veryfast", StripeMV: true, Threads: 3},
		{Preset: "medium", StripeMV: true},
	} {
		t.Run(fmt.Sprintf("%s, %d threads", o.Preset, max(1, o.Threads)), func(t *testing.T) {
			cells := stripes(t, o)
			m := stitch.Movie{Rate: rate}
			for i, seg := range cells {
				m.Segments = append(m.Segments, segment(counts[i], seg...))
			}
			name, stats := writeMovie(t, m)
			if stats.Width != width || stats.Height != height || stats.Frames != counts[0]+counts[1] {
				t.Errorf("%+v", stats)
			}
			for i, r := range rows {
				var alone []golden.Sum
				for _, seg := range cells {
					alone = append(alone, sums(t, openStream(t, seg[i]), 0, r[1])...)
				}
				if err := golden.CompareSums(i, sums(t, openFile(t, name), r[0], r[1]), alone); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A segment encoded as whole pictures takes the place of one of stripes: the
// encoder writes the very parameter sets that joining writes.
func TestWholeSegmentBesideStripes(t *testing.T) {
	needStripeMV(t)
	o := encode.CellOptions{Preset: "veryfast", StripeMV: true}
	cells := stripes(t, o)
	o.Height, o.StripeMV = height, false
	whole := encodeRows(t, o, 0, counts[0], counts[1])
	name, _ := writeMovie(t, stitch.Movie{Rate: rate, Segments: []stitch.Segment{
		segment(counts[0], cells[0]...), segment(counts[1], whole), segment(counts[0], cells[0]...),
	}})
	got := sums(t, openFile(t, name), 0, height)
	want := sums(t, openStream(t, whole), 0, height)
	if err := golden.CompareSums(0, got[counts[0]:counts[0]+counts[1]], want); err != nil {
		t.Error(err)
	}
	if err := golden.CompareSums(0, got[counts[0]+counts[1]:], got[:counts[0]]); err != nil {
		t.Errorf("the same segment once more: %v", err)
	}
}

// Noise above and below gives away an encoder that lets motion leave the stripe.
func TestPoison(t *testing.T) {
	needStripeMV(t)
	for _, keeps := range []bool{true, false} {
		o := encode.CellOptions{Preset: "veryfast", StripeMV: true, Height: 32}
		noise := encodeNoise(t, o)
		for i, r := range rows {
			o.Height, o.StripeMV = r[1], keeps
			b := encodeRows(t, o, r[0], 0, counts[0])
			if info, err := stitch.Inspect(bytes.NewReader(b)); err != nil || info.StripeMV != keeps {
				t.Errorf("stripe %d: %+v, %v", i, info, err)
			}
			var out bytes.Buffer
			row, err := stitch.Poison(context.Background(), &out, opener(noise), opener(b))
			if err != nil {
				t.Fatal(err)
			}
			err = golden.CompareSums(i, sums(t, openStream(t, out.Bytes()), row, r[1]), sums(t, openStream(t, b), 0, r[1]))
			if (err == nil) != keeps {
				t.Errorf("stripe %d, motion kept inside %t: %v", i, keeps, err)
			}
		}
	}
}

// encodeNoise makes the poison: every sample black or white, all pictures alike.
func encodeNoise(t testing.TB, o encode.CellOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	o.Width, o.CanvasHeight, o.Rate, o.GOP, o.CRF = width, height, rate, gop, 27
	c, err := encode.NewCell(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	f := media.NewFrame(width, o.Height)
	h := uint32(1)
	for i := range f.Planes {
		for j := range f.Planes[i].Data {
			h = h*1664525 + 1013904223
			f.Planes[i].Data[j] = 16 + 219*uint8(h>>31)
		}
	}
	for range counts[0] {
		if err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Pictures and sound of a movie begin together: a click at one second of the
// song is heard at one second, to the sample.
func TestMovieSound(t *testing.T) {
	const seconds, at = 2, 48000
	enc, err := encode.NewAAC(media.MixRate, 2, 192000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	sound := make([]float32, seconds*48000)
	for i := range 200 { // two milliseconds of 2 kHz
		sound[at+i] = float32(0.5 * math.Sin(2*math.Pi*float64(i)/24) * math.Sin(math.Pi*float64(i)/200))
	}
	packets, err := enc.Write(media.Block{Rate: media.MixRate, Channels: [][]float32{sound, sound}})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := enc.Flush()
	if err != nil {
		t.Fatal(err)
	}
	var list []stitch.AudioPacket
	for _, p := range append(packets, rest...) {
		list = append(list, stitch.AudioPacket{Data: p.Data, Duration: 1024})
	}
	o := encode.CellOptions{Preset: "veryfast", Height: height}
	name, _ := writeMovie(t, stitch.Movie{
		Rate:     rate,
		Title:    "Click",
		Segments: []stitch.Segment{segment(60, encodeRows(t, o, 0, 0, 60))},
		Audio: &stitch.Audio{
			Config: enc.Config(), Packets: stitch.Packets(list), Priming: enc.Priming(),
			Samples: seconds * 48000, Rate: media.MixRate, Channels: 2,
		},
	})
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := decode.OpenAudio(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var got []float32
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b.Channels[0]...)
	}
	if len(got) < len(sound) || len(got) > len(sound)+1024 {
		t.Errorf("%d sample frames, want %d", len(got), len(sound))
	}
	best, lag := 0.0, 0
	for d := -2000; d <= 2000; d++ {
		sum := 0.0
		for i := range 200 {
			sum += float64(sound[at+i]) * float64(got[at+i+d])
		}
		if sum > best {
			best, lag = sum, d
		}
	}
	if lag != 0 {
		t.Errorf("the click is %d sample frames late", lag)
	}
	if got := len(sums(t, openFile(t, name), 0, height)); got != 60 {
		t.Errorf("%d pictures, want 60", got)
	}
}

// A growing movie is playable whenever it is looked at: what libav decodes of
// its beginning, picture and sound, is the beginning of the whole movie.
func TestGrowing(t *testing.T) {
	needStripeMV(t)
	const seconds = 2.5 // as long as the pictures
	audio, pcm := toneOf(t, int(seconds*48000))
	cells := stripes(t, encode.CellOptions{Preset: "veryfast", StripeMV: true})
	m := stitch.Movie{Rate: rate, Audio: audio}
	for i, seg := range cells {
		m.Segments = append(m.Segments, segment(counts[i], seg...))
	}
	name, _ := writeMovie(t, m)
	want := sums(t, openFile(t, name), 0, height)
	grow, err := stitch.NewFragments(rate, "", audio)
	if err != nil {
		t.Fatal(err)
	}
	defer grow.Close()
	var file bytes.Buffer
	frames := 0
	for i, seg := range m.Segments {
		var more bytes.Buffer
		if _, err := grow.Append(context.Background(), &more, seg); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			file.Write(grow.Init())
		}
		file.Write(more.Bytes())
		frames += counts[i]
		state := filepath.Join(t.TempDir(), "state.mp4")
		if err := os.WriteFile(state, file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		// libav gives the priming too: the first picture comes when it is over.
		heard := soundOf(t, state)
		lag := lagOf(heard, pcm)
		if lag != audio.Priming {
			t.Errorf("after segment %d: the sound begins after %d sample frames, want %d", i, lag, audio.Priming)
		}
		start := time.Duration(lag) * time.Second / 48000
		if err := golden.CompareSums(0, sumsFrom(t, openFile(t, state), 0, height, start), want[:frames]); err != nil {
			t.Errorf("after segment %d: %v", i, err)
		}
		if n, most := len(heard)-lag, int(rate.Time(frames).Seconds()*48000); n < most-1024 || n > most+1024 {
			t.Errorf("after segment %d: %d sample frames of sound, want about %d", i, n, most)
		}
	}
}

// toneOf encodes a rising tone, which is like itself at no other time.
func toneOf(t *testing.T, n int) (*stitch.Audio, []float32) {
	t.Helper()
	enc, err := encode.NewAAC(media.MixRate, 2, 192000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	pcm := make([]float32, n)
	for i := range pcm {
		x := float64(i) / 48000
		pcm[i] = float32(0.5 * math.Sin(2*math.Pi*(200*x+300*x*x)))
	}
	packets, err := enc.Write(media.Block{Rate: media.MixRate, Channels: [][]float32{pcm, pcm}})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := enc.Flush()
	if err != nil {
		t.Fatal(err)
	}
	var list []stitch.AudioPacket
	for _, p := range append(packets, rest...) {
		list = append(list, stitch.AudioPacket{Data: p.Data, Duration: 1024})
	}
	return &stitch.Audio{
		Config: enc.Config(), Packets: stitch.Packets(list), Priming: enc.Priming(),
		Samples: int64(n), Rate: media.MixRate, Channels: 2,
	}, pcm
}

func soundOf(t *testing.T, name string) (left []float32) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := decode.OpenAudio(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			return left
		}
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, b.Channels[0]...)
	}
}

// lagOf returns by how many sample frames got is late against want, up to 2000.
func lagOf(got, want []float32) (lag int) {
	const from, n = 24000, 8000
	best := 0.0
	for d := -2000; d <= 2000; d++ {
		sum := 0.0
		for i := from; i < from+n && i+d < len(got); i++ {
			sum += float64(want[i]) * float64(got[i+d])
		}
		if sum > best {
			best, lag = sum, d
		}
	}
	return lag
}
