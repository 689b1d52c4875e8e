package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// voices makes n parts that play the given samples, with pan, offset and gain.
func voices(sounds [][]float32, n int, samples int64) []mix.Voice {
	var out []mix.Voice
	for i := range n {
		x := sounds[i%len(sounds)]
		out = append(out, mix.Voice{
			Name: fmt.Sprint("part-", i), Gain: 0.3, Send: 1,
			Pan:    2*float64(i)/float64(n) - 1,
			Offset: media.Offset(time.Duration(i*7%300-100) * time.Millisecond),
			Open:   func() (mix.Source, error) { return &loop{x: x, left: samples}, nil },
		})
	}
	return out
}

// produce mixes voices in stripes through WAV files, as the service does, and
// masters the sums.
func produce(dir string, vs []mix.Voice, stripes int, samples int64, o mix.MasterOptions) (mix.Mastered, error) {
	return produceTo(dir, vs, stripes, samples, o, func([][]float32) error { return nil })
}

func produceTo(dir string, vs []mix.Voice, stripes int, samples int64, o mix.MasterOptions, sink func([][]float32) error) (mix.Mastered, error) {
	ctx := context.Background()
	var ins []func() (mix.Source, error)
	for s := range stripes {
		path := filepath.Join(dir, fmt.Sprintf("stripe-%d.wav", s))
		if err := sumTo(ctx, path, vs[s*len(vs)/stripes:(s+1)*len(vs)/stripes], samples); err != nil {
			return mix.Mastered{}, err
		}
		ins = append(ins, func() (mix.Source, error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			return mix.OpenWAV(f)
		})
	}
	return mix.Master(ctx, ins, samples, o, sink)
}

func sumTo(ctx context.Context, path string, vs []mix.Voice, samples int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := mix.NewWAVWriter(f, media.MixRate, 2, samples)
	if err != nil {
		return err
	}
	if err := mix.Sum(ctx, vs, samples, func(dry, _ [][]float32) error { return w.Write(dry) }); err != nil {
		return err
	}
	return w.Close()
}

// rivalVariable hands the rival's figure to the simd build.
const rivalVariable = "BENCH_MIX_RIVAL"

// benchChain: 16 parts of 60 s to final loudness with reverb, against the audio
// half of the one ffmpeg command that a skilled user would type.
func benchChain(r *report) error {
	const n, length = 16, 60
	var sounds [][]float32
	for i := range n {
		sounds = append(sounds, voice(length, 110*float64(1+i%4), 0.1, uint64(i)))
	}
	var m mix.Mastered
	o := mix.MasterOptions{Wet: 0.1, Room: "hall", Target: -16, Ceiling: -1}
	own, err := best(3, func() (err error) {
		m, err = produce(r.dir, voices(sounds, n, length*48000), 4, length*48000, o)
		return err
	})
	if err != nil {
		return err
	}
	rival := 0.0
	if !r.child {
		if rival, err = r.rivalChain(sounds); err != nil && !errors.Is(err, errNoFFmpeg) {
			return err
		}
		r.rival = rival
	} else {
		rival, _ = strconv.ParseFloat(os.Getenv(rivalVariable), 64)
	}
	r.line(ours("16 parts of 60 s, reverb, loudness, limiter"), "%.3f", own, fmt.Sprintf("≤ 0.5 x %.2f", rival), own <= rival/2)
	r.note("%.2f LUFS, %.2f dBTP, limiter %.1f dB", float64(m.Integrated), float64(m.TruePeak), m.LimitDB)
	if !r.child {
		r.line("  ffmpeg pan, amix, afir, loudnorm", "%.3f", rival, "", true)
	}
	return nil
}

func (r *report) rivalChain(sounds [][]float32) (float64, error) {
	var args []string
	var graph, names strings.Builder
	for i, x := range sounds {
		path, err := r.writeWAV(fmt.Sprintf("part-%d.wav", i), media.MixRate, x)
		if err != nil {
			return 0, err
		}
		args = append(args, "-i", path)
		fmt.Fprintf(&graph, "[%d]atrim=start=0.05,asetpts=PTS-STARTPTS,aresample=48000,volume=0.3,pan=stereo|c0=0.6*c0|c1=0.8*c0,aformat=channel_layouts=stereo[a%d];", i, i)
		fmt.Fprintf(&names, "[a%d]", i)
	}
	hall, err := mix.Room("hall")
	if err != nil {
		return 0, err
	}
	hl, hr := hall.Response()
	ir, err := r.writeWAV("hall.wav", media.MixRate, hl, hr)
	if err != nil {
		return 0, err
	}
	n := len(sounds)
	fmt.Fprintf(&graph, "%samix=inputs=%d:normalize=0:dropout_transition=0,asplit[d][r];[r][%d]afir=dry=0:wet=1[w];", names.String(), n, n)
	graph.WriteString("[d][w]amix=inputs=2:normalize=0:weights=0.95 0.3,aformat=channel_layouts=stereo,loudnorm=I=-16:TP=-1:LRA=11,aresample=48000,aformat=channel_layouts=stereo[o]")
	return ffmpeg(append(args, "-i", ir, "-filter_complex", graph.String(), "-map", "[o]", "-f", "null", "-")...)
}

// benchBig: 120 parts of 4:30 in a process of its own, for its memory.
func benchBig(r *report) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(self, "-big-child")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return err
	}
	u := c.ProcessState.SysUsage().(*syscall.Rusage)
	t := seconds(u.Utime) + seconds(u.Stime)
	r.line(ours("120 parts of 4:30, 8 stripes, hall"), "%.2f", t, "≤ 30", t <= 30)
	// The child says itself: what wait4 reports begins with the parent's memory.
	text, memory, _ := strings.Cut(strings.TrimSpace(string(out)), " VmHWM ")
	mb, err := strconv.ParseFloat(memory, 64)
	if err != nil {
		return err
	}
	r.line("  its largest memory, MB", "%.0f", mb, "≤ 200", mb <= 200)
	r.note("%s", text)
	return nil
}

// largestMemory returns the peak resident memory of this process in MB, 0 where
// the system does not say.
func largestMemory() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

func bigChild() error {
	dir, err := os.MkdirTemp("", "bench-mix-big-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const samples = 270 * 48000
	var sounds [][]float32
	for i := range 4 {
		sounds = append(sounds, voice(5, 110*float64(1+i), 0.05, uint64(i)))
	}
	vs := voices(sounds, 120, samples)
	for i := range vs {
		if i%20 == 0 {
			vs[i].DriftPPM = 30 // a few clocks run fast
		}
	}
	m, err := produce(dir, vs, 8, samples, mix.MasterOptions{Wet: 0.1, Room: "hall", Target: -16, Ceiling: -1})
	fmt.Printf("%.2f LUFS, %.2f dBTP, limiter %.1f dB VmHWM %.1f\n", float64(m.Integrated), float64(m.TruePeak), m.LimitDB, largestMemory())
	return err
}
