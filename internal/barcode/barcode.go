// Package barcode reads and draws the machine-readable frame number that test
// recordings carry: 14 equal cells over the full width of the picture's top
// 1/30 (16 of 480 rows): white, black, then 12 bits, most significant first.
// It survives scaling and encoding. It is a frame's identity, not a clock.
//
// It is a tool of tests and of scripts/choirgen, not of the product.
package barcode

import (
	"image"

	"github.com/choirless/render/media"
)

const (
	cells = 14
	bits  = 12
	// Max is the largest number.
	Max = 1<<bits - 1
	// share of the picture's height.
	share = 30
	// minContrast is the least difference of the white and the black cell, in
	// 8-bit code values, for a label to count as readable.
	minContrast = 60
)

// Rows returns how many rows the label has in a picture of the given height.
func Rows(height int) int { return max(2, (height+share/2)/share) }

// Draw writes n, 0..Max, into the luma plane of an 8-bit picture in code
// values black and white.
func Draw(p media.Plane, n int, black, white uint8) {
	for x := range p.Width {
		v := black
		switch c := x * cells / p.Width; {
		case c == 0, c >= 2 && n>>(bits-1-(c-2))&1 == 1:
			v = white
		}
		for y := range Rows(p.Height) {
			p.Data[y*p.Stride+x] = v
		}
	}
}

// Read reads the number of the picture that fills r of an 8-bit luma plane. ok
// is false where there is no readable label.
func Read(p media.Plane, r image.Rectangle) (n int, ok bool) {
	cell := func(c int) int {
		// The middle third of the cell, the middle half of the rows.
		x0 := r.Min.X + (3*c+1)*r.Dx()/(3*cells)
		x1 := max(x0+1, r.Min.X+(3*c+2)*r.Dx()/(3*cells))
		h := float64(r.Dy()) / share
		y0 := r.Min.Y + int(h/4)
		y1 := max(y0+1, r.Min.Y+int(3*h/4))
		sum := 0
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				sum += int(p.Data[y*p.Stride+x])
			}
		}
		return sum / ((x1 - x0) * (y1 - y0))
	}
	white, black := cell(0), cell(1)
	if white-black < minContrast {
		return 0, false
	}
	for c := range bits {
		n <<= 1
		if cell(c+2) > (white+black)/2 {
			n |= 1
		}
	}
	return n, true
}
