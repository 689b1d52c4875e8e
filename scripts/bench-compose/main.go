// Command bench-compose measures the compositor alone: how much CPU and wall
// time a canvas costs when all its tiles change, and how near the resize comes
// to an ideal one. It needs no codec; build it, carry it to the machine with
// the GPU and run it.
//
//	go build -o bench-compose ./scripts/bench-compose
//	./bench-compose            what there is
//	./bench-compose -software  llvmpipe
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

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
		return enc.Encode(map[string]any{"renderer": e.Renderer(), "cases": results})
	}
	fmt.Fprintf(w, "%s\n\n", e.Renderer())
	fmt.Fprintln(w, "| case | CPU ms/frame least | median | wall ms/frame median | frames/s | PSNR Y, worst tile |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, r := range results {
		fmt.Fprintf(w, "| %s | %.1f | %.1f | %.1f | %.0f | %s |\n", r.Name, r.CPULeast, r.CPUMedian, r.WallMedian, 1000/r.WallMedian, r.psnr())
	}
	return nil
}
