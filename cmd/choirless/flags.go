package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
)

// wrong collects what is wrong with flags, all of it, before any work is done.
type wrong struct{ errs []error }

func (w *wrong) add(format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf(format, args...))
}

func (w *wrong) err() error {
	if len(w.errs) == 0 {
		return nil
	}
	return usage("%w", errors.Join(w.errs...))
}

func (w *wrong) reach(d time.Duration) {
	if d < align.ReachLeast || d > align.ReachMost {
		w.add("--reach: %v, want %v to %v", d, align.ReachLeast, align.ReachMost)
	}
}

func (w *wrong) slots(n int) {
	if n < 0 {
		w.add("--slots: %d, want 0 or more", n)
	}
}

// file is a file to be written, "" for none.
func (w *wrong) file(flag, name string) {
	if name == "" {
		return
	}
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		w.add("--%s: %q is a folder", flag, name)
		return
	}
	if st, err := os.Stat(filepath.Dir(name)); err != nil || !st.IsDir() {
		w.add("--%s: %q is no folder", flag, filepath.Dir(name))
	}
}

// check reports what is wrong with the flags of render and plan.
func (o renderFlags) check() error {
	w := &wrong{}
	if o.crf != 0 && !(o.crf >= encode.CRFLeast && o.crf <= encode.CRFMost) {
		w.add("--crf: %g, want %d to %d", o.crf, encode.CRFLeast, encode.CRFMost)
	}
	if presets := encode.Presets(); o.preset != "" && !slices.Contains(presets, o.preset) {
		w.add("--preset: %q, want one of %s", o.preset, strings.Join(presets, ", "))
	}
	w.reach(o.reach)
	w.slots(o.slots)
	w.file("out", o.out)
	w.file("report", o.report)
	w.file("thumbnail", o.thumbnail)
	if o.definition != "" {
		for _, f := range []struct{ flag, value string }{{"size", o.size}, {"fps", o.fps}, {"span", o.span}} {
			if f.value != "" {
				w.add("--%s: not beside --definition, which says it", f.flag)
			}
		}
	}
	return w.err()
}

// output is what the flags say of the definition.
func (o renderFlags) output() (definition.Output, error) {
	var out definition.Output
	if o.size != "" {
		w, h, ok := strings.Cut(o.size, "x")
		wn, werr := strconv.Atoi(w)
		hn, herr := strconv.Atoi(h)
		if !ok || werr != nil || herr != nil || wn < 64 || hn < 64 || wn%2 != 0 || hn%2 != 0 || wn > 8192 || hn > 8192 {
			return out, usage("--size: %q, want WIDTHxHEIGHT, both even, 64 to 8192", o.size)
		}
		out.Size = definition.Some(definition.Pair{wn, hn})
	}
	if o.fps != "" {
		fps, err := definition.ParseFPS(o.fps)
		if err != nil {
			return out, usage("--fps: %w", err)
		}
		if v := fps.Float(); v < 1 || v > 120 {
			return out, usage("--fps: %s, want 1 to 120", o.fps)
		}
		out.FPS = definition.Some(fps)
	}
	switch o.span {
	case "":
	case string(definition.SpanBacking), string(definition.SpanUnion):
		out.Span = definition.Some(definition.Span(o.span))
	default:
		return out, usage("--span: %q, want backing or union", o.span)
	}
	return out, nil
}

// parseSize reads a number of bytes with a unit, powers of 1000: 20GB, 500MB.
func parseSize(s string) (int64, error) {
	number, unit := strings.TrimRight(s, "kKMGTB"), int64(1)
	switch strings.ToUpper(s[len(number):]) {
	case "", "B":
	case "KB":
		unit = 1e3
	case "MB":
		unit = 1e6
	case "GB":
		unit = 1e9
	case "TB":
		unit = 1e12
	default:
		number = ""
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0) || v*float64(unit) > 1e18 {
		return 0, fmt.Errorf("%q, want a size such as 20GB or 500MB", s)
	}
	return int64(v * float64(unit)), nil
}
