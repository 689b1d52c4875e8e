// Command stitchcheck joins stripes given as files, for the proof scripts and
// for looking at a stream by hand:
//
//	go run ./scripts/stitchcheck -o out.mp4 -rate 30 top.h264 bottom.h264 / top2.h264 bottom2.h264
//
// A slash begins the next segment. Inputs are H.264 byte streams, MP4 or
// Matroska; the output is an MP4 file, or a byte stream when its name ends in
// .h264. -repeat joins the segments again and again, for measurements.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/stitch"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stitchcheck: error:", err)
		os.Exit(1)
	}
}

func run() error {
	out := flag.String("o", "", "output `file`: .mp4 or .h264")
	num := flag.Int64("rate", 30, "pictures per second")
	den := flag.Int64("per", 1, "seconds that -rate pictures last")
	audio := flag.String("audio", "", "MP4 `file` whose AAC track becomes the sound")
	title := flag.String("title", "", "title of the movie")
	anyMotion := flag.Bool("any-motion", false, "join stripes of an encoder without stripe-mv")
	repeat := flag.Int("repeat", 1, "join the segments this many times")
	flag.Parse()

	m := stitch.Movie{Rate: media.FrameRate{Num: *num, Den: *den}, Title: *title, AnyMotion: *anyMotion}
	var once []stitch.Segment
	seg := stitch.Segment{}
	for _, arg := range append(flag.Args(), "/") {
		if arg == "/" {
			once = append(once, seg)
			seg = stitch.Segment{}
			continue
		}
		seg.Stripes = append(seg.Stripes, open(arg))
	}
	for range *repeat {
		m.Segments = append(m.Segments, once...)
	}
	if *audio != "" {
		f, err := os.Open(*audio)
		if err != nil {
			return err
		}
		defer f.Close()
		if m.Audio, err = stitch.ReadAudio(f); err != nil {
			return fmt.Errorf("%s: %w", *audio, err)
		}
	}
	w, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer w.Close()
	start := time.Now()
	var stats stitch.Stats
	if strings.HasSuffix(*out, ".h264") {
		stats, err = stitch.Join(context.Background(), w, m.Segments, stitch.JoinOptions{AnyMotion: m.AnyMotion})
	} else {
		stats, err = stitch.WriteMP4(context.Background(), w, m)
	}
	if err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	fmt.Printf("%dx%d, %d pictures, %d bytes, %.3f s, %.0f pictures/s, %.0f MB/s, %s\n", stats.Width, stats.Height,
		stats.Frames, stats.Bytes, took, float64(stats.Frames)/took, float64(stats.Bytes)/1e6/took, memory())
	return w.Close()
}

// memory returns the largest resident set so far.
func memory() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return fmt.Sprintf("%d kB from the system", m.Sys/1024)
	}
	for line := range strings.Lines(string(b)) {
		if peak, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return "peak " + strings.TrimSpace(peak)
		}
	}
	return "peak unknown"
}

func open(name string) stitch.Opener {
	return func() (io.ReadCloser, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		r, err := stitch.Elementary(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return struct {
			io.Reader
			io.Closer
		}{r, f}, nil
	}
}
