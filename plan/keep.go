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

// replace returns the layout of g.o.Previous with parts that are new in the places of
// those that are gone, each in a row that lost one; nil when that cannot be.
func (g *grid) replace() *Layout {
	rows, spare := g.earlierRows()
	for _, i := range spare {
		at := slices.IndexFunc(rows, func(r earlierRow) bool {
			return r.lost > 0 && g.rowWidth(append(slices.Clone(r.tiles), i), r.h) <= g.roomX()
		})
		if at < 0 {
			return nil
		}
		rows[at].put(g, i)
		rows[at].lost--
	}
	for _, r := range rows {
		if r.lost != 0 {
			return nil
		}
	}
	if !g.ranked(rows) {
		return nil
	}
	return g.placeEarlier(rows)
}

// ranked reports whether the rows read in the order a person gave the parts.
func (g *grid) ranked(rows []earlierRow) bool {
	var ranks []int
	for _, r := range rows {
		for _, i := range r.tiles {
			ranks = append(ranks, g.rank[i])
		}
	}
	return slices.IsSorted(ranks)
}

// insert returns the layout of g.o.Previous with one more part where its id belongs.
// Where its row is full, the last tile moves on to the next row, or the first to the
// row before, and so on to the nearest row with room: as few rows change as the
// order allows. It returns nil when no row has room.
func (g *grid) insert() *Layout {
	rows, spare := g.earlierRows()
	if rows == nil || len(spare) != 1 {
		return nil
	}
	place := g.places()
	var best []earlierRow
	least := len(rows) + 1
	for r := range rows {
		// The part may join a row that it does not come before or after as a whole,
		// or stand at the end of a row it follows.
		before := r > 0 && place[spare[0]] < place[last(rows[r-1].tiles)]
		after := r+1 < len(rows) && place[spare[0]] > place[rows[r+1].tiles[0]]
		if before || after {
			continue
		}
		for _, step := range []int{1, -1} {
			if tried, changed := g.push(rows, r, step, spare[0]); tried != nil && changed < least {
				best, least = tried, changed
			}
		}
	}
	return g.placeEarlier(best)
}

// push puts a part into row r and moves what is too much on from row to row, down
// (step 1) or up (step -1), and says how many rows changed; nil when it does not fit.
func (g *grid) push(rows []earlierRow, r, step, part int) ([]earlierRow, int) {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].tiles = slices.Clone(rows[i].tiles)
	}
	rows[r].put(g, part)
	for changed := 1; ; changed++ {
		row := &rows[r]
		var over []int
		for g.rowWidth(row.tiles, row.h) > g.roomX() && len(row.tiles) > 1 {
			k := 0
			if step > 0 {
				k = len(row.tiles) - 1
			}
			over = append(over, row.tiles[k])
			row.tiles = slices.Delete(row.tiles, k, k+1)
		}
		if len(over) == 0 {
			return rows, changed
		}
		if r += step; r < 0 || r >= len(rows) {
			return nil, 0
		}
		for _, i := range over {
			rows[r].put(g, i)
		}
	}
}

// put adds a part to a row, in the order of ids.
func (r *earlierRow) put(g *grid, part int) {
	place := g.places()
	r.tiles = append(r.tiles, part)
	slices.SortFunc(r.tiles, func(a, b int) int { return cmp.Compare(place[a], place[b]) })
	r.changed = true
}

// places returns the place of each part in the order.
func (g *grid) places() []int {
	place := make([]int, len(g.order))
	for k, i := range g.order {
		place[i] = k
	}
	return place
}

func last(s []int) int { return s[len(s)-1] }

// placeEarlier puts changed rows anew and all others where they were.
func (g *grid) placeEarlier(rows []earlierRow) *Layout {
	if len(rows) == 0 {
		return nil
	}
	l := &Layout{Tiles: make([]image.Rectangle, len(g.order))}
	for _, row := range rows {
		if row.changed {
			g.placeRow(l, row.tiles, row.y, row.h)
		} else {
			for _, i := range row.tiles {
				l.Tiles[i] = g.o.Previous[g.ids[i]]
			}
		}
		l.Rows = append(l.Rows, row.tiles)
	}
	return l
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
