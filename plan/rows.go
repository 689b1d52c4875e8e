package plan

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/choirless/render/definition"
)

// grow is the layout of LayoutRows: the history of the parts played again by their
// ids, see above.
func grow(parts []TileSize, o LayoutOptions) *Layout {
	if len(o.Previous) == len(parts) {
		if kept := newGrid(parts, o).replace(); kept != nil {
			return kept
		}
	}
	o.Previous = nil
	byID := make([]int, len(parts))
	for i := range byID {
		byID[i] = i
	}
	slices.SortStableFunc(byID, func(a, b int) int { return cmp.Compare(parts[a].Part, parts[b].Part) })
	sorted := make([]TileSize, len(parts))
	for k, i := range byID {
		sorted[k] = parts[i]
	}
	var l *Layout
	for n := max(1, len(parts)-len(parts)%historyStep); n <= len(parts); n++ {
		g := newGrid(sorted[:n], o)
		next := g.rows()
		if next == nil {
			return nil
		}
		if l != nil {
			g.o.Previous = map[definition.PartID]image.Rectangle{}
			for k, r := range l.Tiles {
				g.o.Previous[sorted[k].Part] = r
			}
			// What is kept has the height it had, and nothing higher fits more parts: it
			// never uses less of the canvas, but for the grid of x.
			if kept := g.insert(); kept != nil && kept.area() >= (1-keepLoss)*next.area() {
				next = kept
			}
		}
		l = next
	}
	return l.reorder(byID)
}

// reorder returns the layout for parts in another order: tile k becomes tile to[k].
func (l *Layout) reorder(to []int) *Layout {
	tiles := make([]image.Rectangle, len(to))
	for k, i := range to {
		tiles[i] = l.Tiles[k]
	}
	for _, row := range l.Rows {
		for j, k := range row {
			row[j] = to[k]
		}
	}
	l.Tiles = tiles
	return l
}

// rows is a fresh layout of one common height; nil when the tiles do not fit.
func (g *grid) rows() *Layout {
	best, own := g.bestRows()
	if best == nil {
		return nil
	}
	fresh := g.evenRows(best, own)
	// The coarsest horizontal grid that costs nothing.
	for _, unit := range []int{8, 4} {
		if best.h < 8*unit {
			continue // too coarse for the shapes of tiny tiles
		}
		g.unit = unit
		if f := g.bestHeight(own); f != nil {
			if l := g.evenRows(f, own); l != nil && l.area() >= fresh.area() {
				fresh = l
				break
			}
		}
		g.unit = 2
	}
	return fresh
}

// evenRows places the parts at a common height.
func (g *grid) evenRows(f *fitting, own bool) *Layout {
	return g.placeEqual(g.breakEven(g.order, f.h, f.rows), f.h, own)
}

// bestRows returns the best common height, and whether each row gets its own stripe.
func (g *grid) bestRows() (best *fitting, own bool) {
	best, shared := g.bestHeight(true), g.bestHeight(false)
	if best == nil || (shared != nil && float64(shared.h) > sharedGain*float64(best.h)) {
		return shared, false
	}
	return best, true
}

// fitting is a common height and the rows it takes.
type fitting struct{ h, rows int }

// bestHeight returns the largest common height whose rows fit.
func (g *grid) bestHeight(own bool) *fitting {
	// Tiles at the height that would fill the canvas without a gap are too high, even
	// when their widths were all rounded down.
	sum := 0.0
	for _, a := range g.aspect {
		sum += min(a, float64(g.roomX())/float64(g.roomY()))
	}
	full := math.Sqrt(float64(g.o.Width) * float64(g.o.Height) / sum)
	for h := min(g.roomY(), int(1.1*full)+g.unit) &^ 1; h >= 2; h -= 2 {
		rows := g.breakGreedy(g.order, h)
		if rows*(h+g.gap) > g.o.Height {
			continue
		}
		if g.stack(equal(h, rows), own) != nil {
			return &fitting{h, rows}
		}
	}
	return nil
}

func equal(h, n int) []int {
	hs := make([]int, n)
	for i := range hs {
		hs[i] = h
	}
	return hs
}

// placeEqual puts rows of one height on the canvas; nil when they do not fit.
func (g *grid) placeEqual(rows [][]int, h int, own bool) *Layout {
	hs := equal(h, len(rows))
	tops := g.stack(hs, own)
	if tops == nil {
		return nil
	}
	return g.place(rows, hs, tops)
}

func (l *Layout) area() float64 {
	n := 0
	for _, r := range l.Tiles {
		n += r.Dx() * r.Dy()
	}
	return float64(n)
}
