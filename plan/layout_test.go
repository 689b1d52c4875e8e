package plan

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/choirless/render/definition"
)

// shapes are mixes of pictures, width by height.
var shapes = map[string][][2]float64{
	"4:3":      {{640, 480}},
	"16:9":     {{1280, 720}},
	"portrait": {{480, 640}, {720, 1280}},
	"webcam":   {{640, 480}, {1280, 720}, {640, 360}, {480, 640}},
	"odd":      {{641, 359}, {1, 1}, {1920, 1}, {1, 1000}, {4000, 1000}, {0.5, 0.7}},
}

var canvases = [][2]int{{1920, 1080}, {1080, 1920}, {1080, 1080}, {1280, 720}, {3840, 2160}, {256, 144}, {640, 16}}

func TestLayoutOfAnyCount(t *testing.T) {
	counts := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 17, 25, 36, 49, 64, 99, 100, 144, 233, 400, 777, 1000}
	if !testing.Short() {
		for n := 12; n <= 150; n++ {
			counts = append(counts, n)
		}
	}
	for name, mix := range shapes {
		for c, canvas := range canvases[:5] {
			for _, n := range counts {
				if (c > 0 || name == "odd" || name == "portrait") && n > 40 && n%16 != 0 {
					continue
				}
				for _, mode := range []LayoutMode{LayoutRows, LayoutStretch, LayoutBoxjam} {
					if mode == LayoutStretch && n > 150 && canvas != canvases[0] {
						continue
					}
					parts := randomParts(n, mix)
					o := LayoutOptions{Width: canvas[0], Height: canvas[1], Margin: -1, Mode: mode}
					l, err := NewLayout(parts, o)
					if err != nil {
						t.Fatalf("%s %d %v %s: %v", name, n, canvas, mode, err)
					}
					checkLayout(t, fmt.Sprintf("%s n=%d %v %s", name, n, canvas, mode), parts, o, l)
				}
			}
		}
	}
}

func TestLayoutOfTinyCanvasesAndMargins(t *testing.T) {
	for _, canvas := range canvases {
		for _, margin := range []int{-1, 0, 1, 7, 10, 25, 200} {
			for _, n := range []int{1, 2, 5, 12} {
				parts := randomParts(n, shapes["webcam"])
				o := LayoutOptions{Width: canvas[0], Height: canvas[1], Margin: margin}
				l, err := NewLayout(parts, o)
				if err != nil {
					continue // refused, which is right where nothing fits
				}
				checkLayout(t, fmt.Sprintf("%v margin %d n=%d", canvas, margin, n), parts, o, l)
			}
		}
	}
}

// TestMarginGivesWay: a margin that was right for a few singers does not keep the next
// one out.
func TestMarginGivesWay(t *testing.T) {
	for _, mode := range []LayoutMode{LayoutRows, LayoutStretch, LayoutBoxjam} {
		for _, n := range []int{1, 3, 4, 50} {
			parts := randomParts(n, shapes["webcam"])
			o := LayoutOptions{Width: 320, Height: 240, Margin: 200, Mode: mode}
			l, err := NewLayout(parts, o)
			if err != nil {
				t.Errorf("%s, %d parts: %v", mode, n, err)
				continue
			}
			checkOverlap(t, fmt.Sprintf("%s, %d parts", mode, n), l.Tiles)
		}
	}
}

func randomParts(n int, mix [][2]float64) []TileSize {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	var out []TileSize
	for i := range n {
		s := mix[r.IntN(len(mix))]
		out = append(out, TileSize{Part: definition.PartID(fmt.Sprintf("p%03d-%04x", i, r.IntN(1<<16))), Width: s[0], Height: s[1]})
	}
	return out
}

// checkLayout checks what every layout promises.
func checkLayout(t *testing.T, name string, parts []TileSize, o LayoutOptions, l *Layout) {
	t.Helper()
	canvas := image.Rect(0, 0, o.Width, o.Height)
	if len(l.Tiles) != len(parts) {
		t.Fatalf("%s: %d tiles for %d parts", name, len(l.Tiles), len(parts))
	}
	for i, r := range l.Tiles {
		if !r.In(canvas) || r.Dx() < 2 || r.Dy() < 2 {
			t.Fatalf("%s: tile %d is %v", name, i, r)
		}
		if r.Min.X%2 != 0 || r.Min.Y%2 != 0 || r.Dx()%2 != 0 || r.Dy()%2 != 0 {
			t.Fatalf("%s: tile %d is odd: %v", name, i, r)
		}
		checkShape(t, name, parts[i], o, r)
	}
	checkOverlap(t, name, l.Tiles)
	checkRows(t, name, parts, o, l)
}

// checkShape: a tile differs from its picture's shape by no more than the grid
// makes it.
func checkShape(t *testing.T, name string, p TileSize, o LayoutOptions, r image.Rectangle) {
	t.Helper()
	a := min(16, max(1.0/16, p.Width/p.Height))
	grid := 4.5 // half of 8 px, and a little
	if o.Mode == LayoutBoxjam {
		grid = 20 // boxjam rounds up, then both edges are snapped
	}
	if o.Mode == LayoutBoxjam && (r.Min.X == 0 || r.Max.X >= o.Width-8 || r.Max.Y == o.Height || r.Dx() < 24 || r.Dy() < 24) {
		return // boxjam lets wide pictures hang out of the canvas, and we cut them
	}
	w, h := float64(r.Dx()), float64(r.Dy())
	if math.Abs(w-h*a) > grid && math.Abs(w/a-h) > grid/2 {
		t.Fatalf("%s: tile %v for a picture of %gx%g", name, r, p.Width, p.Height)
	}
}

func checkOverlap(t *testing.T, name string, tiles []image.Rectangle) {
	t.Helper()
	for i, a := range tiles {
		for j, b := range tiles[:i] {
			if a.Overlaps(b) {
				t.Fatalf("%s: tiles %d and %d overlap: %v %v", name, j, i, b, a)
			}
		}
	}
}

// checkRows: borders are multiples of 16 that cut no tile, each row lies between two
// of them, and rows have stripes of their own while there are few.
func checkRows(t *testing.T, name string, parts []TileSize, o LayoutOptions, l *Layout) {
	t.Helper()
	at := 0
	borders := bordersOf(l)
	for _, b := range borders {
		if b <= at || b%16 != 0 || b >= o.Height {
			t.Fatalf("%s: borders %v of %d", name, borders, o.Height)
		}
		at = b
		for i, r := range l.Tiles {
			if r.Min.Y < b && r.Max.Y > b {
				t.Fatalf("%s: border %d cuts tile %d %v", name, b, i, r)
			}
		}
	}
	seen := 0
	for _, row := range l.Rows {
		seen += len(row)
	}
	if seen != len(l.Tiles) {
		t.Fatalf("%s: rows hold %d of %d tiles", name, seen, len(l.Tiles))
	}
	if o.Mode != LayoutBoxjam && o.Previous == nil {
		checkOrder(t, name, parts, l)
	}
	if (o.Mode == LayoutRows || o.Mode == "") && len(l.Rows) <= 8 && o.Height >= 720 && len(borders) != len(l.Rows)-1 {
		t.Errorf("%s: %d rows in %d stripes", name, len(l.Rows), len(borders)+1)
	}
	if o.Mode == LayoutRows || o.Mode == "" {
		for r := 1; r < len(l.Rows); r++ {
			_, bottom := extent(l, r-1)
			top, _ := extent(l, r)
			if o.Margin >= 0 && o.Margin < 100 && top-bottom < o.Margin {
				t.Fatalf("%s: gap %d below margin %d", name, top-bottom, o.Margin)
			}
		}
	}
}

// bordersOf returns where the gaps between rows let one stripe end and the next begin.
func bordersOf(l *Layout) (all []int) {
	for r := 1; r < len(l.Rows); r++ {
		_, bottom := extent(l, r-1)
		top, _ := extent(l, r)
		if b := borderIn(bottom, top); b > 0 {
			all = append(all, b)
		}
	}
	return all
}

// extent returns the first pixel row of a row of tiles, and the one after the last.
func extent(l *Layout, row int) (top, bottom int) {
	top = math.MaxInt
	for _, i := range l.Rows[row] {
		top, bottom = min(top, l.Tiles[i].Min.Y), max(bottom, l.Tiles[i].Max.Y)
	}
	return top, bottom
}

// checkOrder: read like a page, the reversed ids ascend.
func checkOrder(t *testing.T, name string, parts []TileSize, l *Layout) {
	t.Helper()
	was := ""
	for _, row := range l.Rows {
		for _, i := range row {
			if id := reversed(parts[i].Part); id < was {
				t.Fatalf("%s: reversed id %q after %q", name, id, was)
			} else {
				was = id
			}
		}
	}
}

func TestLayoutIsOrderedByReversedID(t *testing.T) {
	parts := []TileSize{{"ab", 4, 3, 0}, {"ba", 4, 3, 0}, {"zz", 4, 3, 0}, {"za", 4, 3, 0}}
	l, err := NewLayout(parts, LayoutOptions{Width: 3000, Height: 400, Margin: 10})
	if err != nil {
		t.Fatal(err)
	}
	// Reversed: ba, ab, zz, az, so: za (az)... in order ab, az, ba, zz.
	want := []int{1, 3, 0, 2}
	if fmt.Sprint(l.Rows[0]) != fmt.Sprint(want) {
		t.Errorf("first row %v, want %v", l.Rows[0], want)
	}
}

func TestLayoutRefuses(t *testing.T) {
	one := []TileSize{{"a", 4, 3, 0}}
	for name, c := range map[string]struct {
		parts []TileSize
		o     LayoutOptions
	}{
		"no parts":     {nil, LayoutOptions{Width: 64, Height: 64}},
		"odd canvas":   {one, LayoutOptions{Width: 65, Height: 64}},
		"small canvas": {one, LayoutOptions{Width: 14, Height: 64}},
		"no height":    {[]TileSize{{"a", 4, 0, 0}}, LayoutOptions{Width: 64, Height: 64}},
		"NaN":          {[]TileSize{{"a", math.NaN(), 4, 0}}, LayoutOptions{Width: 64, Height: 64}},
		"mode":         {one, LayoutOptions{Width: 64, Height: 64, Mode: "spiral"}},
		"too many":     {randomParts(900, shapes["4:3"]), LayoutOptions{Width: 32, Height: 32}},
	} {
		if l, err := NewLayout(c.parts, c.o); err == nil {
			t.Errorf("%s: laid out: %v", name, l.Tiles)
		}
	}
}

// tiles reads a layout as the next one's Previous.
func tiles(parts []TileSize, l *Layout) map[definition.PartID]image.Rectangle {
	m := map[definition.PartID]image.Rectangle{}
	for i, p := range parts {
		m[p.Part] = l.Tiles[i]
	}
	return m
}

func TestLayoutStaysWhenPartsChange(t *testing.T) {
	one, some, all := 0, 0, 0
	for _, margin := range []int{-1, 10} {
		for name, mix := range shapes {
			for n := 2; n <= 60; n++ {
				parts := randomParts(n, mix)
				o := LayoutOptions{Width: 1920, Height: 1080, Margin: margin}
				before, err := NewLayout(parts, o)
				if err != nil {
					t.Fatal(err)
				}
				again, err := NewLayout(parts, LayoutOptions{Width: 1920, Height: 1080, Margin: margin, Previous: tiles(parts, before)})
				if err != nil || fmt.Sprint(again.Tiles) != fmt.Sprint(before.Tiles) {
					t.Fatalf("%s n=%d: the same parts moved: %v\n%v\n%v", name, n, err, before.Tiles, again.Tiles)
				}
				checkReplaced(t, fmt.Sprintf("%s n=%d", name, n), parts, o, before)
				if name != "odd" {
					a, b, c := checkAdded(t, fmt.Sprintf("%s n=%d", name, n), parts, o, before)
					one, some, all = one+a, some+b, all+c
				}
			}
		}
	}
	t.Logf("adding a part moved at most one row %d times, some %d times, all %d times", one, some, all)
	if one+some < all {
		t.Error("most additions move all rows")
	}
}

func TestAddingMovesNoRowThatNeedNotMove(t *testing.T) {
	// Three rows of three, then a tenth: all afresh. Two rows of four and one of
	// three: the twelfth goes into the last row.
	var parts []TileSize
	for i := range 11 {
		parts = append(parts, TileSize{definition.PartID(fmt.Sprintf("%02dp%c", i, 'a'+i)), 640, 480, 0})
	}
	o := LayoutOptions{Width: 1920, Height: 1080, Margin: 10}
	before, err := NewLayout(parts, o)
	if err != nil {
		t.Fatal(err)
	}
	slack := -1
	for r, row := range before.Rows {
		if len(row) == 3 {
			slack = r
		}
	}
	if len(before.Rows) != 3 || slack < 0 {
		t.Fatalf("rows %v", before.Rows)
	}
	// Reversed, the ids stand in the order a, b, c...: an id ending in A comes first,
	// one ending in z last.
	for _, id := range []definition.PartID{"99pA", "99pea", "99pz"} {
		after, err := NewLayout(append(parts[:11:11], TileSize{id, 640, 480, 0}), o)
		if err != nil {
			t.Fatal(err)
		}
		own := 0
		for r, row := range after.Rows {
			for _, i := range row {
				if i == 11 {
					own = r
				}
			}
		}
		if moved := rowsMoved(before, after, 11); moved > max(own, slack)-min(own, slack)+1 {
			t.Errorf("%s: %d rows moved, from row %d to %d", id, moved, own, slack)
		}
	}
}

func TestLayoutDoesNotKnowWhatCameFirst(t *testing.T) {
	parts := randomParts(23, shapes["webcam"])
	o := LayoutOptions{Width: 1920, Height: 1080, Margin: -1}
	want, err := NewLayout(parts, o)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		to := r.Perm(len(parts))
		mixed := make([]TileSize, len(parts))
		for k, i := range to {
			mixed[k] = parts[i]
		}
		got, err := NewLayout(mixed, o)
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, "mixed", mixed, o, got)
		for k, i := range to {
			if got.Tiles[k] != want.Tiles[i] {
				t.Fatalf("part %d is at %v, in another order at %v", i, want.Tiles[i], got.Tiles[k])
			}
		}
	}
}

// checkReplaced: a take under a new id of the same shape changes one row at most.
func checkReplaced(t *testing.T, name string, parts []TileSize, o LayoutOptions, before *Layout) {
	t.Helper()
	next := append([]TileSize(nil), parts...)
	next[len(next)/2].Part = "take2"
	o.Previous = tiles(parts, before)
	after, err := NewLayout(next, o)
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, name, next, o, after)
	if moved := rowsMoved(before, after, len(parts)); moved > 1 {
		t.Errorf("%s: replacing a part moved %d of %d rows", name, moved, len(before.Rows))
	}
}

// checkAdded: a new part moves the rows from its own to the nearest with room.
func checkAdded(t *testing.T, name string, parts []TileSize, o LayoutOptions, before *Layout) (one, some, all int) {
	t.Helper()
	next := append(append([]TileSize(nil), parts...), TileSize{"zz-newcomer", 640, 480, 0})
	after, err := NewLayout(next, o)
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, name, next, o, after)
	switch moved := rowsMoved(before, after, len(parts)); {
	case moved <= 1:
		return 1, 0, 0
	case moved < len(before.Rows):
		return 0, 1, 0
	}
	return 0, 0, 1
}

// rowsMoved counts the rows of before in which one of the first n tiles moved.
func rowsMoved(before, after *Layout, n int) int {
	moved := 0
	for _, row := range before.Rows {
		for _, i := range row {
			if i < n && before.Tiles[i] != after.Tiles[i] {
				moved++
				break
			}
		}
	}
	return moved
}
