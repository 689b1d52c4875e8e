// Package panel draws what lies over the picture in render-local: the transport,
// the parts, the sliders, read-outs, messages. A panel is an image with alpha,
// drawn on the CPU when its content changes, and the places in it that a mouse
// can be used on.
package panel

import (
	"image"
	"image/color"
	"image/draw"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// The colours. Panels are dark and translucent, so that the picture's own colours
// are judged undisturbed; one accent says what is live or chosen.
var (
	back   = color.NRGBA{14, 17, 23, 226}
	raised = color.NRGBA{38, 45, 58, 255}
	line   = color.NRGBA{58, 66, 82, 255}
	ink    = color.NRGBA{233, 237, 243, 255}
	dim    = color.NRGBA{146, 156, 172, 255}
	accent = color.NRGBA{92, 200, 255, 255}
	warm   = color.NRGBA{255, 196, 87, 255}
	bad    = color.NRGBA{255, 107, 107, 255}
	good   = color.NRGBA{120, 220, 150, 255}
)

// face is one of the fonts, by its use.
type face int

const (
	text face = iota
	strong
	mono
	small
	title
)

// faces are parsed once; parsing the embedded files cannot fail. Drawing happens
// on the main thread only.
var faces = sync.OnceValue(func() map[face]font.Face {
	made := map[face]font.Face{}
	for f, o := range map[face]struct {
		ttf  []byte
		size float64
	}{
		text: {goregular.TTF, 14}, strong: {gobold.TTF, 14}, mono: {gomono.TTF, 13}, small: {goregular.TTF, 12}, title: {gobold.TTF, 17},
	} {
		parsed, err := opentype.Parse(o.ttf)
		if err != nil {
			panic("panel: internal error: " + err.Error())
		}
		if made[f], err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: o.size, DPI: 72, Hinting: font.HintingFull}); err != nil {
			panic("panel: internal error: " + err.Error())
		}
	}
	return made
})

// canvas is a panel being drawn.
type canvas struct{ *image.RGBA }

// newCanvas is an empty panel with its plate.
func newCanvas(width, height int) canvas {
	c := canvas{image.NewRGBA(image.Rect(0, 0, width, height))}
	c.round(c.Rect, 8, back)
	return c
}

// box fills a rectangle.
func (c canvas) box(r image.Rectangle, col color.Color) {
	draw.Draw(c.RGBA, r, image.NewUniform(col), image.Point{}, draw.Over)
}

// round fills a rectangle with rounded corners.
func (c canvas) round(r image.Rectangle, radius float32, col color.Color) {
	if r.Empty() {
		return
	}
	w, h := float32(r.Dx()), float32(r.Dy())
	radius = min(radius, w/2, h/2)
	const k = 0.4477 // of the radius: a quarter circle as a cubic
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	q := radius * k
	z.MoveTo(radius, 0)
	z.LineTo(w-radius, 0)
	z.CubeTo(w-q, 0, w, q, w, radius)
	z.LineTo(w, h-radius)
	z.CubeTo(w, h-q, w-q, h, w-radius, h)
	z.LineTo(radius, h)
	z.CubeTo(q, h, 0, h-q, 0, h-radius)
	z.LineTo(0, radius)
	z.CubeTo(0, q, q, 0, radius, 0)
	z.ClosePath()
	z.Draw(c.RGBA, r, image.NewUniform(col), image.Point{})
}

// triangle fills a triangle that points to the right.
func (c canvas) triangle(r image.Rectangle, col color.Color) {
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	z.MoveTo(0, 0)
	z.LineTo(float32(r.Dx()), float32(r.Dy())/2)
	z.LineTo(0, float32(r.Dy()))
	z.ClosePath()
	z.Draw(c.RGBA, r, image.NewUniform(col), image.Point{})
}

// write writes s with its baseline at y and returns where it ends.
func (c canvas) write(f face, x, y int, s string, col color.Color) int {
	d := font.Drawer{Dst: c.RGBA, Src: image.NewUniform(col), Face: faces()[f], Dot: fixed.P(x, y)}
	d.DrawString(s)
	return d.Dot.X.Ceil()
}

// right writes s so that it ends at x.
func (c canvas) right(f face, x, y int, s string, col color.Color) {
	c.write(f, x-width(f, s), y, s, col)
}

// center writes s around x.
func (c canvas) center(f face, x, y int, s string, col color.Color) {
	c.write(f, x-width(f, s)/2, y, s, col)
}

func width(f face, s string) int { return font.MeasureString(faces()[f], s).Ceil() }

// fit shortens s to a width.
func fit(f face, s string, most int) string {
	if width(f, s) <= most {
		return s
	}
	for r := []rune(s); len(r) > 0; r = r[:len(r)-1] {
		if t := strings.TrimRight(string(r), " ") + "…"; width(f, t) <= most {
			return t
		}
	}
	return ""
}

// button is a small labelled plate, lit or not.
func (c canvas) button(r image.Rectangle, label string, lit color.Color) {
	fill, col := color.Color(raised), color.Color(dim)
	if lit != nil {
		fill, col = lit, color.NRGBA{14, 17, 23, 255}
	}
	c.round(r, 4, fill)
	c.center(small, (r.Min.X+r.Max.X)/2, r.Min.Y+(r.Dy()+9)/2, label, col)
}
