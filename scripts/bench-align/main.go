// Command bench-align measures package align on sets of recordings with known
// offsets and prints the table of goals of the project.
//
//	go run ./scripts/bench-align [-v] MANIFEST...
//
// A manifest is a JSON object with "pairs": [{"id", "ref", "part", "offset_ms",
// "drift_ppm", "category", "params": {"ref", "bleed_db"}}]. Files lie beside it.
// offset_ms is positive when the part's events come later in its file, holds in
// the middle of the reference, and is null for a part that must be refused.
// Where params.ref names a piece ("hund-piano"), every part is also tried
// against the reference of another piece, which must be refused as well.
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
	"syscall"

	"github.com/choirless/render/align"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/media"
)

func main() {
	verbose := flag.Bool("v", false, "also print every pair that is more than 30 ms off or wrongly trusted")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "bench-align: error: no manifest\nhint: make bench-align MANIFEST=path/manifest.json")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, flag.Args(), *verbose)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench-align: error: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, files []string, verbose bool) error {
	var all bench
	for _, file := range files {
		if err := all.measure(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
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
