package plan

import (
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/choirless/render/definition"
)

// How tiles are laid out.
//
// Tiles stand in rows. Parts go into the rows by the order a person gave them, and
// among equals by their reversed id, compared as plain strings: the original's way to
// shuffle singers so that the order does not follow the time of upload, and yet is the
// same every time.
//
// The default gives all tiles one height. It is found by trying every even height
// from the largest down: rows are filled greedily, which needs the fewest rows, and
// the first height whose rows fit the canvas is the best. Breaks are then moved so
// that rows are as equally filled as can be, which leaves no lone last tile.
//
// Margins are boxjam's: between tiles the whole margin, around them half of it on
// each side (boxjam keeps it at the top left only, then centres).
//
// Numbers the rest of the house relies on:
//   - all coordinates are even (4:2:0); x and widths are multiples of 8 or 4 where
//     that costs no area, because the scaler writes 8 pixels at a time;
//   - a stripe is a row of tiles, and stripes meet at multiples of 16, the height of
//     a macroblock, inside the gap between two rows; gaps grow by a few pixels where
//     they must to hold one. When there are so many rows that this would cost much,
//     several rows share a stripe, and any gap that happens to hold a multiple is a
//     border.
//
// A layout depends on the parts alone, never on how they came to be: two coordinators
// that hear of the parts in another order must make the same picture. And yet rows
// should stay where they are when a part is added, so that their cells stay valid.
// Both hold because the history is played again from the ids, whose front is the time
// of the recording: from a fresh layout of the first parts by id, one part after the
// other is put where the order wants it, and where its row is full what is too much
// moves on to the nearest row with room; all other rows stay. Only when no row has
// room, and every historyStep parts to bound the work, is all made afresh. Whoever
// records again under the same id keeps the tile.

// LayoutMode names a way to lay out tiles.
type LayoutMode string

const (
	// LayoutRows gives every tile the same height, the largest that fits.
	LayoutRows LayoutMode = "rows"
	// LayoutStretch makes every row fill the width; heights differ from row to row.
	LayoutStretch LayoutMode = "stretch"
	// LayoutBoxjam puts tiles where boxjam, the original's layout, puts them.
	LayoutBoxjam LayoutMode = "boxjam"
)

const (
	macroblock = 16
	// sharedGain is how much higher tiles must get before rows share a stripe.
	sharedGain = 1.08
	// keepLoss is the share of used area given up to keep earlier rows in place.
	keepLoss = 0.01
	// historyStep is after how many parts a layout is made afresh in any case.
	historyStep = 16
	// maxTiles bounds a layout.
	maxTiles = definition.MaxInputs
)

// TileSize is a part to lay out: its picture's size as displayed, in any unit.
type TileSize struct {
	Part          definition.PartID
	Width, Height float64
	// Order puts it before those of a higher one.
	Order int
}

// LayoutOptions say what to lay out into.
type LayoutOptions struct {
	Width, Height int // canvas, px, even
	Mode          LayoutMode
	// Margin is the least distance between tiles and to the edges, px; below 0 it is
	// chosen by canvas and number of tiles. It is halved until the tiles fit: a choir
	// may outgrow the margin that a person chose for it.
	Margin int
	// TopLeft leaves the rows at the top left instead of in the middle.
	TopLeft bool
	// Previous is the tiles of an earlier layout, made with the same options, of as
	// many parts; others are not looked at. Parts it does not know get the places of
	// those it does that are gone. Used by LayoutRows only.
	Previous map[definition.PartID]image.Rectangle
}

// Layout is where each tile goes.
type Layout struct {
	// Tiles are in the order of the parts that were given, in canvas pixels.
	Tiles []image.Rectangle
	// Rows holds indexes into Tiles, top to bottom, left to right.
	Rows [][]int
	// Used is the share of the canvas under tiles, 0..1.
	Used float64
}

// NewLayout lays out the parts. It fails for no part, more than 4,096, sizes that
// are not positive numbers, and a canvas that is odd, below 16 px or too small to
// give every tile 2x2 pixels.
func NewLayout(parts []TileSize, o LayoutOptions) (*Layout, error) {
	if err := o.check(parts); err != nil {
		return nil, err
	}
	l := o.layOut(parts)
	for l == nil && o.Margin > 0 {
		o.Margin /= 2
		l = o.layOut(parts)
	}
	if l == nil {
		return nil, fmt.Errorf("layout: %d tiles do not fit %dx%d", len(parts), o.Width, o.Height)
	}
	area := 0
	for _, r := range l.Tiles {
		area += r.Dx() * r.Dy()
	}
	l.Used = float64(area) / float64(o.Width*o.Height)
	return l, nil
}

// layOut returns nil when the tiles do not fit.
func (o LayoutOptions) layOut(parts []TileSize) *Layout {
	switch o.Mode {
	case LayoutBoxjam:
		return newGrid(parts, o).boxjam(parts)
	case LayoutStretch:
		return newGrid(parts, o).stretch()
	}
	return grow(parts, o)
}

func (o LayoutOptions) check(parts []TileSize) error {
	switch {
	case o.Width < macroblock || o.Height < macroblock || o.Width%2 != 0 || o.Height%2 != 0:
		return fmt.Errorf("layout: canvas %dx%d, want even and at least 16x16", o.Width, o.Height)
	case len(parts) == 0 || len(parts) > maxTiles:
		return fmt.Errorf("layout: %d tiles, want 1 to %d", len(parts), maxTiles)
	case !slices.Contains([]LayoutMode{"", LayoutRows, LayoutStretch, LayoutBoxjam}, o.Mode):
		return fmt.Errorf("layout: unknown mode %q", o.Mode)
	}
	for _, p := range parts {
		if a := p.Width / p.Height; !(p.Width > 0 && p.Height > 0) || math.IsInf(a, 0) || a == 0 {
			return fmt.Errorf("layout: part %q: size %gx%g", p.Part, p.Width, p.Height)
		}
	}
	return nil
}
