// Command bench-align measures package align on sets of recordings with known
// offsets and prints the table of goals of the project.
//
//	go run ./scripts/bench-align [-v] [-choirs SEED,SEED...] [MANIFEST...]
//
// A manifest is a JSON object with "pairs": [{"id", "ref", "part", "offset_ms",
// "drift_ppm", "category", "params": {"ref", "bleed_db"}}]. Files lie beside it.
// offset_ms is positive when the part's events come later in its file, holds in
// the middle of the reference, and is null for a part that must be refused.
// Where params.ref names a piece ("hund-piano"), every part is also tried
// against the reference of another piece, which must be refused as well. Choirs of
// scripts/choirgen are made on the spot, by seed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/choirless/render/align"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/media"
)

func main() {
	verbose := flag.Bool("v", false, "also print every pair that is more than 30 ms off or wrongly trusted")
	seeds := flag.String("choirs", "", "also measure choirs of choirgen, made of these `seeds` (31,32)")
	flag.Parse()
	choirs := strings.FieldsFunc(*seeds, func(r rune) bool { return r == ',' || r == ' ' })
	if flag.NArg() == 0 && len(choirs) == 0 {
		fmt.Fprintln(os.Stderr, "bench-align: error: nothing to measure\nhint: make bench-align MANIFEST=path/manifest.json CHOIRS=\"31 32\"")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, flag.Args(), choirs, *verbose)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench-align: error: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, files, choirs []string, verbose bool) error {
	var all bench
	for _, file := range files {
		if err := all.measure(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, seed := range choirs {
		if err := all.measureChoir(ctx, seed); err != nil {
			return fmt.Errorf("choir %s: %w", seed, err)
		}
	}
	all.print(w, verbose)
	return nil
}

// features reads the sound of a file. Nil features without an error are a
// recording that was refused.
func features(ctx context.Context, dir, name string) (*align.Features, float64, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	a, err := decode.OpenAudio(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	defer a.Close()
	x := align.NewExtractor(a.Rate())
	samples := 0
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		samples += b.Len()
		x.Write(mono(b))
	}
	seconds := float64(samples) / float64(a.Rate())
	fs, err := x.Finish()
	if errors.Is(err, align.ErrSilent) || errors.Is(err, align.ErrTooShort) {
		return nil, seconds, nil
	}
	return fs, seconds, err
}

// mono returns the mean of all channels.
func mono(b media.Block) []float32 {
	if len(b.Channels) == 1 {
		return b.Channels[0]
	}
	out := make([]float32, b.Len())
	for _, c := range b.Channels {
		for i, v := range c {
			out[i] += v / float32(len(b.Channels))
		}
	}
	return out
}

// cpu returns the CPU seconds this process has used.
func cpu() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}
