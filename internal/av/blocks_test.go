package av_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// decoded is what a test sees of a picture.
type decoded struct {
	pts     media.PTS
	corrupt bool
	sum     [32]byte // of every sample
}

func look(t testing.TB, f *av.Frame) decoded {
	var m media.Frame
	if !f.Picture(&m) {
		t.Error("the picture is not planar")
		return decoded{}
	}
	h := sha256.New()
	for _, p := range m.Planes {
		for y := range p.Height {
			h.Write(p.Data[y*p.Stride:][:p.Width])
		}
	}
	return decoded{f.PTS(), f.Corrupt(), [32]byte(h.Sum(nil))}
}

// reading decodes the first video stream of a file packet by packet.
type reading struct {
	t       testing.TB
	d       *av.Demuxer
	decoder *av.Decoder
	packet  *av.Packet
	damage  func(n int, p *av.Packet) bool // false: the packet is lost
	n       int
	ended   bool
}

func read(t testing.TB, file []byte, threads int, damage func(int, *av.Packet) bool) *reading {
	d, err := av.OpenDemuxer(t.Context(), bytes.NewReader(file), av.InputOptions{Shallow: true})
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := av.NewDecoder(&d.Streams()[0], threads)
	if err != nil {
		t.Fatal(err)
	}
	return &reading{t: t, d: d, decoder: decoder, packet: av.NewPacket(), damage: damage}
}

// next returns false after the last picture. Packets that make no picture are passed over.
func (r *reading) next(f *av.Frame) bool {
	for {
		err := r.decoder.Receive(f)
		switch {
		case err == nil:
			return true
		case err == io.EOF || r.ended && err == av.ErrAgain:
			return false
		case err != av.ErrAgain || r.ended:
			continue
		}
		p := r.packet
		if err := r.d.Read(p); err != nil {
			p, r.ended = nil, true
		} else if r.n++; r.damage != nil && !r.damage(r.n-1, p) {
			continue
		}
		_ = r.decoder.Send(p) // damaged or not, the pictures tell
	}
}

func (r *reading) close() {
	r.packet.Close()
	r.decoder.Close()
	r.d.Close()
}

// decodeAll returns every picture of a file.
func decodeAll(t testing.TB, file []byte, threads int, damage func(int, *av.Packet) bool) (all []decoded) {
	r := read(t, file, threads, damage)
	defer r.close()
	f := av.NewFrame()
	defer f.Close()
	for r.next(f) {
		all = append(all, look(t, f))
	}
	return all
}

// atRest waits until decoders of earlier tests are forgotten.
func atRest(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(3*av.Rest + 5*time.Second); ; time.Sleep(10 * time.Millisecond) {
		now := av.Pictures()
		if now.Used == 0 && now.Kept == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("at rest there are still %+v", now)
		}
	}
}

// movie is noise, so that memory it has lain in shows.
func movie(t testing.TB, encoder string, width, height, n int) []byte {
	m := avtest.Movie{Video: encoder, Width: width, Height: height, Times: avtest.Steady(n, 25), Picture: noise}
	if encoder == "libx264" {
		m.VideoOptions = []av.Option{{Key: "preset", Value: "ultrafast"}, {Key: "x264-params", Value: "ref=4"}}
	}
	return m.Bytes(t)
}

// videos are the carried clips of the codecs whose decoders take our memory, and one
// more codec.
func videos(t testing.TB) map[string][]byte {
	all := map[string][]byte{"mjpeg": avtest.Movie{
		Video: "mjpeg", Width: 320, Height: 256, Times: avtest.Steady(6, 25), Picture: noise,
		Color: media.Color{Range: media.Full},
	}.Bytes(t)}
	for _, codec := range []string{"vp8", "vp9", "h264", "hevc"} {
		b, err := os.ReadFile("../../decode/clips/" + codec + ".mkv")
		if err != nil {
			t.Fatal(err)
		}
		all[codec] = b
	}
	return all
}

// TestPicturesAreLibavs: pictures are those that libavcodec makes in memory of its
// own, to the byte, also of damaged streams, whose decoders show samples that were
// never written; and also where other pictures have lain before.
func TestPicturesAreLibavs(t *testing.T) {
	damages := map[string]func(r *rand.Rand) func(int, *av.Packet) bool{
		"whole":           func(*rand.Rand) func(int, *av.Packet) bool { return nil },
		"without a start": func(*rand.Rand) func(int, *av.Packet) bool { return func(n int, _ *av.Packet) bool { return n > 0 } },
		"packets lost": func(r *rand.Rand) func(int, *av.Packet) bool {
			return func(int, *av.Packet) bool { return r.IntN(4) > 0 }
		},
		"packets cut": func(r *rand.Rand) func(int, *av.Packet) bool {
			return func(n int, p *av.Packet) bool {
				if n%3 == 0 {
					p.Cut(1 + r.IntN(p.Size()))
				}
				return true
			}
		},
	}
	dirt := movie(t, "libx264", 320, 256, 12)
	for codec, whole := range videos(t) {
		for kind, damage := range damages {
			for seed := range uint64(4) {
				if kind == "whole" && seed > 0 {
					break
				}
				file := whole
				if seed > 1 { // bits flipped, past the headers
					file = slices.Clone(whole)
					for r, i := rand.New(rand.NewPCG(seed, 1)), 0; i < 20; i++ {
						file[2000+r.IntN(len(file)-2000)] ^= byte(1 + r.IntN(255))
					}
				}
				all := func(own bool) []decoded {
					av.LibavsOwn(!own)
					defer av.LibavsOwn(false)
					return decodeAll(t, file, 1, damage(rand.New(rand.NewPCG(seed, 2))))
				}
				want := all(false)
				for round := range 2 {
					decodeAll(t, dirt, 1, nil)
					if got := all(true); !slices.Equal(got, want) {
						t.Errorf("%s, %s, seed %d, round %d: %d pictures differ from libav's %d: %s",
							codec, kind, seed, round, len(got), len(want), differ(got, want))
					}
				}
			}
		}
	}
}

func differ(got, want []decoded) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("the first is number %d", i)
		}
	}
	return "in number"
}

// TestPictureMemoryIsPassedOn: the next decoder takes nothing from the system, of
// whatever size its pictures are.
func TestPictureMemoryIsPassedOn(t *testing.T) {
	atRest(t)
	large, small := movie(t, "libx264", 640, 480, 6), movie(t, "libx264", 352, 288, 6)
	decodeAll(t, large, 1, nil)
	first := av.Pictures()
	if first.Kept == 0 || first.Used != 0 {
		t.Fatalf("after the first decoder %+v", first)
	}
	for range 10 {
		decodeAll(t, small, 1, nil)
		decodeAll(t, large, 1, nil)
	}
	if now := av.Pictures(); now != first {
		t.Errorf("after twenty more decoders %+v, after the first %+v", now, first)
	}
}

// TestPictureMemoryIsBounded: little is kept, however much was in use, and that goes
// back to the system when decoders rest.
func TestPictureMemoryIsBounded(t *testing.T) {
	atRest(t)
	file := movie(t, "libx264", 1920, 1088, 8)
	var open []*reading
	f := av.NewFrame()
	defer f.Close()
	for range 4 {
		r := read(t, file, 1, nil)
		for range 6 {
			r.next(f)
		}
		open = append(open, r)
	}
	f.Unref()
	busy := av.Pictures()
	if busy.Used < 40<<20 {
		t.Fatalf("four decoders use %d KiB: nothing is tested", busy.Used>>10)
	}
	if busy.Kept > 2<<20 {
		t.Errorf("while four decoders use %d KiB, %d KiB are kept", busy.Used>>10, busy.Kept>>10)
	}
	for _, r := range open {
		r.close()
	}
	now := av.Pictures()
	if now.Used != 0 || now.Buffers != 0 || now.Kept > 6<<20 || now.Kept < 4<<20 {
		t.Errorf("after the last decoder %+v", now)
	}
	before := anonymous(t)
	atRest(t)
	if gone := before - anonymous(t); gone < now.Kept*3/4 {
		t.Errorf("at rest the process has %d KiB less, though %d KiB were kept", gone>>10, now.Kept>>10)
	}
}

// anonymous is how much memory of no file this process has, in bytes.
func anonymous(t *testing.T) (n int64) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc to read memory from")
	}
	_, after, _ := bytes.Cut(b, []byte("RssAnon:"))
	fmt.Sscan(string(after), &n)
	return n << 10
}

// TestPictureOutlivesItsDecoder, and others that take memory after that.
func TestPictureOutlivesItsDecoder(t *testing.T) {
	file := movie(t, "libx264", 640, 480, 6)
	r := read(t, file, 1, nil)
	f := av.NewFrame()
	defer f.Close()
	if !r.next(f) {
		t.Fatal("no picture")
	}
	want := look(t, f)
	r.close()
	for range 3 {
		decodeAll(t, file, 1, nil)
	}
	if got := look(t, f); got != want {
		t.Error("a picture changed after its decoder was closed")
	}
	time.Sleep(2 * av.Rest)
	if now := av.Pictures(); now.Used == 0 || now.Kept != 0 {
		t.Errorf("with one picture and no decoder %+v", now)
	}
	if got := look(t, f); got != want {
		t.Error("a picture changed when the rest was given back")
	}
	f.Unref()
	atRest(t)
}

// TestDecodersAtOnce: many decoders, of one thread and of several, leave each other's
// pictures alone.
func TestDecodersAtOnce(t *testing.T) {
	files := videos(t)
	delete(files, "mjpeg")
	want := map[string][]decoded{}
	for codec, file := range files {
		want[codec] = decodeAll(t, file, 1, nil)
	}
	var wait sync.WaitGroup
	for codec, file := range files {
		for threads := 1; threads <= 3; threads++ {
			wait.Go(func() {
				for range 4 {
					if got := decodeAll(t, file, threads, nil); !slices.Equal(got, want[codec]) {
						t.Errorf("%s on %d threads: %s", codec, threads, differ(got, want[codec]))
					}
				}
			})
		}
	}
	wait.Wait()
	if now := av.Pictures(); now.Used != 0 {
		t.Errorf("after all %+v", now)
	}
}
