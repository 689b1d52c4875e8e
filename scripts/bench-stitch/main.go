// Command bench-stitch measures what joining stripes, keeping cells and checking
// them costs, on songs of 9, 16 and 36 parts made of the recordings of one:
//
//	bench-stitch [--song DIR] [--cases 9,16,36] [--out bench/out/stitch]
//
// For each song it renders in full, again with --verify (every picture of
// the final against its stripes), after a changed gain, after another take of
// one part, and with P pictures alone; then it joins the cells again and again
// for the throughput, and encodes the composed pictures as stripes and as whole
// pictures for the bits. The cells' names, a segment a line, are in cells.txt
// for scripts/browsercheck. CPU is user and system of the process that renders.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench-stitch: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	song := flag.String("song", "demo/song", "`folder` with the recordings of one song")
	cases := flag.String("cases", "9,16,36", "numbers of parts, by comma")
	out := flag.String("out", "bench/out/stitch", "folder for songs, caches and videos")
	bin := flag.String("bin", "bin/choirless", "our program")
	size := flag.String("size", "1920x1080", "size of the canvas")
	only := flag.String("only", "", "steps, by comma, where not all are wanted: full, verify, gain, replaced, p, join, bits")
	pictures := flag.Int("bits", 250, "pictures encoded for the comparison of bits")
	flag.Parse()
	for _, s := range strings.Split(*cases, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 2 {
			return fmt.Errorf("--cases: %q is not a number of parts", s)
		}
		b := bench{bin: *bin, dir: filepath.Join(*out, s), size: *size, parts: n}
		if err := b.run(ctx, *song, strings.FieldsFunc(*only, func(r rune) bool { return r == ',' }), *pictures); err != nil {
			return fmt.Errorf("%d parts: %w", n, err)
		}
	}
	return nil
}

// bench is the measurements of one song.
type bench struct {
	bin, dir, size string
	parts          int
}

// report is what we read of choirless render's.
type report struct {
	CPU    float64 `json:"cpu_s"`
	Wall   float64 `json:"wall_s"`
	Stages []struct {
		Stage string  `json:"stage"`
		CPU   float64 `json:"cpu_s"`
	} `json:"stages"`
	Work []struct {
		Kind  string  `json:"kind"`
		Tasks int     `json:"tasks"`
		CPU   float64 `json:"cpu_s"`
	} `json:"work"`
	Output struct {
		Frames   int  `json:"frames"`
		Stacked  int  `json:"stacked"`
		Verified bool `json:"verified"`
	} `json:"output"`
}

// stage returns the CPU seconds that passed in a stage.
func (r report) stage(name string) float64 {
	for _, s := range r.Stages {
		if s.Stage == name {
			return s.CPU
		}
	}
	return 0
}

// steps are what is measured, in this order; each builds on the ones before.
var steps = []struct {
	name   string
	before func(bench) error
	args   []string
}{
	{"full", nil, nil},
	{"verify", nil, []string{"--verify"}},
	{"gain", bench.changeGain, nil},
	{"replaced", bench.replacePart, nil},
	{"p", nil, []string{"--verify", "--preset", "ultrafast"}}, // P pictures alone
}

func (b bench) run(ctx context.Context, song string, only []string, pictures int) error {
	wanted := func(step string) bool { return len(only) == 0 || slices.Contains(only, step) }
	if wanted("full") {
		if err := b.makeSong(song); err != nil {
			return err
		}
	}
	var full report
	for _, s := range steps {
		if !wanted(s.name) {
			continue
		}
		if s.before != nil {
			if err := s.before(b); err != nil {
				return err
			}
		}
		r, err := b.render(ctx, s.name, s.args...)
		if err != nil {
			return err
		}
		if s.name == "full" {
			full = r
		}
		b.say(s.name, r, full)
	}
	if wanted("join") {
		if err := b.throughput(ctx); err != nil {
			return err
		}
	}
	if wanted("bits") {
		return b.bits(ctx, pictures)
	}
	return nil
}

func (b bench) say(name string, r, full report) {
	fmt.Printf("%d parts: %s: %.1f CPU s (%.1f %% of full), finish %.2f CPU s, %.1f s, %d pictures, %d segments stacked, verified %t;",
		b.parts, name, r.CPU, 100*r.CPU/full.CPU, r.stage("finish"), r.Wall, r.Output.Frames, r.Output.Stacked, r.Output.Verified)
	for _, w := range r.Work {
		fmt.Printf(" %s %d: %.1f", w.Kind, w.Tasks, w.CPU)
	}
	fmt.Println()
}

// render renders the song as it is now, with what its cache holds.
func (b bench) render(ctx context.Context, name string, args ...string) (r report, err error) {
	file := filepath.Join(b.dir, "report.json")
	args = append([]string{
		"render", filepath.Join(b.dir, "song"), "--out", filepath.Join(b.dir, "final.mp4"),
		"--cache", filepath.Join(b.dir, "cache"), "--report", file, "--size", b.size,
	}, args...)
	cmd := exec.CommandContext(ctx, b.bin, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// makeSong links the recordings, again under other ids when they are too few.
func (b bench) makeSong(src string) error {
	files, err := filepath.Glob(filepath.Join(src, "*+*+*.*"))
	if err != nil || len(files) < 2 {
		return fmt.Errorf("%s: %d recordings (%v), want at least 2", src, len(files), err)
	}
	sort.Strings(files)
	if err := os.RemoveAll(b.dir); err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "song")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range b.parts {
		from, err := filepath.Abs(files[i%len(files)])
		if err != nil {
			return err
		}
		ext := filepath.Ext(from)
		name := strings.TrimSuffix(filepath.Base(from), ext)
		if round := i / len(files); round > 0 {
			name = fmt.Sprintf("%s.%d", name, round)
		}
		if err := os.Symlink(from, filepath.Join(dir, name+ext)); err != nil {
			return err
		}
	}
	return nil
}

// last is the last recording of the song, and its part id.
func (b bench) last() (file, id string, err error) {
	files, err := filepath.Glob(filepath.Join(b.dir, "song", "*+*+*"))
	if err != nil || len(files) < b.parts {
		return "", "", fmt.Errorf("%d recordings (%v)", len(files), err)
	}
	sort.Strings(files)
	file = files[len(files)-1]
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return file, name[strings.LastIndexByte(name, '+')+1:], nil
}

func (b bench) changeGain() error {
	_, id, err := b.last()
	if err != nil {
		return err
	}
	doc := fmt.Sprintf(`{"parts": [{"partId": %q, "volume": 0.5}]}`, id)
	return os.WriteFile(filepath.Join(b.dir, "song", "song.json"), []byte(doc), 0o644)
}

// replacePart gives the last part the recording of the one before it.
func (b bench) replacePart() error {
	file, _, err := b.last()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "song", "*+*+*"+filepath.Ext(file)))
	if err != nil {
		return err
	}
	sort.Strings(files)
	own, err := os.Readlink(file)
	if err != nil {
		return err
	}
	for i := len(files) - 1; i >= 0; i-- {
		other, err := os.Readlink(files[i])
		if err != nil {
			return err
		}
		if other != own {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Symlink(other, file)
		}
	}
	return fmt.Errorf("%s: no other recording with its ending", file)
}
