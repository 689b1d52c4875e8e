package engine

import (
	"fmt"
	"image"

	"github.com/choirless/render/media"
)

// Fit says how a picture of one shape fills a tile of another.
type Fit int

const (
	// Cover fills the tile and crops what is too much, evenly on both sides.
	Cover Fit = iota
	// Contain shows the whole picture, letterboxed with the scene's background.
	Contain
)

// Scene says what is where on a canvas. It is plain data: a Canvas copies what
// it needs, so a Scene may be reused. Lengths are luma pixels, origin top left.
type Scene struct {
	// Width and Height are even, 2..media.MaxSide.
	Width, Height int
	// Background is non-linear sRGB.
	Background [3]uint8
	// Backdrop, when not nil, is drawn over Background, scaled to BackdropRect,
	// which may stick out of the canvas; if that is empty, to cover the canvas.
	Backdrop     image.Image
	BackdropRect image.Rectangle
	// Tiles are drawn in order; a later tile lies over an earlier one.
	Tiles []Tile
	// Look sets tunable uniforms of the shaders by name (shaders.Tunable); what is
	// left out has its default.
	Look map[string]float64
	// Overlays lie over every tile, in order.
	Overlays []Overlay
}

// Tile is the place of one part.
type Tile struct {
	// Rect is where the tile lies, half-open. It may stick out of the canvas
	// but must touch it.
	Rect image.Rectangle
	Fit  Fit
	// Aspect is width by height, as seen and not cropped, of the pictures Crop and Fit
	// were chosen for. A frame of another form, as where a phone is turned on the way,
	// is shown whole rather than cropped where nobody chose to. 0: every frame.
	Aspect float64
	// Crop is the window of the upright picture that is shown.
	Crop media.Crop
	// Radius rounds the corners; Border is the width of a line just inside the
	// edge, drawn in BorderRGB (sRGB). Both 0 by default, bounded by half the
	// shorter side.
	Radius, Border int
	BorderRGB      [3]uint8
	// Caption is written along the lower edge; empty for none.
	Caption string
	// Placeholder is the name on the card that is shown while there is no
	// picture; the card of an empty name has a figure.
	Placeholder string
}

// Overlay is a still picture over everything, such as a watermark.
type Overlay struct {
	// Image may have alpha. It is sRGB.
	Image image.Image
	// Rect is where it goes, scaled to fit exactly; if empty the image is put
	// at Rect.Min in its own size.
	Rect image.Rectangle
	// Opacity is 0..1, multiplied with the image's alpha.
	Opacity float64
}

// Update is one tile's change for the next frame.
type Update struct {
	// Tile is an index into Scene.Tiles.
	Tile int
	// Frame is the new picture; it is read before Render returns and not kept.
	// Nil shows the placeholder, unless Hold.
	Frame *media.Frame
	// Hold keeps the picture the tile has and changes only its opacity.
	Hold bool
	// Opacity is 0..1 of the picture, with its caption, over the tile's
	// placeholder; of the placeholder, over what lies below the tile.
	Opacity float64
}

// validate reports the first thing wrong with the scene.
func (s Scene) validate() error {
	if s.Width < 2 || s.Height < 2 || s.Width%2 != 0 || s.Height%2 != 0 || s.Width > media.MaxSide || s.Height > media.MaxSide {
		return fmt.Errorf("scene: canvas is %dx%d, want even sides from 2 to %d", s.Width, s.Height, media.MaxSide)
	}
	canvas := image.Rect(0, 0, s.Width, s.Height)
	for i, t := range s.Tiles {
		switch {
		case t.Rect.Empty():
			return fmt.Errorf("scene: tile %d is empty: %v", i, t.Rect)
		case t.Rect.Dx() > media.MaxSide || t.Rect.Dy() > media.MaxSide:
			return fmt.Errorf("scene: tile %d is %dx%d, want at most %d", i, t.Rect.Dx(), t.Rect.Dy(), media.MaxSide)
		case !t.Rect.Overlaps(canvas):
			return fmt.Errorf("scene: tile %d at %v lies outside the canvas %dx%d", i, t.Rect, s.Width, s.Height)
		case t.Fit != Cover && t.Fit != Contain:
			return fmt.Errorf("scene: tile %d: unknown fit %d", i, t.Fit)
		case !(t.Aspect >= 0):
			return fmt.Errorf("scene: tile %d: aspect %g, want 0 or more", i, t.Aspect)
		case !t.Crop.Whole() && !(t.Crop[0] >= 0 && t.Crop[1] >= 0 && t.Crop[2] > 0 && t.Crop[3] > 0 && t.Crop[0]+t.Crop[2] <= 1+1e-9 && t.Crop[1]+t.Crop[3] <= 1+1e-9):
			return fmt.Errorf("scene: tile %d: crop %v is no window of a picture", i, t.Crop)
		case t.Radius < 0 || t.Border < 0:
			return fmt.Errorf("scene: tile %d: radius %d and border %d must not be negative", i, t.Radius, t.Border)
		}
	}
	for i, o := range s.Overlays {
		if o.Image == nil {
			return fmt.Errorf("scene: overlay %d has no image", i)
		}
		if !(o.Opacity >= 0 && o.Opacity <= 1) {
			return fmt.Errorf("scene: overlay %d: opacity %g, want 0 to 1", i, o.Opacity)
		}
	}
	return nil
}
