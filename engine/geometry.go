package engine

// Where things are.
//
// Luma positions are in pixels of the canvas or of the upright source, edges at
// whole numbers, so that the centre of luma sample i is at i + 1/2. A chroma
// sample of a plane subsampled by f stands for f luma pixels; where in them it
// lies is its siting. The position of chroma sample j is f*j + p with
//
//	p = 1/2   co-sited with the first luma sample of the cell
//	p = f/2   in the middle of the cell
//
// left: (1/2, f/2), center: (f/2, f/2), top left: (1/2, 1/2). Without
// subsampling all three are 1/2. (H.264 (2021) figure 6-1 and E.2.1,
// chroma_sample_loc_type 0, 1, 2.)

import (
	"image"
	"math"

	"github.com/choirless/render/media"
)

// turn maps upright sample positions to stored ones:
// stored x = x[0]*ux + x[1]*uy + x[2], stored y likewise.
type turn struct{ x, y [3]int }

// turnOf returns the map for a plane of the given stored size that must be
// turned clockwise by r to stand upright.
func turnOf(r media.Rotation, width, height int) turn {
	switch r {
	case 90:
		return turn{x: [3]int{0, 1, 0}, y: [3]int{-1, 0, height - 1}}
	case 180:
		return turn{x: [3]int{-1, 0, width - 1}, y: [3]int{0, -1, height - 1}}
	case 270:
		return turn{x: [3]int{0, -1, width - 1}, y: [3]int{1, 0, 0}}
	}
	return turn{x: [3]int{1, 0, 0}, y: [3]int{0, 1, 0}}
}

// shape is everything about a frame that decides how it is drawn. Frames of one
// shape differ in nothing but their samples. It is comparable.
type shape struct {
	width, height int // stored luma samples
	chroma        [2]int
	subX, subY    int
	depth         int
	color         media.Color // resolved
	siting        media.Siting
	sar           float64
	rotation      media.Rotation
	gray          bool
}

func shapeOf(f *media.Frame) shape {
	s := shape{
		width: f.Width(), height: f.Height(),
		chroma: [2]int{f.Planes[1].Width, f.Planes[1].Height},
		subX:   f.SubX, subY: f.SubY, depth: f.Depth,
		color:  f.Color.Resolve(f.Height()),
		siting: f.Siting.Resolve(),
		sar:    f.SAR.Float(), rotation: f.Rotation,
		gray: len(f.Planes[1].Data) == 0,
	}
	if s.gray {
		s.chroma, s.subX, s.subY = [2]int{}, 0, 0
	}
	return s
}

// upright returns the size in luma samples after turning.
func (s shape) upright() (w, h int) {
	if s.rotation.Swaps() {
		return s.height, s.width
	}
	return s.width, s.height
}

// display returns the size as seen, in square pixels.
func (s shape) display() (w, h float64) {
	w, h = float64(s.width)*s.sar, float64(s.height)
	if s.rotation.Swaps() {
		w, h = h, w
	}
	return w, h
}

func (s shape) aspect() float64 {
	w, h := s.display()
	return w / h
}

// placement is a part of a source shown in a rectangle of the canvas.
type placement struct {
	shown          image.Rectangle // canvas luma pixels
	x, y           float64         // left top corner of the window in the upright source, luma pixels
	scaleX, scaleY float64         // source luma pixels per canvas luma pixel
}

// place fits a window of a source of shape s into a tile. Samples around the window
// are there for the resize to see.
func place(s shape, tile image.Rectangle, fit Fit, crop media.Crop) placement {
	dw, dh := crop.Size(s.display())
	width, height := s.upright()
	uw, uh := crop.Size(float64(width), float64(height))
	tw, th := float64(tile.Dx()), float64(tile.Dy())
	p := placement{shown: tile, x: crop[0] * float64(width), y: crop[1] * float64(height)}
	k := math.Max(tw/dw, th/dh) // canvas pixels per square source pixel
	if fit == Contain {
		k = math.Min(tw/dw, th/dh)
		p.shown = inset(tile, dw*k, dh*k)
		// The whole window, over the rounded rectangle.
		p.scaleX = uw / float64(p.shown.Dx())
		p.scaleY = uh / float64(p.shown.Dy())
		return p
	}
	p.scaleX = uw / dw / k
	p.scaleY = uh / dh / k
	p.x += (uw - tw*p.scaleX) / 2
	p.y += (uh - th*p.scaleY) / 2
	return p
}

// inset returns a w by h rectangle in the middle of tile, its edges on even
// canvas pixels, which are chroma sample edges, where the tile allows it. A
// difference of less than two pixels is not worth a line of background.
func inset(tile image.Rectangle, w, h float64) image.Rectangle {
	r := tile
	if float64(tile.Dx())-w >= 2 {
		n := min(max(2, int(math.Round(w/2))*2), tile.Dx())
		r.Min.X = tile.Min.X + (tile.Dx()-n)/4*2
		r.Max.X = r.Min.X + n
	}
	if float64(tile.Dy())-h >= 2 {
		n := min(max(2, int(math.Round(h/2))*2), tile.Dy())
		r.Min.Y = tile.Min.Y + (tile.Dy()-n)/4*2
		r.Max.Y = r.Min.Y + n
	}
	return r
}

// chromaRect returns the chroma samples of the canvas that belong to a luma
// rectangle: those whose cell begins in it. Rectangles that share no pixel
// share no chroma sample, and rectangles that fill the canvas leave none out.
func chromaRect(r image.Rectangle) image.Rectangle {
	up := func(v int) int { return (v + 1) >> 1 }
	return image.Rect(up(r.Min.X), up(r.Min.Y), up(r.Max.X), up(r.Max.Y))
}

// grid is a set of sample positions of the canvas: those of luma or of chroma
// inside a placement.
type grid int

const (
	lumaGrid grid = iota
	chromaGrid
)

// size returns how many samples of the grid a rectangle has.
func (g grid) size(shown image.Rectangle) (w, h int) {
	if g == chromaGrid {
		shown = chromaRect(shown)
	}
	return shown.Dx(), shown.Dy()
}

// axes returns how plane (0 luma, 1 and 2 chroma) of the source is resized to
// the grid.
func (p placement) axes(s shape, plane int, g grid) (h, v axis) {
	w, ht := g.size(p.shown)
	step, atX, atY := 1.0, 0.5, 0.5 // canvas position of sample 0, relative to shown.Min
	if g == chromaGrid {
		c := chromaRect(p.shown)
		step = 2
		atX = float64(2*c.Min.X-p.shown.Min.X) + 0.5 // the canvas is sited left:
		atY = float64(2*c.Min.Y-p.shown.Min.Y) + 1   // between two rows
	}
	fx, fy, px, py, inW, inH := s.chromaPlane()
	if plane == 0 {
		fx, fy, px, py = 1, 1, 0.5, 0.5
		inW, inH = s.upright()
	}
	h = axis{Out: w, In: inW, Step: step * p.scaleX / fx, Start: (p.x + atX*p.scaleX - px) / fx}
	v = axis{Out: ht, In: inH, Step: step * p.scaleY / fy, Start: (p.y + atY*p.scaleY - py) / fy}
	return h.clean(), v.clean()
}

// clean takes rounding dust off, so that a copy is recognised as one.
func (a axis) clean() axis {
	if r := math.Round(a.Step); math.Abs(a.Step-r) < 1e-12 {
		a.Step = r
	}
	if r := math.Round(a.Start); math.Abs(a.Start-r) < 1e-9 {
		a.Start = r
	}
	return a
}

// chromaPlane returns, for the chroma planes turned upright, the luma pixels
// per sample, the position of sample 0, and the size.
func (s shape) chromaPlane() (fx, fy, px, py float64, w, h int) {
	fx, fy = float64(int(1)<<s.subX), float64(int(1)<<s.subY)
	px, py = fx/2, fy/2
	if s.siting == media.SitingLeft || s.siting == media.SitingTopLeft {
		px = 0.5
	}
	if s.siting == media.SitingTopLeft {
		py = 0.5
	}
	w, h = s.chroma[0], s.chroma[1]
	// Seen from the other end of the plane, sample 0 is the last one.
	endX := float64(s.width) - fx*float64(w-1) - px
	endY := float64(s.height) - fy*float64(h-1) - py
	switch s.rotation {
	case 90:
		return fy, fx, endY, px, h, w
	case 180:
		return fx, fy, endX, endY, w, h
	case 270:
		return fy, fx, py, endX, h, w
	}
	return fx, fy, px, py, w, h
}
