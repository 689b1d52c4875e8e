package plan

import (
	"image"

	"github.com/choirless/render/definition"
)

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

// TileSize is a part to lay out: its picture's size as displayed, in any unit.
type TileSize struct {
	Part          definition.PartID
	Width, Height float64
}

// LayoutOptions say what to lay out into.
type LayoutOptions struct {
	Width, Height int // canvas, px, even
	Mode          LayoutMode
	// Margin is the least distance between tiles and to the edges, px; below 0 it is
	// chosen by canvas and number of tiles.
	Margin int
	// TopLeft leaves the rows at the top left instead of in the middle.
	TopLeft bool
	// Previous is the rows of an earlier layout of mostly the same parts, top to bottom.
	Previous [][]definition.PartID
}

// Layout is where each tile goes.
type Layout struct {
	// Tiles are in the order of the parts that were given, in canvas pixels.
	Tiles []image.Rectangle
	// Rows holds indexes into Tiles, top to bottom, left to right.
	Rows [][]int
	// Borders are the rows of pixels at which one stripe ends and the next begins,
	// multiples of 16, ascending, without 0 and the canvas height.
	Borders []int
	// Used is the share of the canvas under tiles, 0..1.
	Used float64
}
