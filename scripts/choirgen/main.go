// Choirgen makes a synthetic choir with ground truth: recordings of one song as
// browsers and phones would have made them, every file's offset known, every picture
// numbered. It feeds the demo and the tests.
//
//	choirgen --out DIR [--parts 9] [--seconds 24] [--seed 1] [--tiny]
//
// DIR gets <choir>+<song>+<part>.<ext> files, song.json (part documents, without
// offsets) and truth.json. The same flags give the same files.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "choirgen: error: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o options
	var quiet bool
	c := &cobra.Command{
		Use:           "choirgen --out DIR",
		Short:         "make a synthetic choir with ground truth",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Tiny && !c.Flags().Changed("seconds") {
				o.Seconds = 3
			}
			if err := o.validate(); err != nil {
				return err
			}
			log := func(format string, args ...any) {
				if !quiet {
					fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...)
				}
			}
			t, err := generate(o, log)
			if err == nil {
				log("%d parts of %q in %s", len(t.Parts), t.Title, o.Out)
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&o.Out, "out", "", "folder to write to")
	f.IntVar(&o.Parts, "parts", 9, "how many parts, the first is the backing")
	f.Float64Var(&o.Seconds, "seconds", songSeconds, "length of the backing")
	f.Uint64Var(&o.Seed, "seed", 1, "what is drawn by lot")
	f.BoolVar(&o.Tiny, "tiny", false, "small and short recordings, copied under many names")
	f.Float64Var(&o.Spread, "spread", 500, "largest offset, ms, either way")
	f.Float64Var(&o.Jitter, "jitter", 12, "scatter of the singers' onsets, ms")
	f.Float64Var(&o.Drift, "drift", 0, "largest clock drift, ppm, either way")
	f.Float64Var(&o.Bleed, "bleed", 0, "level of the backing in the voices, dB below them; 0 is none")
	f.IntVar(&o.AudioOnly, "audio-only", 0, "how many of the last parts have no picture")
	f.BoolVar(&o.Flash, "flash", false, "flash and beep every 2 s, for checks of picture against sound")
	f.BoolVar(&o.NoLabel, "no-label", false, "leave out the frame numbers")
	f.IntVar(&o.Jobs, "jobs", max(1, runtime.NumCPU()), "recordings made at once")
	f.BoolVar(&quiet, "quiet", false, "say nothing")
	return c
}
