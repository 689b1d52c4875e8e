package plan

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/choirless/render/definition"
)

// aspectSame is how far, as a share, the shape of a picture may be from its tile for
// the tile to be kept.
const aspectSame = 0.02

// keep returns the earlier layout with as little changed as can be: parts that are
// gone leave their row, new ones and ones of another shape go to the row that lost
// one, else to the row with most room, and only such rows are spaced anew. It returns
// nil when there is no such layout. same says that every row has as many tiles as before.
func (g *grid) keep() (l *Layout, same bool) {
	rows, spare := g.earlierRows()
	if rows == nil {
		return nil, false
	}
	for _, i := range spare {
		best, room := -1, -1
		for r := range rows {
			left := g.roomX() - g.rowWidth(rows[r].tiles, rows[r].h) - g.gapX() - g.width(i, rows[r].h)
			if rows[r].lost > 0 && left >= 0 {
				left += g.o.Width // a row that lost one comes first
			}
			if left > room {
				best, room = r, left
			}
		}
		if best < 0 {
			return nil, false
		}
		row := &rows[best]
		row.tiles = append(row.tiles, i)
		row.lost--
		row.changed = true
	}
	l, same = &Layout{Tiles: make([]image.Rectangle, len(g.order))}, true
	place := make([]int, len(g.order)) // of each part in the order
	for k, i := range g.order {
		place[i] = k
	}
	for _, row := range rows {
		if len(row.tiles) == 0 {
			return nil, false
		}
		same = same && row.lost == 0
		if row.changed {
			slices.SortFunc(row.tiles, func(a, b int) int { return cmp.Compare(place[a], place[b]) })
			g.placeRow(l, row.tiles, row.y, row.h)
		} else {
			for _, i := range row.tiles {
				l.Tiles[i] = g.o.Previous[g.ids[i]]
			}
		}
		l.Rows = append(l.Rows, row.tiles)
	}
	l.borders(g.o.Height)
	return l, same
}

// earlierRow is a row of the earlier layout, with the parts that stay.
type earlierRow struct {
	y, h, lost int
	tiles      []int
	changed    bool
}

// earlierRows reads the rows out of the earlier tiles, and the parts that have none.
// It returns nil when the tiles are not rows of one height on this canvas, with this
// spacing.
func (g *grid) earlierRows() (rows []earlierRow, spare []int) {
	if len(g.o.Previous) == 0 {
		return nil, nil
	}
	byTop := map[int]*earlierRow{}
	top := map[definition.PartID]int{}
	canvas := image.Rect(0, 0, g.o.Width, g.o.Height)
	unit, height := 8, 0
	for _, r := range g.o.Previous {
		height = max(height, r.Dy())
		for unit > 2 && (r.Min.X%unit != 0 || r.Dx()%unit != 0) {
			unit /= 2
		}
	}
	for part, r := range g.o.Previous {
		if !r.In(canvas) || r.Min.Y%2 != 0 || r.Min.X%2 != 0 || r.Dx()%2 != 0 {
			return nil, nil
		}
		// Only a picture too wide for the canvas is lower than its row; see inside.
		if r.Dy() != height && r.Dx() < g.roomX()-8 {
			return nil, nil
		}
		y := r.Min.Y - (height-r.Dy())/2&^1
		if byTop[y] == nil {
			byTop[y] = &earlierRow{y: y, h: height}
		}
		byTop[y].lost++
		top[part] = y
	}
	g.unit = unit
	for _, i := range g.order {
		r, ok := g.o.Previous[g.ids[i]]
		if !ok {
			spare = append(spare, i)
			continue
		}
		if shape := float64(r.Dx()) / float64(r.Dy()) / g.aspect[i]; math.Abs(shape-1) > aspectSame && r.Dx() != g.width(i, r.Dy()) {
			spare = append(spare, i)
			continue
		}
		row := byTop[top[g.ids[i]]]
		row.lost--
		row.tiles = append(row.tiles, i)
	}
	for _, row := range byTop {
		row.changed = row.lost > 0
		slices.SortFunc(row.tiles, func(a, b int) int {
			return cmp.Compare(g.o.Previous[g.ids[a]].Min.X, g.o.Previous[g.ids[b]].Min.X)
		})
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b earlierRow) int { return cmp.Compare(a.y, b.y) })
	if !g.sameSpacing(rows) {
		return nil, nil
	}
	return rows, spare
}

// sameSpacing reports whether the earlier tiles keep the distances asked for now: a
// person who changes the margin wants to see it.
func (g *grid) sameSpacing(rows []earlierRow) bool {
	least := math.MaxInt
	for r := range rows {
		if r > 0 && rows[r].y-rows[r-1].y-rows[r-1].h < 0 {
			return false
		}
		for k := 1; k < len(rows[r].tiles); k++ {
			a, b := g.o.Previous[g.ids[rows[r].tiles[k-1]]], g.o.Previous[g.ids[rows[r].tiles[k]]]
			least = min(least, b.Min.X-a.Max.X)
		}
	}
	if least < 0 {
		return false
	}
	if g.o.Margin < 0 {
		if least < math.MaxInt {
			g.gap = min(g.gap, least&^1) // chosen for another number of tiles
		}
		return true
	}
	return least == math.MaxInt || (least >= g.gap && least < g.gap+g.unit)
}
