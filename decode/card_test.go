package decode

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// join writes the pictures of recordings of one codec one after the other as one
// stream, whose parameters are the first's. edit may change packets, or leave one
// out; n counts them.
func join(t *testing.T, edit func(n int, p *av.Packet) bool, recordings ...[]byte) []byte {
	t.Helper()
	var out avtest.Buffer
	m, err := av.NewMuxer(&out, "matroska")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := av.NewPacket()
	defer p.Close()
	tb := media.TimeBase{Num: 1, Den: 1000}
	var after, end media.PTS
	n := 0
	for i, data := range recordings {
		d, err := av.OpenDemuxer(t.Context(), bytes.NewReader(data), av.InputOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		s := d.Streams()[0]
		if i == 0 {
			if _, err := m.AddCopy(&s); err != nil {
				t.Fatal(err)
			}
		}
		for d.Read(p) == nil {
			p.SetTimes(p.PTS()+after, p.DTS()+after, p.Duration())
			end = max(end, p.PTS()+40)
			if edit == nil || edit(n, p) {
				if err := m.Write(0, p, tb); err != nil {
					t.Fatal(err)
				}
			}
			n++
		}
		after = end
	}
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	return out.Data
}

// compare reads a recording with a candidate and with libav's own decoder: all must
// be the same, also what is said of damage. It returns after how many pictures the
// candidate was given up, and why.
func compare(t *testing.T, data []byte, o VideoOptions, c *candidate) (after int, fallback error) {
	t.Helper()
	want, err := OpenVideo(t.Context(), bytes.NewReader(data), o)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got, err := openVideo(t.Context(), bytes.NewReader(data), o, func(string) *candidate { return c })
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	for n := 0; ; n++ {
		w, werr := want.Read()
		g, gerr := got.Read()
		library, why := got.Decoder()
		if why != nil && fallback == nil {
			fallback, after = why, n
		}
		if own, _ := want.Decoder(); why != nil && library != own {
			t.Errorf("after %v decoded with %s, want %s", why, library, own)
		} else if why == nil && library != c.library {
			t.Errorf("decoded with %s, want %s", library, c.library)
		}
		if werr != gerr {
			t.Fatalf("picture %d: %v, want %v", n, gerr, werr)
		}
		if werr == io.EOF {
			if a, b := strings.Join(want.Warnings(), ","), strings.Join(got.Warnings(), ","); a != b {
				t.Errorf("warnings %q, want %q", b, a)
			}
			return after, fallback
		}
		if werr != nil {
			t.Fatal(werr)
		}
		if err := sameFrame(w, g); err != nil {
			t.Fatalf("picture %d: %v", n, err)
		}
	}
}

// moving draws pictures that no codec gets right by chance.
func moving(f *media.Frame, n int) {
	for i, p := range f.Planes {
		for y := range p.Height {
			for x := range p.Width {
				p.Data[y*p.Stride+x] = byte(60 + (x*x/16+y*(i+2)+9*n)%130)
			}
		}
	}
}

func movie(t *testing.T, encoder string, width int, options ...av.Option) []byte {
	return avtest.Movie{
		Video: encoder, Width: width, Height: 96, Times: avtest.Steady(30, 25), Picture: moving,
		VideoOptions: append([]av.Option{{Key: "g", Value: "10"}}, options...),
	}.Bytes(t)
}

// TestCardReplaced: when the card's decoder fails, or gives anything that may not be
// right, libav's own goes on with the picture that is due.
func TestCardReplaced(t *testing.T) {
	vp8, vp9 := movie(t, "libvpx", 160), movie(t, "libvpx-vp9", 160)
	h264 := bframes(t)
	avi := avtest.Movie{Container: "avi", Video: "libx264", Times: avtest.Steady(30, 30), Picture: moving}.Bytes(t)
	noFilter := []av.Option{{Key: "skip_loop_filter", Value: "all"}}
	for name, c := range map[string]struct {
		data      []byte
		candidate candidate
		want      string // why
		least     int    // pictures before
	}{
		"damage in VP8":           {damaged(t, vp8, 17, 0, "\xf1\xff\xff"), candidate{library: "libvpx"}, "invalid data", 10},
		"damage in VP9":           {damaged(t, vp9, 17, 0, "\xff"), candidate{library: "libvpx-vp9"}, "invalid data", 10},
		"larger pictures":         {join(t, nil, vp8, movie(t, "libvpx", 240)), candidate{library: "libvpx"}, "picture of {Width:240", 30},
		"4:4:4 in the middle":     {join(t, nil, vp9, colourful(t)), candidate{library: "libvpx-vp9"}, "SubX:0", 30},
		"a complaint":             {damaged(t, h264, 15, 100, strings.Repeat("\xff", 50)), candidate{library: "h264"}, "Reference", 10},
		"no timestamps":           {avi, candidate{library: "h264"}, "a packet without a timestamp", 0},
		"of another codec":        {vp8, candidate{library: "libvpx-vp9"}, "decode vp8 with libvpx-vp9", 0},
		"no such decoder":         {vp8, candidate{library: "vp8_none"}, "vp8_none", 0},
		"wrong from the start":    {clip(t, "vp8"), candidate{"vp8", noFilter}, "first picture: plane 0", 0},
		"does not begin with key": {remux(t, vp8, func(n int, _ *av.Packet) bool { return n > 2 }), candidate{library: "libvpx"}, "keyframe", 0},
	} {
		t.Run(name, func(t *testing.T) {
			after, fallback := compare(t, c.data, VideoOptions{}, &c.candidate)
			if fallback == nil || !strings.Contains(fallback.Error(), c.want) || after < c.least {
				t.Errorf("given up after %d pictures because of %v, want at least %d, %q", after, fallback, c.least, c.want)
			}
		})
	}
}

// bframes is H.264, a third of whose pictures no other is predicted from.
func bframes(t *testing.T) []byte {
	return movie(t, "libx264", 160, av.Option{Key: "bf", Value: "2"}, av.Option{Key: "x264-params", Value: "b-adapt=0:b-pyramid=0"})
}

// damaged overwrites packet n from a byte on: the beginning, for VP8 with a first
// partition longer than the packet, for VP9 with no frame marker; or the middle, of
// which H.264 complains in the log only.
func damaged(t *testing.T, data []byte, n, from int, with string) []byte {
	t.Helper()
	data = bytes.Clone(data)
	join(t, func(i int, p *av.Packet) bool {
		if i == n {
			if p.Size() < from+len(with) {
				t.Fatalf("packet %d has %d bytes only", n, p.Size())
			}
			copy(data[bytes.Index(data, p.Data())+from:], with)
		}
		return true
	}, bytes.Clone(data))
	return data
}

// colourful is VP9 of 4:4:4, as no NVDEC decodes.
func colourful(t *testing.T) []byte {
	return avtest.Movie{
		Video: "libvpx-vp9", Depth: 8, SubX: 0, SubY: 0, Times: avtest.Steady(20, 25), Picture: moving,
		VideoOptions: []av.Option{{Key: "g", Value: "10"}},
	}.Bytes(t)
}

// TestCardSeeks: a reader that begins in the middle is replaced in the middle.
func TestCardSeeks(t *testing.T) {
	vp8 := movie(t, "libvpx", 160)
	broken := join(t, nil, vp8, movie(t, "libvpx", 240))
	c := &candidate{library: "libvpx"}
	for _, from := range []time.Duration{0, 10 * ms, 500 * ms, 1100 * ms, 1300 * ms, 2300 * ms, 9 * time.Second} {
		if _, why := compare(t, vp8, VideoOptions{From: from}, c); why != nil {
			t.Errorf("from %v: given up because of %v", from, why)
		}
		after, why := compare(t, broken, VideoOptions{From: from}, c)
		// From 1.2 s on all pictures are of the second size: nothing is wrong.
		if before := from < 1200*ms; before != (why != nil) || before && after == 0 {
			t.Errorf("from %v: given up after %d pictures because of %v", from, after, why)
		}
	}
}

// TestCardSeeksAgain: what the card has at hand is forgotten with every seek, as
// where an index leads too far and has to be tried again.
func TestCardSeeksAgain(t *testing.T) {
	data := bframes(t)
	var videos [2]*Video
	for i, c := range []*candidate{nil, {library: "h264"}} {
		v, err := openVideo(t.Context(), bytes.NewReader(data), VideoOptions{}, func(string) *candidate { return c })
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		videos[i] = v
	}
	for _, to := range []time.Duration{900 * ms, 500 * ms, 0} {
		for _, v := range videos {
			if _, err := v.Read(); err != nil {
				t.Fatal(err)
			}
			if err := v.seek(to); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			want, err := videos[0].Read()
			if err != nil {
				t.Fatal(err)
			}
			got, err := videos[1].Read()
			if err != nil {
				t.Fatal(err)
			}
			if err := sameFrame(want, got); err != nil {
				t.Errorf("after %v: %v", to, err)
			}
		}
	}
	if library, why := videos[1].Decoder(); library != "h264" {
		t.Errorf("given up because of %v", why)
	}
}

// TestCardSampled: what is sampled is the same, whoever decodes, although a card does
// not leave out what nobody looks at.
func TestCardSampled(t *testing.T) {
	for library, data := range map[string][]byte{
		"libvpx": join(t, nil, movie(t, "libvpx", 160), movie(t, "libvpx", 240)),
		"h264":   damaged(t, bframes(t), 15, 100, strings.Repeat("\xff", 50)),
	} {
		sampled(t, library, data)
	}
}

func sampled(t *testing.T, library string, data []byte) {
	t.Helper()
	rate := media.FrameRate{Num: 7, Den: 1}
	half := rate.Time(1) / 2
	read := func(choose func(string) *candidate) (times []time.Duration, sums []int, why error) {
		o := VideoOptions{From: 300 * ms, Wanted: func(from, to time.Duration) bool {
			for n := range 20 { // the sampler's rule
				if at := rate.Time(n) + half; from < at && at <= to {
					return true
				}
			}
			return false
		}}
		v, err := openVideo(t.Context(), bytes.NewReader(data), o, choose)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		s := NewSampler(v, half)
		for n := 3; n < 20; n++ {
			f, _, err := s.At(rate.Time(n))
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for i, b := range f.Planes[0].Data[:f.Planes[0].Stride*(f.Height()-1)] {
				if i%f.Planes[0].Stride < f.Width() {
					sum += int(b)
				}
			}
			times, sums = append(times, f.Time), append(sums, sum)
		}
		_, why = v.Decoder()
		return times, sums, why
	}
	wt, ws, _ := read(func(string) *candidate { return nil })
	gt, gs, why := read(func(string) *candidate { return &candidate{library: library} })
	if why == nil {
		t.Errorf("%s: not given up", library)
	}
	for i := range wt {
		if wt[i] != gt[i] || ws[i] != gs[i] {
			t.Errorf("%s: sample %d: %v, %d; want %v, %d", library, i, gt[i], gs[i], wt[i], ws[i])
		}
	}
}

// TestCardReadsErrors: a reader that fails is no fault of the card's.
func TestCardReadsErrors(t *testing.T) {
	data := avtest.Movie{
		Video: "libx264", VideoOptions: []av.Option{{Key: "qp", Value: "0"}}, Times: avtest.Steady(90, 25), Width: 640, Height: 96, Picture: moving,
	}.Bytes(t)
	r := &breaking{Reader: bytes.NewReader(data)}
	v, err := openVideo(t.Context(), r, VideoOptions{}, func(string) *candidate { return &candidate{library: "h264"} })
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for {
		if _, err = v.Read(); err != nil {
			break
		}
		r.broken = true
	}
	if _, why := v.Decoder(); err != errBroken || why != nil {
		t.Errorf("%v, given up because of %v", err, why)
	}
}

var errBroken = errors.New("bucket gone")

type breaking struct {
	*bytes.Reader
	broken bool
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.broken {
		return 0, errBroken
	}
	return b.Reader.Read(p)
}

// TestOnlyWhatSuits: what the clips say nothing of is left to libav's own decoder.
func TestOnlyWhatSuits(t *testing.T) {
	for name, data := range map[string][]byte{
		"4:4:4":  colourful(t),
		"10 bit": avtest.Movie{Video: "libx264", Depth: 10, SubX: 1, SubY: 1, Times: avtest.Steady(3, 30)}.Bytes(t),
		"mjpeg":  avtest.Movie{Video: "mjpeg", Color: media.Color{Range: media.Full}, Times: avtest.Steady(3, 30)}.Bytes(t),
	} {
		v, err := OpenVideo(t.Context(), bytes.NewReader(data), VideoOptions{Decoder: NVDEC})
		if err != nil {
			t.Fatal(err)
		}
		if library, why := v.Decoder(); strings.HasSuffix(library, "_cuvid") || why != nil || suits(v.st) && name != "mjpeg" {
			t.Errorf("%s: %s, %v", name, library, why)
		}
		v.Close()
	}
	v, err := OpenVideo(t.Context(), bytes.NewReader(clip(t, "vp8")), VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for den, want := range map[int64]bool{1000: true, 90_000: true, 5_000_000: true, 5_000_001: false, 1_000_000_000: false} {
		st := *v.st
		st.TimeBase = media.TimeBase{Num: 1, Den: den}
		if suits(&st) != want {
			t.Errorf("1/%d s suits: %v", den, !want)
		}
	}
}

// TestCardRecordings: real recordings, those with something odd about them, are the
// same with decoders by other people, whether or not these are given up.
func TestCardRecordings(t *testing.T) {
	all := uploads(t)
	for key, odd := range map[string]bool{"a1": false, "t2": false, "longgop": false, "odd": false, "vlate": false, "trunc": false, "negmkv": true, "reschg": true} {
		t.Run(key, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(recordings, all[key].File))
			if err != nil {
				t.Fatal(err)
			}
			v, err := OpenVideo(t.Context(), bytes.NewReader(data), VideoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			codec := v.st.Codec
			v.Close()
			for _, from := range []time.Duration{0, 3 * time.Second} {
				after, why := compare(t, data, VideoOptions{From: from}, &candidate{library: others[codec]})
				t.Logf("%s from %v: given up after %d pictures because of %v", codec, from, after, why)
				if odd != (why != nil) {
					t.Errorf("from %v: given up because of %v", from, why)
				}
			}
		})
	}
}
