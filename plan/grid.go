package plan

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/choirless/render/definition"
)

// grid is one layout being made: the order of the tiles and the rules of spacing.
type grid struct {
	o      LayoutOptions
	order  []int     // indexes of parts, in the order they are placed
	aspect []float64 // width / height, by index of part
	ids    []definition.PartID
	rank   []int // TileSize.Order, by index of part
	gap    int   // between tiles, px, even
	lo     int   // least x and y, px; the other side keeps gap - lo
	unit   int   // x and widths are multiples of it: 8, 4 or 2
}

func newGrid(parts []TileSize, o LayoutOptions) *grid {
	g := &grid{o: o, order: make([]int, len(parts)), unit: 2}
	margin := o.Margin
	if margin < 0 {
		margin = autoMargin(o.Width, o.Height, len(parts))
	}
	// A margin must leave room for at least one small tile.
	g.gap = min((margin+1)&^1, (min(o.Width, o.Height)-8)&^1)
	g.lo = g.gap / 2 &^ 1
	for i, p := range parts {
		g.order[i] = i
		// A picture more than 16 times as wide as high, or the other way round, is
		// shown inside a tile of that shape: a thread of pixels helps nobody.
		g.aspect = append(g.aspect, min(16, max(1.0/16, p.Width/p.Height)))
		g.ids, g.rank = append(g.ids, p.Part), append(g.rank, p.Order)
	}
	slices.SortStableFunc(g.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(g.rank[a], g.rank[b]), cmp.Compare(reversed(g.ids[a]), reversed(g.ids[b])))
	})
	return g
}

// autoMargin is 10 px on a canvas of 1920x1080, less when tiles are small. It
// moves in steps, so that one more part seldom changes it.
func autoMargin(w, h, n int) int {
	side := math.Sqrt(float64(w) * float64(h) / float64(n))
	m := 10 * math.Sqrt(float64(w)*float64(h)/(1920*1080))
	for m > 2 && m > side/18 {
		m /= math.Sqrt2
	}
	return max(2, 2*int(m/2+0.5))
}

func reversed(id definition.PartID) string {
	r := []rune(string(id))
	slices.Reverse(r)
	return string(r)
}

func (g *grid) roomX() int { return g.o.Width - g.gap }
func (g *grid) roomY() int { return g.o.Height - g.gap }

// gapX is the distance between tiles of one row.
func (g *grid) gapX() int { return (g.gap + g.unit - 1) / g.unit * g.unit }

// width is that of tile i at height h, on the grid, never wider than the canvas.
func (g *grid) width(i, h int) int {
	w := g.unit * int(math.Round(float64(h)*g.aspect[i]/float64(g.unit)))
	return max(g.unit, min(w, g.roomX()/g.unit*g.unit))
}

// rowWidth is the width of a row with its gaps.
func (g *grid) rowWidth(row []int, h int) int {
	used := -g.gapX()
	for _, i := range row {
		used += g.gapX() + g.width(i, h)
	}
	return used
}

// breakGreedy fills rows from the left and returns how many it takes.
func (g *grid) breakGreedy(order []int, h int) int {
	rows, used := 0, 0
	for k, i := range order {
		w := g.width(i, h)
		if k == 0 || used+g.gapX()+w > g.roomX() {
			rows++
			used = w
		} else {
			used += g.gapX() + w
		}
	}
	return rows
}

// breakEven divides the order into so many rows that the sum of the squares of what
// is left over in each is least; nil when they do not fit.
func (g *grid) breakEven(order []int, h, rows int) [][]int {
	n := len(order)
	cost := make([]float64, n+1) // of the first k tiles in r rows
	from := make([][]int32, rows)
	for k := range cost {
		cost[k] = math.Inf(1)
	}
	cost[0] = 0
	for r := range rows {
		next := make([]float64, n+1)
		from[r] = make([]int32, n+1)
		for k := range next {
			next[k] = math.Inf(1)
		}
		for k := 1; k <= n; k++ {
			used := -g.gapX()
			for j := k - 1; j >= 0; j-- {
				if used += g.gapX() + g.width(order[j], h); used > g.roomX() {
					break
				}
				slack := float64(g.roomX() - used)
				// Strictly less: of equal ways the one with fuller rows on top wins.
				if c := cost[j] + slack*slack; c < next[k] {
					next[k], from[r][k] = c, int32(j)
				}
			}
		}
		cost = next
	}
	if math.IsInf(cost[n], 1) {
		return nil
	}
	out := make([][]int, rows)
	for r, k := rows-1, n; r >= 0; r-- {
		j := int(from[r][k])
		out[r] = slices.Clone(order[j:k])
		k = j
	}
	return out
}

// stack returns the tops of rows of the given heights, all even, with at least gap
// between them, inside the canvas and as near to evenly spaced in the middle as can
// be. With own, every gap also holds a multiple of 16. It returns nil when the rows
// do not fit.
func (g *grid) stack(heights []int, own bool) []int {
	n := len(heights)
	// early and late are the least and greatest top of each row.
	early, late := make([]int, n), make([]int, n)
	early[0] = g.lo
	for r := 1; r < n; r++ {
		early[r] = g.below(early[r-1]+heights[r-1], own)
	}
	bottom := g.o.Height - (g.gap - g.lo)
	late[n-1] = (bottom - heights[n-1]) &^ 1
	for r := n - 2; r >= 0; r-- {
		end := late[r+1] - g.gap
		if own {
			end = min(end, late[r+1]&^(macroblock-1))
		}
		late[r] = end - heights[r]
	}
	if late[0] < early[0] {
		return nil
	}
	if g.o.TopLeft {
		return early
	}
	// The wish: the gaps that the tightest packing has on average, all the same.
	used := early[n-1] + heights[n-1] - early[0]
	wish := float64(g.o.Height-used) / 2
	gaps := 0.0
	if n > 1 {
		tiles := 0
		for _, h := range heights {
			tiles += h
		}
		gaps = float64(used-tiles) / float64(n-1)
	}
	tops := make([]int, n)
	for r := range tops {
		tops[r] = min(late[r], max(early[r], int(wish+0.5)&^1))
		if r > 0 {
			tops[r] = max(tops[r], g.below(tops[r-1]+heights[r-1], own))
		}
		wish += float64(heights[r]) + gaps
	}
	return tops
}

// below is the least top of a row under a row that ends at bottom.
func (g *grid) below(bottom int, own bool) int {
	top := bottom + g.gap
	if own {
		top = max(top, (bottom+macroblock-1)&^(macroblock-1))
	}
	return top
}

// place puts rows of the given heights at the given tops.
func (g *grid) place(rows [][]int, heights, tops []int) *Layout {
	l := &Layout{Tiles: make([]image.Rectangle, len(g.order)), Rows: rows}
	for r, row := range rows {
		g.placeRow(l, row, tops[r], heights[r])
	}
	return l
}

// placeRow puts one row at y, in the middle unless the options say left.
func (g *grid) placeRow(l *Layout, row []int, y, h int) {
	used := g.rowWidth(row, h)
	x := g.lo
	if !g.o.TopLeft {
		x = (g.o.Width - used) / 2
	}
	x = min((x+g.unit/2)/g.unit*g.unit, (g.o.Width-used)/g.unit*g.unit)
	for _, i := range row {
		w := g.width(i, h)
		l.Tiles[i] = g.inside(i, image.Rect(x, y, x+w, y+h))
		x += w + g.gapX()
	}
}

// inside shrinks the tile of a picture too wide for the canvas to the picture's own
// height, in the middle of its row.
func (g *grid) inside(i int, r image.Rectangle) image.Rectangle {
	if float64(r.Dy())*g.aspect[i] <= float64(r.Dx()+g.unit) {
		return r
	}
	h := max(2, 2*int(math.Round(float64(r.Dx())/g.aspect[i]/2)))
	y := r.Min.Y + (r.Dy()-h)/2&^1
	return image.Rect(r.Min.X, y, r.Max.X, y+h)
}

// borderIn returns the multiple of 16 in [lo, hi] nearest to the middle, 0 for none.
func borderIn(lo, hi int) int {
	b := ((lo+hi)/2 + macroblock/2) / macroblock * macroblock
	for _, c := range []int{b, b - macroblock, b + macroblock} {
		if c >= lo && c <= hi && c > 0 {
			return c
		}
	}
	return 0
}
