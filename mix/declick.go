package mix

import "slices"

// De-click repairs what recorders and editors leave behind: single wrong samples
// (lost packets, electricity) and steps where two takes were joined or a gap was
// filled with silence. Both show as a second difference far out of proportion to
// the sound around, and alone: a voice is spiky too, but its spikes come with
// every period. So an outlier counts as a click only if there are no more than
// clickMost of them within 80 ms.
//
// A click is bridged by a cubic that continues the sound on either side. A step
// is smoothed by letting what follows start where the sound before it would have
// gone, and return to its own course within 4 ms.

const (
	clickChunk  = 1920 // 40 ms
	clickMargin = 960
	clickRatio  = 30    // times the median second difference
	clickFloor  = 0.004 // below this it is not heard
	clickWidth  = 16    // samples; wider is not a click
	clickMost   = 3
	clickReturn = 192 // samples
)

func newDeClick(t track) track {
	d := &deClick{}
	return &chunkTrack{in: t, chunk: clickChunk, before: clickMargin, after: clickMargin, process: d.process}
}

type deClick struct{ diff, sorted, work []float32 }

func (d *deClick) process(_ int64, in, out [][]float32) {
	for c := range in {
		d.work = append(d.work[:0], in[c]...)
		for _, r := range d.find(in[c]) {
			repair(d.work, r[0], r[1])
		}
		copy(out[c], d.work[clickMargin:])
	}
}

// find returns the clicks of x as half-open ranges of wrong samples, ascending.
func (d *deClick) find(x []float32) [][2]int {
	d.diff = append(d.diff[:0], make([]float32, len(x))...)
	peak := float32(0)
	for i := 1; i+1 < len(x); i++ {
		d.diff[i] = abs32(x[i-1] - 2*x[i] + x[i+1])
		peak = max(peak, d.diff[i])
	}
	if !d.standsOut(peak) {
		return nil
	}
	d.sorted = append(d.sorted[:0], d.diff...)
	slices.Sort(d.sorted)
	limit := max(clickFloor, clickRatio*d.sorted[len(d.sorted)/2])
	if d.sorted[len(d.sorted)-1] <= limit {
		return nil
	}
	var out [][2]int
	for i := 1; i+1 < len(x); i++ {
		if d.diff[i] <= limit {
			continue
		}
		if n := len(out); n > 0 && i-out[n-1][1] <= 4 {
			out[n-1][1] = i + 1
			continue
		}
		out = append(out, [2]int{i, i + 1})
	}
	if len(out) > clickMost {
		return nil
	}
	return slices.DeleteFunc(out, func(r [2]int) bool { return r[1]-r[0] > clickWidth })
}

// standsOut reports whether the peak of diff is above the limit, without the sorting
// that the limit itself takes: most of the time it is not.
func (d *deClick) standsOut(peak float32) bool {
	if peak <= clickFloor {
		return false
	}
	below := 0
	for _, v := range d.diff {
		if clickRatio*v < peak {
			below++
		}
	}
	return below > len(d.diff)/2 // the median is one of them
}

// repair mends x around the outliers from..to.
func repair(x []float32, from, to int) {
	a, b := from-1, to // the last good sample before, the first after
	if a < 2 || b+2 >= len(x) {
		return
	}
	// Where the sound before would be at b, and the other way round: if both
	// agree better with a step than with each other, it is a step.
	span := float32(b - a)
	sa, sb := (x[a]-x[a-2])/2, (x[b+2]-x[b])/2
	step := x[b] - (x[a] + (sa+sb)/2*span)
	if steep := max(abs32(sa), abs32(sb)) * span; abs32(step) > max(clickFloor, 2*steep) {
		n := min(clickReturn, len(x)-b)
		for i := range n {
			w := 1 - float32(i)/float32(clickReturn)
			x[b+i] -= step * w * w * (3 - 2*w)
		}
		sb = (x[b+2] - x[b]) / 2
	}
	// Cubic Hermite between a and b.
	for i := a + 1; i < b; i++ {
		t := float32(i-a) / span
		t2, t3 := t*t, t*t*t
		x[i] = (2*t3-3*t2+1)*x[a] + (t3-2*t2+t)*span*sa + (3*t2-2*t3)*x[b] + (t3-t2)*span*sb
	}
}
