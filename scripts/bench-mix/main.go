// Command bench-mix measures package mix against its goals, beside ffmpeg's
// filters and, where their development packages are installed, libebur128 and
// zita-convolver, all in one run on one machine. Figures are CPU seconds (user
// and system), since other work disturbs them less than the time on the wall.
//
//	go run ./scripts/bench-mix [-only conv,chain,big,gain,resample,loudness,limiter]
//
// It runs itself again, built with GOEXPERIMENT=simd, for the second column.
// ffmpeg is a rival here and nowhere part of the product.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/choirless/render/mix/fft"
)

// bench is one section of the table.
type bench struct {
	name string
	run  func(*report) error
	// twice: the section depends on the kernels, so the simd build runs it too.
	twice bool
}

var benches = []bench{
	{"conv", benchConvolution, true},
	{"chain", benchChain, true},
	{"big", benchBig, true},
	{"gain", benchGain, false},
	{"resample", benchResample, true},
	{"loudness", benchLoudness, false},
	{"limiter", benchLimiter, false},
}

func main() {
	only := flag.String("only", "", "sections to run, by name, comma separated; all by default")
	child := flag.Bool("child", false, "internal: own figures only, no rivals, no heading")
	big := flag.Bool("big-child", false, "internal: the 120-part mix, in a process of its own")
	flag.Parse()
	if *big {
		if err := bigChild(); err != nil {
			fmt.Fprintln(os.Stderr, "bench-mix: error:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*only, *child); err != nil {
		fmt.Fprintln(os.Stderr, "bench-mix: error:", err)
		os.Exit(1)
	}
}

func run(only string, child bool) error {
	dir, err := os.MkdirTemp("", "bench-mix-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &report{dir: dir, child: child}
	if !child {
		r.heading()
	}
	for _, b := range benches {
		if only != "" && !strings.Contains(","+only+",", ","+b.name+",") || child && !b.twice {
			continue
		}
		if err := b.run(r); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		if !child && b.twice && fft.Kernel == "go" {
			if err := r.again(b.name); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
	}
	if r.missed > 0 && !child {
		fmt.Printf("\n%d goals missed\n", r.missed)
	}
	return nil
}
