package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/choirless/render/align"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/mix"
)

// aligned is one line of `choirless align --json`.
type aligned struct {
	Part string `json:"part"`
	// OffsetMS is null for a part that is refused.
	OffsetMS    *float64    `json:"offset_ms"`
	Confidence  float64     `json:"confidence"`
	DriftPPM    float64     `json:"drift_ppm"`
	Method      string      `json:"method,omitempty"`
	NeedsReview bool        `json:"needs_review,omitempty"`
	Reason      string      `json:"reason,omitempty"`
	Candidates  []candidate `json:"candidates,omitempty"`
}

type candidate struct {
	OffsetMS   float64 `json:"offset_ms"`
	Confidence float64 `json:"confidence"`
}

func newAlign() *cobra.Command {
	var asJSON, each bool
	var plot string
	var reach time.Duration
	c := &cobra.Command{
		Use:   "align REF PART...",
		Short: "find out by how many milliseconds each part is off",
		Long: `align places every PART against REF and prints a line for each.

A positive offset means that the part's events come later in its file than in
the reference, so that its head is trimmed. Several parts are placed together,
each against the reference and against the others; --each places every part on
its own. The exit code is 4 when a part needs a person's review.`,
		Args: args(2, -1, "a reference and at least one part"),
		RunE: func(c *cobra.Command, a []string) error {
			w := &wrong{}
			w.reach(reach)
			w.file("plot", plot)
			if err := w.err(); err != nil {
				return err
			}
			o := align.Options{Reach: reach}
			lines, err := alignFiles(c.Context(), a, o, each, plot)
			if err != nil {
				return err
			}
			review := false
			for _, l := range lines {
				review = review || l.NeedsReview
				if err := printAligned(c.OutOrStdout(), l, asJSON); err != nil {
					return err
				}
			}
			if review {
				return &failure{code: exitReview, err: errors.New("a part needs review"), hint: "listen to it, and give its offset in song.json with \"offset_locked\": true"}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object per part")
	c.Flags().BoolVar(&each, "each", false, "place every part on its own, not the choir together")
	c.Flags().StringVar(&plot, "plot", "", "write a picture of features and correlation of the first part to this PNG `file`")
	c.Flags().DurationVar(&reach, "reach", align.ReachDefault, "how far off a part may be, either way")
	return c
}

func printAligned(w io.Writer, l aligned, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(l)
	}
	if l.OffsetMS == nil {
		_, err := fmt.Fprintf(w, "%-34s  refused: %s\n", l.Part, l.Reason)
		return err
	}
	note := ""
	if l.NeedsReview {
		note = "  needs review: " + l.Reason
	}
	_, err := fmt.Fprintf(w, "%-34s %+9.1f ms  confidence %.2f  %s%s\n", l.Part, *l.OffsetMS, l.Confidence, l.Method, note)
	return err
}

// alignFiles extracts the features of all files, the reference first, and
// places the parts.
func alignFiles(ctx context.Context, files []string, o align.Options, each bool, plot string) ([]aligned, error) {
	features := make([]*align.Features, len(files))
	lines := make([]aligned, len(files))
	for i, file := range files {
		lines[i].Part = partName(file)
		f, err := extract(ctx, file)
		switch {
		case err == nil:
			features[i] = f
		case errors.As(err, new(*fs.PathError)):
			return nil, badInput(err, "")
		case i > 0 && ctx.Err() == nil:
			lines[i].Reason, lines[i].NeedsReview = err.Error(), true
		default:
			return nil, badInput(fmt.Errorf("%s: %w", file, err), "the reference must be a recording with sound")
		}
	}
	results, err := place(ctx, features, o, each)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if features[i] == nil {
			continue
		}
		l := &lines[i]
		best := r.Offset
		if r.Method == align.MethodFallback && len(r.Candidates) > 0 {
			best = r.Candidates[0].Offset
		}
		ms := best.MS()
		l.OffsetMS, l.Confidence, l.DriftPPM, l.Method = &ms, r.Confidence, r.DriftPPM, string(r.Method)
		l.NeedsReview, l.Reason = r.NeedsReview, r.Reason
		for _, c := range r.Candidates {
			l.Candidates = append(l.Candidates, candidate{c.Offset.MS(), c.Confidence})
		}
	}
	if plot != "" && features[1] != nil {
		return lines[1:], writePlot(plot, features[0], features[1], results[1], o)
	}
	return lines[1:], nil
}

func place(ctx context.Context, features []*align.Features, o align.Options, each bool) ([]align.Result, error) {
	if !each && len(features) > 2 {
		return align.Choir(ctx, 0, features, nil, o)
	}
	results := make([]align.Result, len(features))
	for i, f := range features[1:] {
		if f == nil {
			continue
		}
		r, err := align.Pair(ctx, features[0], f, o)
		if err != nil {
			return nil, err
		}
		results[i+1] = r
	}
	return results, nil
}

func writePlot(file string, ref, part *align.Features, r align.Result, o align.Options) error {
	w, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := align.Plot(w, ref, part, r, o); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// partName is the part's id where the file is named as the product names
// files, else the file's name.
func partName(file string) string {
	if k, err := definition.ParseRawKey(filepath.Base(file)); err == nil {
		return string(k.Part)
	}
	return filepath.Base(file)
}

// extract reads a file's sound and returns its features.
func extract(ctx context.Context, file string) (*align.Features, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := decode.OpenAudio(ctx, f)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	x := align.NewExtractor(a.Rate())
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			return x.Finish()
		}
		if err != nil {
			return nil, err
		}
		x.Write(mix.Mono(b))
	}
}
