package main

import (
	"fmt"
	"io"
	"os"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/barcode"
	"github.com/choirless/render/media"
)

// container is how a file is put together.
type container int

const (
	liveWebM     container = iota // as MediaRecorder writes it: no duration, no cues
	liveMatroska                  // Chrome's H.264: Matroska, but called .webm
	phoneMP4                      // H.264 and AAC
)

// recipe is what a recording is made with.
type recipe struct {
	Name      string // for truth.json
	Container container
	Video     string // encoder; "" for sound only
	W, H      int    // upright
	Rotation  int    // degrees clockwise a player must turn the stored picture
	FPS       float64
	Jitter    float64 // seconds; a browser's timestamps wander
	Drop      float64 // share of pictures that were never recorded
	Channels  int
	Bitrate   int // of the picture, bit/s
}

// recipes are taken in turn; the first is the backing's.
var recipes = []recipe{
	{"browser, VP8", liveWebM, "libvpx", 640, 480, 0, 25, 0.002, 0, 1, 900e3},
	{"browser, VP8, dropped pictures", liveWebM, "libvpx", 640, 480, 0, 24, 0.006, 0.08, 1, 900e3},
	{"browser, VP9, 720p", liveWebM, "libvpx-vp9", 1280, 720, 0, 24, 0.003, 0.02, 1, 1400e3},
	{"browser, VP8, portrait", liveWebM, "libvpx", 480, 640, 0, 24, 0.005, 0.05, 1, 900e3},
	{"phone, H.264, stored sideways", phoneMP4, "libx264", 480, 640, 90, 29.97, 0, 0, 2, 1500e3},
	{"Chrome, H.264 in Matroska", liveMatroska, "libx264", 640, 480, 0, 27, 0.004, 0.03, 1, 1200e3},
	{"browser, VP9", liveWebM, "libvpx-vp9", 640, 480, 0, 22, 0.008, 0.1, 1, 800e3},
	{"phone, H.264, 720p", phoneMP4, "libx264", 1280, 720, 0, 25, 0, 0, 1, 2500e3},
	{"browser, VP8, wide", liveWebM, "libvpx", 640, 360, 0, 28, 0.004, 0.04, 2, 900e3},
	{"phone, H.264, upside down", phoneMP4, "libx264", 640, 480, 180, 30, 0, 0, 1, 1500e3},
}

// audioOnly is a recording without a picture.
var audioOnly = recipe{Name: "browser, Opus only", Container: liveWebM, Channels: 1}

// ext returns the file name's extension.
func (r recipe) ext() string {
	if r.Container == phoneMP4 {
		return "mp4"
	}
	return "webm"
}

// take is a recording to be written.
type take struct {
	recipe
	seconds float64
	sound   [][]float32
	audioAt int64     // of the first sample in the file's time, samples
	times   []float64 // part time of each picture, seconds, the first 0
	draw    func(c *canvas, t float64)
	label   bool
	flash   func(t float64) bool
}

// nominalTicks is how long a picture lasts, in milliseconds, as far as the
// encoder cannot know.
const nominalTicks = 33

// milliseconds is the clock of the files' pictures.
var milliseconds = media.TimeBase{Num: 1, Den: 1000}

// write encodes and muxes the take into a new file.
func (k *take) write(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(path)
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	if err := k.mux(f); err != nil {
		return err
	}
	if k.Container != phoneMP4 {
		return dropCodecDelay(f)
	}
	if k.Rotation != 0 {
		return setRotation(f, k.Rotation)
	}
	return nil
}

// writer is a take being written.
type writer struct {
	*take
	mux          *av.Muxer
	video, audio *av.Encoder
	packet       *av.Packet
	vi, ai       int
	sent         int // sample frames
}

func (k *take) mux(f io.Writer) error {
	w := &writer{take: k, packet: av.NewPacket()}
	defer w.packet.Close()
	if err := w.open(f); err != nil {
		return err
	}
	defer w.mux.Close()
	defer w.audio.Close()
	if w.video != nil {
		defer w.video.Close()
	}
	if err := w.pictures(); err != nil {
		return err
	}
	if err := w.soundUntil(k.seconds + 1); err != nil {
		return err
	}
	for _, e := range []*av.Encoder{w.audio, w.video} {
		if e == nil {
			continue
		}
		if err := e.Finish(); err != nil {
			return err
		}
		if err := w.drain(e); err != nil {
			return err
		}
	}
	return w.mux.Finish()
}

func (w *writer) open(f io.Writer) (err error) {
	format, options := "webm", []av.Option{{Key: "live", Value: "1"}}
	switch w.Container {
	case liveMatroska:
		format = "matroska"
	case phoneMP4:
		format, options = "mp4", []av.Option{{Key: "video_track_timescale", Value: "30000"}}
	}
	if w.mux, err = av.NewMuxer(f, format, options...); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.mux.Close()
			w.audio.Close()
			w.video.Close()
		}
	}()
	if w.Video != "" {
		if w.video, err = av.NewEncoder(w.videoOptions()); err != nil {
			return err
		}
		if w.vi, err = w.mux.AddEncoded(w.video); err != nil {
			return err
		}
	}
	if w.audio, err = av.NewEncoder(w.audioOptions()); err != nil {
		return err
	}
	w.ai, err = w.mux.AddEncoded(w.audio)
	return err
}

func (w *writer) videoOptions() av.EncoderOptions {
	o := av.EncoderOptions{
		Codec: w.Video, Threads: 1, BitRate: w.Bitrate, Header: w.Video == "libx264",
		Width: w.W, Height: w.H, TimeBase: milliseconds,
		Rate: media.FrameRate{Num: int64(w.FPS*1000 + 0.5), Den: 1000},
	}
	if w.Rotation%180 != 0 {
		o.Width, o.Height = w.H, w.W
	}
	switch w.Video {
	case "libx264":
		o.Options = []av.Option{{Key: "preset", Value: "superfast"}, {Key: "g", Value: "90"}}
		if w.Container == liveMatroska {
			o.Options = append(o.Options, av.Option{Key: "bf", Value: "0"})
		}
	default:
		// A positive speed of VP8's follows the clock of the machine: other bytes
		// every time.
		speed := map[string]string{"libvpx": "-10", "libvpx-vp9": "8"}[w.Video]
		o.Options = []av.Option{
			{Key: "deadline", Value: "realtime"},
			{Key: "cpu-used", Value: speed},
			{Key: "lag-in-frames", Value: "0"},
			{Key: "g", Value: "100"},
		}
	}
	return o
}

func (w *writer) audioOptions() av.EncoderOptions {
	o := av.EncoderOptions{SampleRate: rate, Channels: w.Channels, BitRate: 64000 * w.Channels, Header: true}
	if w.Container == phoneMP4 {
		o.Codec = "aac"
		o.BitRate *= 2
		return o
	}
	// 60 ms packets, as Chrome's MediaRecorder has them.
	o.Codec, o.Options = "libopus", []av.Option{{Key: "frame_duration", Value: "60"}}
	return o
}

// pictures draws and encodes the pictures, the sound beside them.
func (w *writer) pictures() error {
	if w.video == nil {
		return nil
	}
	c := newCanvas(w.W, w.H)
	stored := media.NewFrame(w.W, w.H)
	if w.Rotation%180 != 0 {
		stored = media.NewFrame(w.H, w.W)
	}
	last := media.PTS(-1)
	for n, t := range w.times {
		if err := w.soundUntil(t); err != nil {
			return err
		}
		w.draw(c, t)
		if w.flash != nil && w.flash(t) {
			c.rect(0, 0, c.width(), c.height(), rgb{255, 255, 255}, 1)
		}
		if w.label {
			barcode.Draw(c.f.Planes[0], n&barcode.Max, 16, 235)
			c.greyTop(barcode.Rows(w.H))
		}
		pts := max(milliseconds.PTS(seconds(t)), last+1)
		last = pts
		if err := w.video.SendPicture(c.rotated(w.Rotation, stored), pts); err != nil {
			return err
		}
		if err := w.drain(w.video); err != nil {
			return err
		}
	}
	return nil
}

// soundUntil encodes the sound up to part time t, in seconds, or to its end.
func (w *writer) soundUntil(t float64) error {
	size := w.audio.BlockSize()
	for {
		from, to := w.sent, w.sent+size
		if from >= len(w.sound[0]) || float64(int64(from)+w.audioAt)/rate > t {
			return nil
		}
		block := make([][]float32, len(w.sound))
		for i, ch := range w.sound {
			block[i] = make([]float32, size)
			copy(block[i], ch[from:min(to, len(ch))])
		}
		if err := w.audio.SendSound(block, media.PTS(int64(from)+w.audioAt)); err != nil {
			return err
		}
		w.sent = to
		if err := w.drain(w.audio); err != nil {
			return err
		}
	}
}

func (w *writer) drain(e *av.Encoder) error {
	stream := w.vi
	if e == w.audio {
		stream = w.ai
	}
	for {
		err := e.Receive(w.packet)
		if err == av.ErrAgain || err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if stream == w.vi && w.video != nil && w.packet.Duration() == 0 {
			// Without it an MP4's edit list would end before the last picture.
			w.packet.SetTimes(w.packet.PTS(), w.packet.DTS(), nominalTicks)
		}
		if err := w.mux.Write(stream, w.packet, e.TimeBase()); err != nil {
			return err
		}
	}
}

// greyTop takes the colour out of the rows of the label.
func (c *canvas) greyTop(rows int) {
	for k := 1; k < 3; k++ {
		p := c.f.Planes[k]
		for y := range (rows + 1) / 2 {
			for x := range p.Width {
				p.Data[y*p.Stride+x] = 128
			}
		}
	}
}
