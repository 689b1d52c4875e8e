package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/choirless/render/align"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/local"
)

func newPlan() *cobra.Command {
	var o renderFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "plan DIR",
		Short: "print the definition that render would render",
		Long: `plan reads and aligns the recordings in DIR, as render does, and prints the
definition: the canvas, and where and how each part is seen and heard. Changed
by hand it can be given to render --definition.`,
		Args: args(1, 1, "one folder"),
		RunE: func(c *cobra.Command, a []string) error {
			def, err := planFolder(c.Context(), a[0], o, c.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				_, err = c.OutOrStdout().Write(def)
				return err
			}
			d, err := definition.Parse(def)
			if err != nil {
				return err
			}
			printDefinition(c.OutOrStdout(), d)
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print the definition as JSON")
	f.StringVar(&o.size, "size", "", "size of the canvas, such as 1920x1080")
	f.StringVar(&o.fps, "fps", "", "frame rate, such as 25, 29.97, 25000/1001")
	f.StringVar(&o.span, "span", "", "what is shown: the backing's time (backing) or everyone's (union)")
	f.DurationVar(&o.reach, "reach", align.ReachDefault, "how far off a part may be, either way")
	f.StringVar(&o.cache, "cache", "", "`folder` to keep converted parts in; by default the user's cache folder")
	f.BoolVar(&o.noCache, "no-cache", false, "keep nothing, use nothing kept")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every step to standard error")
	return c
}

// planFolder runs the song up to its definition and returns that.
func planFolder(ctx context.Context, dir string, o renderFlags, errOut io.Writer) ([]byte, error) {
	song, err := readSong(dir, o)
	if err != nil {
		return nil, err
	}
	work, err := local.OpenWorkDir(o.cache, o.noCache, song.Song)
	if err != nil {
		return nil, err
	}
	defer work.Close()
	ctx, full := context.WithCancelCause(ctx)
	defer full(nil)
	l, err := local.Open(ctx, o.local(song, work, encode.X264, decode.Software, full, errOut))
	if err != nil {
		return nil, err
	}
	def, notes, err := l.Definition(ctx, song)
	for _, n := range notes {
		fmt.Fprintln(errOut, "choirless: note:", n)
	}
	if cerr := l.Close(); err == nil {
		err = cerr
	}
	return def, because(ctx, err)
}

func printDefinition(w io.Writer, d *definition.Definition) {
	out := d.Output.Or(definition.Defaults())
	size := out.Size.Or(definition.Pair{})
	fmt.Fprintf(w, "canvas     %dx%d, %v\n", size[0], size[1], out.FPS.Or(definition.FPS{}))
	fmt.Fprintf(w, "reverb     %s %.2f\n", out.ReverbType.Or(""), out.Reverb.Or(0))
	for _, in := range d.Inputs {
		where := "heard only"
		if in.Shown() {
			s, p := in.Size.Or(definition.Pair{}), in.Position.Or(definition.Pair{})
			where = fmt.Sprintf("%4dx%-4d at %4d,%-4d", s[0], s[1], p[0], p[1])
		}
		fmt.Fprintf(w, "%-34s %s  offset %+9.1f ms  volume %.2f  pan %+.2f\n", in.PartID, where, in.Offset.Or(0), in.Volume.Or(1), in.Pan.Or(0))
	}
}
