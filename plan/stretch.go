package plan

import (
	"math"
	"slices"
)

// LayoutStretch: every row is as high as makes it fill the width. For each number of
// rows that could fit, the breaks that bring the rows' heights nearest to each other
// are found, all heights are shrunk alike where they are too high together, and the
// division that covers most of the canvas wins.

// tallest bounds a row's height against the height aimed at: a lone tile in a row is
// not blown up to the whole width.
const tallest = 1.6

func (g *grid) stretch() *Layout {
	sum := 0.0
	for _, a := range g.aspect {
		sum += a
	}
	var best, bestShared *Layout
	for n := 1; n <= len(g.order); n++ {
		aim := float64(g.roomX()) * float64(n) / sum
		if float64(n)*aim > 3*float64(g.o.Height) && best != nil {
			break
		}
		rows, heights := g.breakAim(aim)
		for _, own := range []bool{true, false} {
			l := g.placeStretched(rows, heights, own)
			into := &best
			if !own {
				into = &bestShared
			}
			if l != nil && (*into == nil || l.area() > (*into).area()) {
				*into = l
			}
		}
	}
	if best == nil || (bestShared != nil && bestShared.area() > sharedGain*sharedGain*best.area()) {
		best = bestShared
	}
	// Sometimes equal rows happen to fill more.
	if l := g.rows(); best == nil || (l != nil && l.area() > best.area()) {
		return l
	}
	return best
}

// breakAim divides the order into rows whose natural heights are nearest to aim, as
// the sum of the squares of their differences.
func (g *grid) breakAim(aim float64) (rows [][]int, heights []float64) {
	n := len(g.order)
	cost, from, high := make([]float64, n+1), make([]int, n+1), make([]float64, n+1)
	for k := 1; k <= n; k++ {
		cost[k] = math.Inf(1)
		sum := 0.0
		for j := k - 1; j >= 0; j-- {
			sum += g.aspect[g.order[j]]
			h := (float64(g.roomX()) - float64((k-j-1)*g.gapX())) / sum
			if h < aim/4 && j < k-1 {
				break
			}
			d := h - aim
			if c := cost[j] + d*d; c < cost[k] {
				cost[k], from[k], high[k] = c, j, min(h, tallest*aim)
			}
		}
	}
	for k := n; k > 0; k = from[k] {
		rows = append(rows, slices.Clone(g.order[from[k]:k]))
		heights = append(heights, high[k])
	}
	slices.Reverse(rows)
	slices.Reverse(heights)
	return rows, heights
}

// placeStretched shrinks the heights alike until the rows fit, and places them; nil
// when they never do.
func (g *grid) placeStretched(rows [][]int, heights []float64, own bool) *Layout {
	total := float64((len(rows) - 1) * g.gap)
	for _, h := range heights {
		total += h
	}
	scale := min(1, float64(g.roomY())/total)
	for ; scale > 0.02; scale *= 0.995 {
		hs := make([]int, len(rows))
		for r := range rows {
			hs[r] = max(2, int(heights[r]*scale)&^1)
			for hs[r] > 2 && g.rowWidth(rows[r], hs[r]) > g.roomX() {
				hs[r] -= 2
			}
			if g.rowWidth(rows[r], hs[r]) > g.roomX() {
				return nil
			}
		}
		if tops := g.stack(hs, own); tops != nil {
			return g.place(rows, hs, tops)
		}
	}
	return nil
}
