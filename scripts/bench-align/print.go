package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/choirless/render/align"
)

// print writes the table of goals, then the categories.
func (b *bench) print(w io.Writer, verbose bool) {
	truth := keep(b.single, func(o outcome) bool { return o.Offset != nil })
	bleed := keep(truth, func(o outcome) bool { return o.Params.BleedDB != nil && *o.Params.BleedDB >= -30 })
	precision, accepted, threshold := precisionAt(b.single, 0.9)
	fmt.Fprintf(w, "%d pairs with truth, %d to refuse, %.1f minutes of sound; %d choirs of choirgen\n\n", len(truth), len(b.single)-len(truth), b.minutes, len(b.choirs))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "goal\tmust reach\tmeasured")
	row := func(goal, must, got string) { fmt.Fprintf(t, "%s\t%s\t%s\n", goal, must, got) }
	if len(b.choirs) > 0 {
		all := slices.Concat(b.choirs...)
		row("choirs of choirgen jointly, median", "<= 6 ms", fmt.Sprintf("%.1f ms; worst %.1f, mean %+.1f (%d voices)", quantile(all, 0.5), quantile(all, 1), mean(all), len(all)))
		row("  voices among themselves", "", fmt.Sprintf("%.1f ms", quantile(among(b.choirs), 0.5)))
		for _, c := range categories(all) {
			voice := keep(all, func(o outcome) bool { return o.Category == c })
			row("  "+c, "", fmt.Sprintf("%.1f ms; mean %+.1f", quantile(voice, 0.5), mean(voice)))
		}
	}
	if len(b.single) == 0 {
		t.Flush()
		return
	}
	row("median absolute error", "<= 8 ms", fmt.Sprintf("%.1f ms", quantile(truth, 0.5)))
	row("within 20 / 40 ms", ">= 80 / >= 95 %", fmt.Sprintf("%.1f / %.1f %%", within(truth, 20), within(truth, 40)))
	row("gross failures (> 100 ms)", "<= 1 %", fmt.Sprintf("%.1f %%", 100-within(truth, 100)))
	row("precision at >= 90 % acceptance", ">= 99 %", fmt.Sprintf("%.1f %% (at %.1f %%, confidence >= %.3f)", 100*precision, 100*accepted, threshold))
	for _, th := range []float64{align.ThresholdDefault, 0.9} {
		p, a, wrong := atThreshold(b.single, th)
		row(fmt.Sprintf("  at confidence >= %.2g", th), "", fmt.Sprintf("%.1f %% of the right accepted, precision %.1f %%, %d wrong accepted", 100*a, 100*p, wrong))
	}
	if len(bleed) > 0 {
		row("bleed >= -30 dB, worst", "<= 0.5 ms", fmt.Sprintf("%.2f ms (%d pairs)", quantile(bleed, 1), len(bleed)))
	}
	row("CPU per minute of sound incl. decode", "<= 0.25 s", fmt.Sprintf("%.2f s", b.cpu/b.minutes))
	row("whole choir jointly, median", "<= 6 ms", fmt.Sprintf("%.1f ms; within 20 / 40 ms %.1f / %.1f %%, gross %.1f %%",
		quantile(b.joint, 0.5), within(b.joint, 20), within(b.joint, 40), 100-within(b.joint, 100)))
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "category\tpairs\tmedian ms\tworst ms\tmean ms\tjoint median\tjoint worst\t")
	for _, c := range categories(truth) {
		same := func(o outcome) bool { return o.Category == c }
		one, all := keep(truth, same), keep(b.joint, same)
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\t%+.1f\t%.1f\t%.1f\t\n", c, len(one), quantile(one, 0.5), quantile(one, 1), mean(one), quantile(all, 0.5), quantile(all, 1))
	}
	t.Flush()
	if !verbose {
		return
	}
	for _, o := range b.single {
		if math.Abs(o.err) > 30 || (!o.right() && o.confidence >= align.ThresholdDefault) || (o.right() && o.confidence < align.ThresholdDefault) {
			fmt.Fprintf(w, "%s/%d %s %s: off by %.0f ms, confidence %.2f, %s\n", o.set, o.ID, o.Category, o.Ref, o.err, o.confidence, o.method)
		}
	}
}

func keep(all []outcome, f func(outcome) bool) []outcome {
	return slices.DeleteFunc(slices.Clone(all), func(o outcome) bool { return !f(o) })
}

func categories(all []outcome) []string {
	var out []string
	for _, o := range all {
		if !slices.Contains(out, o.Category) {
			out = append(out, o.Category)
		}
	}
	return out
}

// quantile returns the q-quantile of the absolute errors in ms, NaN for none.
func quantile(all []outcome, q float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	var e []float64
	for _, o := range all {
		e = append(e, math.Abs(o.err))
	}
	slices.Sort(e)
	return e[int(q*float64(len(e)-1)+0.5)]
}

func mean(all []outcome) float64 {
	sum := 0.0
	for _, o := range all {
		sum += o.err
	}
	return sum / float64(len(all))
}

// within returns the percentage of errors up to ms.
func within(all []outcome, ms float64) float64 {
	n := 0
	for _, o := range all {
		if math.Abs(o.err) <= ms {
			n++
		}
	}
	return 100 * float64(n) / float64(max(len(all), 1))
}

// precisionAt returns how many of the accepted are right at the highest
// threshold that accepts at least a share of the right ones.
func precisionAt(all []outcome, share float64) (precision, accepted, threshold float64) {
	var right []float64
	for _, o := range all {
		if o.right() {
			right = append(right, o.confidence)
		}
	}
	if len(right) == 0 {
		return 0, 0, 0
	}
	slices.Sort(right)
	threshold = right[len(right)-int(math.Ceil(share*float64(len(right))))]
	precision, accepted, _ = atThreshold(all, threshold)
	return precision, accepted, threshold
}

func atThreshold(all []outcome, threshold float64) (precision, accepted float64, wrong int) {
	right, good := 0, 0
	for _, o := range all {
		if o.right() {
			right++
		}
		switch {
		case o.confidence < threshold:
		case o.right():
			good++
		default:
			wrong++
		}
	}
	return float64(good) / float64(max(good+wrong, 1)), float64(good) / float64(max(right, 1)), wrong
}
