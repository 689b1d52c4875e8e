package av_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

func TestMain(m *testing.M) {
	leaked := make(chan string, 100)
	av.OnLeak = func(what string) { leaked <- what }
	code := m.Run()
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	select {
	case what := <-leaked:
		os.Stderr.WriteString("leaked: " + what + "\n")
		code = 1
	default:
	}
	os.Exit(code)
}

// Package av takes the C pointer out of the first field of these types.
func TestAstiavLayout(t *testing.T) {
	for _, v := range []any{astiav.Packet{}, astiav.CodecContext{}, astiav.Dictionary{}} {
		f := reflect.TypeOf(v).Field(0)
		if f.Name != "c" || f.Offset != 0 || f.Type.Kind() != reflect.Pointer {
			t.Errorf("%T: first field is %s %s at %d, want the C pointer", v, f.Name, f.Type, f.Offset)
		}
	}
}

func small(t *testing.T) []byte {
	return avtest.Movie{Video: "libvpx", Times: avtest.Steady(20, 30), Audio: "libopus", Samples: 32000}.Bytes(t)
}

// brokenReader fails after some bytes, as a bucket that goes away does.
type brokenReader struct {
	*bytes.Reader
	left int
	err  error
}

func (b *brokenReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, b.err
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func TestReaderErrorIsKept(t *testing.T) {
	data := small(t)
	gone := errors.New("bucket gone")
	for _, left := range []int{0, 100, len(data) / 2} {
		d, err := av.OpenDemuxer(t.Context(), &brokenReader{bytes.NewReader(data), left, gone}, av.InputOptions{})
		p := av.NewPacket()
		for err == nil {
			err = d.Read(p)
		}
		if !errors.Is(err, gone) {
			t.Errorf("after %d bytes: %v, want the reader's own error", left, err)
		}
		p.Close()
		d.Close()
	}
}

func TestContextEndsReading(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	big := avtest.Movie{
		Video: "libx264", VideoOptions: []av.Option{{Key: "qp", Value: "0"}, {Key: "preset", Value: "ultrafast"}},
		Times: avtest.Steady(60, 30), Picture: noise,
	}.Bytes(t)
	d, err := av.OpenDemuxer(ctx, bytes.NewReader(big), av.InputOptions{Shallow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := errors.New("stop")
	cancel(stop)
	p := av.NewPacket()
	defer p.Close()
	for err == nil { // what is buffered may still come
		err = d.Read(p)
	}
	if !errors.Is(err, stop) {
		t.Errorf("%v, want the cause", err)
	}
}

func TestLogIsInTheError(t *testing.T) {
	data := avtest.Movie{Container: "mp4", Video: "libx264", Times: avtest.Steady(10, 25)}.Bytes(t)
	cut := data[:bytes.Index(data, []byte("moov"))]
	_, err := av.OpenDemuxer(t.Context(), bytes.NewReader(cut), av.InputOptions{})
	var e *av.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "moov atom not found") {
		t.Errorf("error %v, want libav's own words in it", err)
	}
}

func TestCloseTwice(t *testing.T) {
	before := av.Live()
	d, err := av.OpenDemuxer(t.Context(), bytes.NewReader(small(t)), av.InputOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Streams()[0]
	dec, err := av.NewDecoder(&s, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, p := av.NewFrame(), av.NewPacket()
	for range 2 {
		for _, c := range []io.Closer{f, p, dec, d} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if n := av.Live(); n != before {
		t.Errorf("%d things open, want %d", n, before)
	}
}

func TestUnknownOptionIsAnError(t *testing.T) {
	_, err := av.NewEncoder(av.EncoderOptions{
		Codec: "libx264", Width: 64, Height: 64, TimeBase: media.TimeBase{Num: 1, Den: 25},
		Rate: media.FrameRate{Num: 25, Den: 1}, Options: []av.Option{{Key: "no-such-option", Value: "1"}},
	})
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("error %v, want the option's name", err)
	}
}

// Encoding borrows the caller's memory only while the call runs.
func TestSendPictureLetsGo(t *testing.T) {
	e, err := av.NewEncoder(av.EncoderOptions{
		Codec: "libx264", Width: 64, Height: 64, TimeBase: media.TimeBase{Num: 1, Den: 25},
		Rate: media.FrameRate{Num: 25, Den: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	p := av.NewPacket()
	defer p.Close()
	for n := range 80 { // longer than the encoder's look-ahead
		f := avtest.NewFrame(64, 64, 8, 1, 1)
		avtest.Number(f, n)
		if err := e.SendPicture(f, media.PTS(n)); err != nil {
			t.Fatalf("picture %d: %v", n, err)
		}
		for e.Receive(p) == nil {
		}
		if n%20 == 0 {
			runtime.GC()
		}
	}
}

func noise(f *media.Frame, n int) {
	seed := uint32(n + 1)
	for _, p := range f.Planes {
		for i := range p.Data {
			seed = seed*1664525 + 1013904223
			p.Data[i] = byte(seed >> 24)
		}
	}
}
