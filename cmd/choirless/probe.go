package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/media"
)

func newProbe() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "probe FILE",
		Short: "say what a recording holds",
		Long:  "probe reads a recording from end to end and says what it holds: streams, sizes, times, and what is odd about it.",
		Args:  args(1, 1, "one file"),
		RunE: func(c *cobra.Command, a []string) error {
			f, err := os.Open(a[0])
			if err != nil {
				return err
			}
			defer f.Close()
			facts, err := decode.Probe(c.Context(), f)
			if err != nil {
				return badInput(fmt.Errorf("%s: %w", a[0], err), "")
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), facts)
			}
			printFacts(c.OutOrStdout(), facts)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func printFacts(w io.Writer, f media.Facts) {
	fmt.Fprintf(w, "container  %s, %s\n", f.Container, seconds(f.Duration))
	if v := f.Video; v != nil {
		dw, dh := v.DisplaySize()
		fmt.Fprintf(w, "video      %s %dx%d, shown %.0fx%.0f, %d bit, %.2f fps, %d frames, %s to %s\n",
			v.Codec, v.Width, v.Height, dw, dh, v.Depth, v.FPS, v.Frames, seconds(v.Start), seconds(v.End))
	}
	if a := f.Audio; a != nil {
		fmt.Fprintf(w, "audio      %s %d Hz, %d channels, %s to %s\n", a.Codec, a.Rate, a.Channels, seconds(a.Start), seconds(a.End))
	}
	for _, s := range f.Warnings {
		fmt.Fprintf(w, "warning    %s\n", s)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }
