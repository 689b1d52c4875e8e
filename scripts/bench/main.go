// Command bench renders the same songs three ways in one run and compares what
// they cost and what comes out: ours, the one ffmpeg command a skilled user
// would type (compositor's bar), and the original's chain of commands.
//
// Geometry and offsets are ours, handed to both rivals; sizes, frame rate,
// encoder and preset are the same. The order is interleaved, so that a machine
// that slows down slows everybody. Figures are CPU seconds of whole process
// trees first, wall time second.
//
// Quality is SSIM and PSNR of luma against each contender's own lossless render
// (the chain's against the one command's: what its intermediates lose counts).
// Sync is read from the frame numbers the recordings carry.
//
//	bench [--song DIR] [--cases 3,9,16,36,100] [--repeat 3] [--out bench/out]
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
	"strconv"
	"strings"
)

type config struct {
	song   string // folder with recordings to build the cases from
	cases  []int
	repeat int
	out    string
	rivals []string
	bin    string
}

// result is one run of one contender.
type result struct {
	Contender string  `json:"contender"`
	Parts     int     `json:"parts"`
	Repeat    int     `json:"repeat"`
	CPU       float64 `json:"cpu_s"`
	Wall      float64 `json:"wall_s"`
	RSS       float64 `json:"peak_rss_mb"`
	Written   float64 `json:"written_mb"` // intermediate objects and the final
	Size      float64 `json:"final_mb"`
	SSIM      float64 `json:"ssim,omitempty"` // luma, against the contender's own lossless render
	PSNR      float64 `json:"psnr_db,omitempty"`
	LUFS      float64 `json:"lufs,omitempty"`
	Sync      float64 `json:"sync_ms,omitempty"`    // pictures: 99 % are nearer to their time
	Late      float64 `json:"late_share,omitempty"` // pictures more than half an output frame off
	Readable  float64 `json:"readable_labels,omitempty"`
	Error     string  `json:"error,omitempty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var c config
	cases := flag.String("cases", "3,9,16,36,100", "numbers of parts, by comma")
	rivals := flag.String("rivals", "one,chain", "rivals to run: one, chain")
	flag.StringVar(&c.song, "song", "", "folder with recordings to build the cases from; by default a song is generated")
	flag.StringVar(&c.out, "out", "bench/out", "folder for songs and results")
	flag.StringVar(&c.bin, "bin", "bin/choirless", "our program")
	flag.IntVar(&c.repeat, "repeat", 3, "runs of each contender and case")
	quality := flag.Int("quality", 16, "measure SSIM and PSNR, against lossless renders, of cases with at most so many parts")
	flag.Parse()
	for _, s := range strings.Split(*cases, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("--cases: %q is not a number of parts", s)
		}
		c.cases = append(c.cases, n)
	}
	c.rivals = strings.Split(*rivals, ",")
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return fmt.Errorf("the rivals need the ffmpeg program: %w", err)
	}
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	var all []result
	for _, n := range c.cases {
		rs, err := benchCase(ctx, c, n, n <= *quality)
		if err != nil {
			return fmt.Errorf("%d parts: %w", n, err)
		}
		all = append(all, rs...)
	}
	b, err := json.MarshalIndent(struct {
		Conditions conditions `json:"conditions"`
		Results    []result   `json:"results"`
	}{describe(ctx), all}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.out, "results.json"), b, 0o644); err != nil {
		return err
	}
	fmt.Println(describe(ctx))
	fmt.Println()
	fmt.Print(table(all))
	return plot(filepath.Join(c.out, "cost.png"), all)
}

// benchCase prepares a song of n parts and runs every contender on it.
func benchCase(ctx context.Context, c config, n int, quality bool) ([]result, error) {
	src, err := c.source(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(c.out, fmt.Sprintf("song-%d", n))
	if err := makeSong(src, dir, n); err != nil {
		return nil, err
	}
	w := work{dir: dir, source: src, out: c.out, bin: c.bin, parts: n, runs: map[string][]stretch{}}
	if err := w.prepare(ctx); err != nil {
		return nil, err
	}
	contenders := []contender{{"ours", w.ours}}
	for _, r := range c.rivals {
		switch r {
		case "one":
			contenders = append(contenders, contender{"one command", w.one})
		case "chain":
			contenders = append(contenders, contender{"original's chain", w.chain})
		}
	}
	var all []result
	for k := range c.repeat {
		for i := range contenders { // nobody is always first
			t := contenders[(i+k)%len(contenders)]
			r := t.measure(ctx, &w, k)
			fmt.Fprintf(os.Stderr, "%3d parts, run %d, %-16s %7.1f CPU s %7.1f s %6.0f MB  %s\n", n, k+1, t.name, r.CPU, r.Wall, r.RSS, r.Error)
			all = append(all, r)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	if quality {
		w.quality(ctx, all)
	}
	for _, t := range contenders {
		e, err := w.sync(ctx, w.final(t.name))
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: times of the pictures of", t.name, "not measured:", err)
			continue
		}
		for i := range all {
			if all[i].Contender == t.name {
				all[i].Sync, all[i].Late, all[i].Readable = e.Worst, e.Late, e.Readable
			}
		}
	}
	return all, nil
}
