// Command bench-compose measures the compositor alone: how much CPU and wall
// time a canvas costs when all its tiles change, and how near the resize comes
// to an ideal one. Frames are uploaded, drawn, read back and put together, as
// many under way at once as the driver likes.
//
// It needs no codec, only libEGL, libc and libm. `make bench-compose` builds
// bin/bench-compose and runs it; carry that file to the machine with the GPU,
// whose driver brings libEGL, and run it there:
//
//	./bench-compose                 the GPU, or whatever there is
//	./bench-compose -software       llvmpipe
//	./bench-compose -json           the same as JSON, with driver and limits
//	./bench-compose -in-flight 1    no overlap of upload, drawing and readback
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/engine"
)

// config is what the flags say.
type config struct {
	engine  engine.Options
	cases   string
	rounds  int
	frames  int
	picture string
	bt601   bool
	changed int
	json    bool
}

func main() {
	var c config
	flag.BoolVar(&c.engine.Software, "software", false, "use the software renderer even where there is a GPU")
	flag.BoolVar(&c.engine.Plain, "plain", false, "use the plain variant of the scaler")
	flag.StringVar(&c.engine.Tune.Fetch, "fetch", "", "how shaders read texels: image or sampler; by default what suits the driver")
	flag.IntVar(&c.engine.Tune.Targets, "targets", 0, "colour targets drawn to at once, 8 or 4; 0 is what suits the driver")
	flag.IntVar(&c.engine.Tune.Together, "together", 0, "tiles drawn through both passes at a time; 0 is what suits the driver")
	flag.IntVar(&c.engine.Tune.InFlight, "in-flight", 0, "frames under way at once; 0 is what suits the driver")
	flag.StringVar(&c.cases, "cases", "1,2,3,4", "cases to run")
	flag.IntVar(&c.rounds, "rounds", 8, "rounds per case; the figures are the least and the median")
	flag.IntVar(&c.frames, "frames", 10, "frames per round")
	flag.StringVar(&c.picture, "picture", "detail", "detail, noise, or the folder of raw 4:2:0 frames named W`x`H.yuv")
	flag.BoolVar(&c.bt601, "bt601", false, "tag the sources BT.601, as browser recordings are taken to be, so that colour is converted")
	flag.IntVar(&c.changed, "changed", 0, "tiles that change per frame, 0 for all")
	flag.BoolVar(&c.json, "json", false, "print JSON")
	flag.Parse()
	if err := run(context.Background(), c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-compose: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config, w io.Writer) error {
	e, err := engine.New(ctx, c.engine)
	if err != nil {
		return err
	}
	defer e.Close()
	var results []result
	for _, bc := range benchCases {
		if !slices.Contains(strings.Split(c.cases, ","), fmt.Sprint(bc.Number)) {
			continue
		}
		r, err := measure(ctx, e, bc, c)
		if err != nil {
			return fmt.Errorf("case %d: %w", bc.Number, err)
		}
		results = append(results, r)
	}
	if c.json {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(report{
			Date: time.Now().UTC().Format(time.DateOnly), Commit: commit, Cores: runtime.NumCPU(),
			Device: e.Device(), Tuning: e.Tuning(), Cases: results,
		})
	}
	d, t := e.Device(), e.Tuning()
	fmt.Fprintf(w, "%s, %s, OpenGL %s; %d cores; commit %s\n", d.RendererName, d.Vendor, d.VersionName, runtime.NumCPU(), commit)
	fmt.Fprintf(w, "fetch by %s, %d targets, %d tiles together, %d frames in flight\n\n", t.Fetch, t.Targets, t.Together, t.InFlight)
	fmt.Fprintln(w, "| case | CPU ms/frame least | median | wall ms/frame least | median | frames/s | PSNR Y, worst tile |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, r := range results {
		fmt.Fprintf(w, "| %s | %.1f | %.1f | %.2f | %.2f | %.0f | %s |\n", r.Name, r.CPULeast, r.CPUMedian, r.WallLeast, r.WallMedian, r.FramesPerSecond, r.psnr())
	}
	return nil
}

// report is what -json prints.
type report struct {
	Date   string        `json:"date"`
	Commit string        `json:"commit"`
	Cores  int           `json:"cores"`
	Device engine.Device `json:"device"`
	Tuning engine.Tuning `json:"tuning"`
	Cases  []result      `json:"cases"`
}

// commit is what the binary was built from; the Makefile has the linker set it.
var commit = "unknown"
