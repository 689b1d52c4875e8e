// Package avtest makes small recordings for tests: pictures that carry their
// own number, at any times, and sound with clicks at known samples.
package avtest

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Movie describes a recording. Zero fields mean none or the usual.
type Movie struct {
	Container string // libav's muxer name; "" is matroska
	Options   []av.Option
	Tags      []av.Option // of the picture's stream

	Video        string // encoder name, "" for no picture
	VideoOptions []av.Option
	Width        int // default 160
	Height       int // default 96
	Times        []time.Duration
	Depth        int
	SubX, SubY   int
	Color        media.Color
	SAR          media.Ratio
	Picture      func(f *media.Frame, n int) // default Number

	Audio    string // encoder name, "" for no sound
	Rate     media.SampleRate
	Channels int
	Samples  int
	// Sound returns sample i of a channel; default Click.
	Sound func(i, channel int) float32
	// Jump returns by how much the timestamp of the packet that starts at
	// sample i is off; nil is never.
	Jump func(i int64) time.Duration
	// AudioStart is the timestamp of the first sample.
	AudioStart time.Duration
}

// Steady returns n times at a frame rate.
func Steady(n int, fps float64) []time.Duration {
	t := make([]time.Duration, n)
	for i := range t {
		t[i] = time.Duration(float64(i) / fps * float64(time.Second))
	}
	return t
}

// bits is how many bars a numbered picture has.
const bits = 8

// Number fills f with grey and n, modulo 256, as bars over its whole height:
// white for 1, black for 0, highest bit left.
func Number(f *media.Frame, n int) {
	unit := 1 << (f.Depth - 8)
	for y := range f.Planes[0].Height {
		for x := range f.Planes[0].Width {
			bar := x * bits / f.Planes[0].Width
			v := 40
			if n>>(bits-1-bar)&1 == 1 {
				v = 210
			}
			set(&f.Planes[0], x, y, v*unit, f.Depth)
		}
	}
	for i := 1; i < 3; i++ {
		for y := range f.Planes[i].Height {
			for x := range f.Planes[i].Width {
				set(&f.Planes[i], x, y, 128*unit, f.Depth)
			}
		}
	}
}

func set(p *media.Plane, x, y, v, depth int) {
	if depth > 8 {
		p.Data[y*p.Stride+2*x], p.Data[y*p.Stride+2*x+1] = byte(v), byte(v>>8)
		return
	}
	p.Data[y*p.Stride+x] = byte(v)
}

// ReadNumber reads what Number has written.
func ReadNumber(f *media.Frame) int {
	p, n := f.Planes[0], 0
	for bar := range bits {
		x, y := (2*bar+1)*p.Width/(2*bits), p.Height/2
		v := 0
		if f.Depth > 8 {
			v = (int(p.Data[y*p.Stride+2*x]) | int(p.Data[y*p.Stride+2*x+1])<<8) >> (f.Depth - 8)
		} else {
			v = int(p.Data[y*p.Stride+x])
		}
		n <<= 1
		if v > 125 {
			n |= 1
		}
	}
	return n
}

// NewFrame allocates a picture of any depth and subsampling.
func NewFrame(width, height, depth, subX, subY int) *media.Frame {
	f := &media.Frame{Depth: depth, SubX: subX, SubY: subY}
	for i := range f.Planes {
		w, h := width, height
		if i > 0 {
			w, h = (width+1<<subX-1)>>subX, (height+1<<subY-1)>>subY
		}
		stride := (w*(depth+7)/8 + 31) &^ 31
		f.Planes[i] = media.Plane{Data: make([]byte, stride*h), Stride: stride, Width: w, Height: h}
	}
	return f
}

// ClickEvery is the distance of the clicks, in samples.
const ClickEvery = 12000

// Click is silence with a short pulse at every multiple of ClickEvery but 0, of
// alternating height.
func Click(i, channel int) float32 {
	k := i % ClickEvery
	if i < ClickEvery/2 {
		return 0
	}
	if k > ClickEvery/2 {
		k -= ClickEvery
	}
	shape := [...]float32{0.8, 0.6, 0.3, 0.1}
	if k < 0 {
		k = -k
	}
	if k < len(shape) {
		return shape[k]
	}
	return 0
}

// Reader returns the recording.
func (m Movie) Reader(t testing.TB) *bytes.Reader { return bytes.NewReader(m.Bytes(t)) }

// Bytes returns the recording.
func (m Movie) Bytes(t testing.TB) []byte {
	t.Helper()
	var out Buffer
	if err := m.write(&out); err != nil {
		t.Fatalf("making a recording: %v", err)
	}
	return out.Data
}

type event struct {
	packet *av.Packet
	stream int
	tb     media.TimeBase
}

func (m Movie) write(out *Buffer) error {
	if m.Container == "" {
		m.Container = "matroska"
	}
	mux, err := av.NewMuxer(out, m.Container, m.Options...)
	if err != nil {
		return err
	}
	defer mux.Close()
	var events []event
	defer func() {
		for _, e := range events {
			e.packet.Close()
		}
	}()
	if m.Video != "" {
		e, err := m.pictures(mux)
		events = append(events, e...)
		if err != nil {
			return err
		}
	}
	if m.Audio != "" {
		e, err := m.sound(mux)
		events = append(events, e...)
		if err != nil {
			return err
		}
	}
	for _, e := range events { // the muxer puts them in order
		if err := mux.Write(e.stream, e.packet, e.tb); err != nil {
			return err
		}
	}
	return mux.Finish()
}

func (m Movie) pictures(mux *av.Muxer) ([]event, error) {
	if m.Width == 0 {
		m.Width, m.Height = 160, 96
	}
	if m.Depth == 0 {
		m.Depth, m.SubX, m.SubY = 8, 1, 1
	}
	tb := media.TimeBase{Num: 1, Den: 90000}
	if m.Video == "mpeg4" {
		tb.Den = 30000 // its limit is 65535
	}
	e, err := av.NewEncoder(av.EncoderOptions{
		Codec: m.Video, Options: m.VideoOptions, Header: true, Width: m.Width, Height: m.Height,
		Depth: m.Depth, SubX: m.SubX, SubY: m.SubY, TimeBase: tb,
		Rate: media.FrameRate{Num: 30, Den: 1}, Color: m.Color, SAR: m.SAR,
	})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	stream, err := mux.AddEncoded(e, m.Tags...)
	if err != nil {
		return nil, err
	}
	f := NewFrame(m.Width, m.Height, m.Depth, m.SubX, m.SubY)
	// Without a length an MP4 would end with the last picture's beginning.
	length := func(p *av.Packet) { p.SetTimes(p.PTS(), p.DTS(), int64(tb.PTS(time.Second/30))) }
	var events []event
	for n, at := range m.Times {
		if m.Picture != nil {
			m.Picture(f, n)
		} else {
			Number(f, n)
		}
		if err := e.SendPicture(f, tb.PTS(at)); err != nil {
			return events, err
		}
		if events, err = drain(e, stream, length, events); err != nil {
			return events, err
		}
	}
	if err := e.Finish(); err != nil {
		return events, err
	}
	return drain(e, stream, length, events)
}

func (m Movie) sound(mux *av.Muxer) ([]event, error) {
	if m.Rate == 0 {
		m.Rate = 48000
	}
	m.Channels = max(m.Channels, 1)
	if m.Sound == nil {
		m.Sound = Click
	}
	e, err := av.NewEncoder(av.EncoderOptions{Codec: m.Audio, Header: true, SampleRate: m.Rate, Channels: m.Channels})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	stream, err := mux.AddEncoded(e)
	if err != nil {
		return nil, err
	}
	size := e.BlockSize()
	if size == 0 {
		size = 960
	}
	shift := func(p *av.Packet) {
		d := m.AudioStart
		if m.Jump != nil {
			d += m.Jump(int64(p.PTS()))
		}
		s := media.PTS(m.Rate.Samples(d))
		p.SetTimes(p.PTS()+s, p.DTS()+s, p.Duration())
	}
	var events []event
	for at := 0; at < m.Samples; at += size {
		n := min(size, m.Samples-at)
		block := make([][]float32, m.Channels)
		for c := range block {
			block[c] = make([]float32, n)
			for i := range block[c] {
				block[c][i] = m.Sound(at+i, c)
			}
		}
		if err := e.SendSound(block, media.PTS(at)); err != nil {
			return events, err
		}
		if events, err = drain(e, stream, shift, events); err != nil {
			return events, err
		}
	}
	if err := e.Finish(); err != nil {
		return events, err
	}
	return drain(e, stream, shift, events)
}

func drain(e *av.Encoder, stream int, edit func(*av.Packet), events []event) ([]event, error) {
	for {
		p := av.NewPacket()
		err := e.Receive(p)
		if err != nil {
			p.Close()
			if err == av.ErrAgain || err == io.EOF {
				return events, nil
			}
			return events, err
		}
		if edit != nil {
			edit(p)
		}
		events = append(events, event{p, stream, e.TimeBase()})
	}
}
