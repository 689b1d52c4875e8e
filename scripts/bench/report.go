package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

var (
	ssimLine = regexp.MustCompile(`SSIM Y:([0-9.]+)`)
	psnrLine = regexp.MustCompile(`PSNR y:([0-9.inf]+)`)
	lufsLine = regexp.MustCompile(`I:\s+(-?[0-9.]+) LUFS`)
)

// quality compares each contender's final with a render of its own that loses
// (next to) nothing, so that it measures what the encodes cost and not whose
// colours and kernels are whose. The chain's reference is the one command's:
// its own intermediates are part of what it loses.
func (w *work) quality(ctx context.Context, all []result) {
	refs := map[string]string{}
	for name, run := range map[string]func(context.Context, *meter, string, string, bool) error{"ours": w.ours, "one command": w.one} {
		ref := filepath.Join(w.out, fmt.Sprintf("reference-%s-%d.mp4", strings.ReplaceAll(name, " ", "-"), w.parts))
		scratch, err := os.MkdirTemp(w.out, "scratch-")
		if err == nil {
			err = run(ctx, &meter{}, ref, scratch, true)
			os.RemoveAll(scratch)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: reference of", name, "failed:", err)
			continue
		}
		refs[name] = ref
		defer os.Remove(ref)
	}
	refs["original's chain"] = refs["one command"]
	done := map[string][3]float64{}
	for i := range all {
		r := &all[i]
		if r.Parts != w.parts || r.Error != "" || refs[r.Contender] == "" {
			continue
		}
		q, ok := done[r.Contender]
		if !ok {
			q = compare(ctx, w.final(r.Contender), refs[r.Contender])
			done[r.Contender] = q
		}
		r.SSIM, r.PSNR, r.LUFS = q[0], q[1], q[2]
	}
}

// compare returns luma SSIM and PSNR of a file against a reference, and its loudness.
func compare(ctx context.Context, file, ref string) [3]float64 {
	out, _ := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-i", file, "-i", ref,
		"-filter_complex", "[0:v]split[a][b];[1:v]split[c][d];[a][c]ssim[s];[b][d]psnr[p];[0:a]ebur128[l]",
		"-map", "[s]", "-map", "[p]", "-map", "[l]", "-f", "null", "-").CombinedOutput()
	return [3]float64{last(ssimLine, out), last(psnrLine, out), last(lufsLine, out)}
}

func last(re *regexp.Regexp, text []byte) float64 {
	m := re.FindAllSubmatch(text, -1)
	if len(m) == 0 {
		return 0
	}
	v, err := strconv.ParseFloat(string(m[len(m)-1][1]), 64)
	if err != nil {
		return 0
	}
	return v
}

// summary is the medians of one contender in one case.
type summary struct {
	contender string
	parts     int
	median    result
}

func summaries(all []result) []summary {
	type key struct {
		parts int
		name  string
	}
	groups := map[key][]result{}
	var order []key
	for _, r := range all {
		k := key{r.Parts, r.Contender}
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], r)
	}
	var out []summary
	for _, k := range order {
		g := groups[k]
		med := g[0]
		pick := func(f func(r result) float64) float64 {
			var v []float64
			for _, r := range g {
				if r.Error == "" {
					v = append(v, f(r))
				}
			}
			if len(v) == 0 {
				return 0
			}
			sort.Float64s(v)
			return v[len(v)/2]
		}
		med.CPU = pick(func(r result) float64 { return r.CPU })
		med.Wall = pick(func(r result) float64 { return r.Wall })
		med.RSS = pick(func(r result) float64 { return r.RSS })
		out = append(out, summary{k.name, k.parts, med})
	}
	return out
}

// table prints the medians, ratios against the one command.
func table(all []result) string {
	var b strings.Builder
	b.WriteString("| parts | contender | CPU s | × one | wall s | × one | peak RSS MB | × one | written MB | final MB | SSIM | PSNR dB | LUFS | sync ms | late % |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	sums := summaries(all)
	for _, s := range sums {
		var one result
		for _, o := range sums {
			if o.parts == s.parts && o.contender == "one command" {
				one = o.median
			}
		}
		ratio := func(v, of float64) string {
			if of == 0 {
				return ""
			}
			return fmt.Sprintf("%.2f", v/of)
		}
		m := s.median
		fmt.Fprintf(&b, "| %d | %s | %.1f | %s | %.1f | %s | %.0f | %s | %.1f | %.2f | %s | %s | %s | %s | %s | %s\n", s.parts, s.contender,
			m.CPU, ratio(m.CPU, one.CPU), m.Wall, ratio(m.Wall, one.Wall), m.RSS, ratio(m.RSS, one.RSS), m.Written, m.Size, measured("%.4f", m.SSIM), measured("%.2f", m.PSNR), measured("%.1f", m.LUFS),
			labelled("%.0f", m.Sync, m), labelled("%.1f", 100*m.Late, m), m.Error)
	}
	return b.String()
}

// measured is empty for what was not measured.
func measured(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// labelled is empty where no label could be read.
func labelled(format string, v float64, m result) string {
	if m.Readable == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}
