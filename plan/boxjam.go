package plan

import (
	"image"
	"math"
	"slices"
)

// boxjam is the layout of the original (npm package boxjam 0.0.21, now only
// Rend-o-matic/boxjam, MIT), reproduced from its behaviour: everything is scaled to
// the median height, placed in rows from the left without keeping the right margin,
// and shrunk by a tenth, rounded up, until the rows fit. It never enlarges. Rounded up
// nothing of 9 px or less becomes smaller: where the original goes on for ever, we have
// no layout.

// box is a rectangle of boxjam; positions may end in .5.
type box struct{ X, Y, W, H float64 }

// jam returns boxjam's own rectangles for the sizes, in their order; nil when they do
// not fit however small they are.
func jam(sizes []box, width, height, margin float64, center bool) []box {
	b := slices.Clone(sizes)
	heights := make([]float64, len(b))
	for i := range b {
		heights[i] = b[i].H
	}
	slices.Sort(heights)
	median := heights[len(heights)/2]
	for i := range b {
		b[i].W, b[i].H = b[i].W*median/b[i].H, median
	}
	for !jamRows(b, width, height, margin) {
		smaller := false
		for i := range b {
			w, h := math.Ceil(b[i].W*0.9), math.Ceil(b[i].H*0.9)
			smaller = smaller || w < b[i].W || h < b[i].H
			b[i].W, b[i].H = w, h
		}
		if !smaller {
			return nil
		}
	}
	if center {
		jamCenter(b, width, height, margin)
	}
	return b
}

// jamRows places the boxes and reports whether all but the first stay above the bottom.
func jamRows(b []box, width, height, margin float64) bool {
	x, y := margin, margin
	for i := range b {
		if i > 0 {
			x = b[i-1].X + b[i-1].W + margin
			if x+b[i].W > width {
				x, y = margin, y+b[i-1].H+margin
			}
		}
		b[i].X, b[i].Y = x, y
		if i > 0 && y+b[i].H > height {
			return false
		}
	}
	return true
}

func jamCenter(b []box, width, height, margin float64) {
	last := slices.IndexFunc(b, func(c box) bool { return c.Y == b[len(b)-1].Y })
	dy := math.Trunc((height-(b[last].Y+b[last].H))/2) - margin/2
	for lo := 0; lo < len(b); {
		hi := lo
		for hi < len(b) && b[hi].Y == b[lo].Y {
			hi++
		}
		dx := math.Trunc((width-(b[hi-1].X+b[hi-1].W))/2) - margin/2
		for i := lo; i < hi; i++ {
			b[i].X += dx
		}
		lo = hi
	}
	for i := range b {
		b[i].Y += dy
	}
}

// boxjam is the layout of LayoutBoxjam: boxjam's positions, snapped inwards to x and
// widths of 8 px and even rows, and cut to the canvas. Where boxjam has none, or leaves
// a tile outside of the canvas altogether, the layout is that of LayoutRows.
func (g *grid) boxjam(parts []TileSize) *Layout {
	sizes := make([]box, len(g.order))
	for k, i := range g.order {
		sizes[k] = box{W: parts[i].Width, H: parts[i].Height}
	}
	margin := g.gap
	if g.o.Margin >= 0 {
		margin = min(margin, g.o.Margin) // odd ones too, as boxjam has them
	}
	boxes := jam(sizes, float64(g.o.Width), float64(g.o.Height), float64(margin), !g.o.TopLeft)
	if boxes == nil {
		return g.rows()
	}
	l := &Layout{Tiles: make([]image.Rectangle, len(parts))}
	for k, b := range boxes {
		if k == 0 || b.Y != sizes[0].Y {
			l.Rows = append(l.Rows, nil)
			sizes[0].Y = b.Y
		}
		i := g.order[k]
		l.Rows[len(l.Rows)-1] = append(l.Rows[len(l.Rows)-1], i)
		l.Tiles[i] = g.snap(b)
		if l.Tiles[i].Empty() {
			return g.rows()
		}
	}
	return l
}

// snap returns the largest rectangle on the grid that lies inside b and the canvas,
// empty when there is none of 2x2 pixels.
func (g *grid) snap(b box) image.Rectangle {
	up := func(v float64, m int) int { return m * int(math.Ceil(max(0, v)/float64(m))) }
	down := func(v float64, m, limit int) int { return min(m*int(math.Floor(v/float64(m))), limit&^(m-1)) }
	// Not image.Rect, which would turn an empty one inside out.
	return image.Rectangle{
		Min: image.Pt(up(b.X, 8), up(b.Y, 2)),
		Max: image.Pt(down(b.X+b.W, 8, g.o.Width), down(b.Y+b.H, 2, g.o.Height)),
	}
}
