package engine

// What is drawn rather than filmed: background, placeholder cards, captions,
// borders, overlays. All of it is made once per scene with the standard image
// packages and kept as layers or pictures.

import (
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"unicode"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/vector"
	"golang.org/x/text/unicode/norm"
)

// newBase makes the picture below all tiles.
func newBase(s Scene) *picture {
	r := image.Rect(0, 0, s.Width, s.Height)
	p := newPicture(r)
	y, cb, cr := canvasColor(float64(s.Background[0])/255, float64(s.Background[1])/255, float64(s.Background[2])/255)
	p.fill(r, [3]uint8{uint8(y + 0.5), uint8(cb + 0.5), uint8(cr + 0.5)})
	if s.Backdrop != nil && !s.Backdrop.Bounds().Empty() {
		img := image.NewRGBA(r)
		at := s.BackdropRect
		if at.Empty() {
			at = coverRect(s.Backdrop.Bounds(), r)
		}
		xdraw.CatmullRom.Scale(img, at, s.Backdrop, s.Backdrop.Bounds(), draw.Src, nil)
		newLayer(img, nil).over(p, r)
	}
	return p
}

// coverRect returns where an image of bounds b goes to cover r.
func coverRect(b, r image.Rectangle) image.Rectangle {
	k := math.Max(float64(r.Dx())/float64(b.Dx()), float64(r.Dy())/float64(b.Dy()))
	w, h := int(math.Round(float64(b.Dx())*k)), int(math.Round(float64(b.Dy())*k))
	at := image.Pt(r.Min.X+(r.Dx()-w)/2, r.Min.Y+(r.Dy()-h)/2)
	return image.Rectangle{at, at.Add(image.Pt(w, h))}
}

// newOverlay scales an overlay to its place, nil if there is nothing to see.
func newOverlay(o Overlay) *layer {
	b, r := o.Image.Bounds(), o.Rect
	if r.Empty() {
		r = image.Rectangle{r.Min, r.Min.Add(b.Size())}
	}
	if b.Empty() || o.Opacity == 0 {
		return nil
	}
	img := image.NewRGBA(r)
	if b.Size() == r.Size() {
		draw.Draw(img, r, o.Image, b.Min, draw.Src)
	} else {
		xdraw.CatmullRom.Scale(img, r, o.Image, b, draw.Src, nil)
	}
	mask := image.NewAlpha(r)
	draw.Draw(mask, r, image.NewUniform(color.Alpha{uint8(o.Opacity*255 + 0.5)}), image.Point{}, draw.Src)
	return newLayer(img, mask)
}

// newCover makes what lies over a tile's picture at r: border and caption, and
// the corners' mask. It is nil if there is none of them.
func newCover(t Tile, r image.Rectangle) *layer {
	half := min(r.Dx(), r.Dy()) / 2
	radius, border := min(t.Radius, half), min(t.Border, half)
	if radius == 0 && border == 0 && strings.TrimSpace(t.Caption) == "" {
		return nil
	}
	img := image.NewRGBA(r)
	if t.Caption != "" {
		drawCaption(img, t.Caption, float64(border)+float64(radius)/3)
	}
	if border > 0 {
		c := color.RGBA{t.BorderRGB[0], t.BorderRGB[1], t.BorderRGB[2], 255}
		ring := roundRect(r, 0, float64(radius))
		hole := roundRect(r, float64(border), math.Max(0, float64(radius-border)))
		for i := range ring.Pix {
			ring.Pix[i] -= min(ring.Pix[i], hole.Pix[i])
		}
		draw.DrawMask(img, r, image.NewUniform(c), image.Point{}, ring, r.Min, draw.Over)
	}
	var mask *image.Alpha
	if radius > 0 {
		mask = roundRect(r, 0, float64(radius))
	}
	return newLayer(img, mask)
}

// roundRect returns the coverage of a rectangle inset from r with rounded corners.
func roundRect(r image.Rectangle, inset, radius float64) *image.Alpha {
	a := image.NewAlpha(r)
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	addRoundRect(z, inset, inset, float64(r.Dx())-inset, float64(r.Dy())-inset, radius)
	z.Draw(a, r, image.Opaque, image.Point{})
	return a
}

// circleControl makes four cubics a circle, to 3 parts in 10,000.
const circleControl = 0.5522847498

func addRoundRect(z *vector.Rasterizer, x0, y0, x1, y1, radius float64) {
	r, k := radius, radius*(1-circleControl)
	p := func(v float64) float32 { return float32(v) }
	z.MoveTo(p(x0+r), p(y0))
	z.LineTo(p(x1-r), p(y0))
	z.CubeTo(p(x1-k), p(y0), p(x1), p(y0+k), p(x1), p(y0+r))
	z.LineTo(p(x1), p(y1-r))
	z.CubeTo(p(x1), p(y1-k), p(x1-k), p(y1), p(x1-r), p(y1))
	z.LineTo(p(x0+r), p(y1))
	z.CubeTo(p(x0+k), p(y1), p(x0), p(y1-k), p(x0), p(y1-r))
	z.LineTo(p(x0), p(y0+r))
	z.CubeTo(p(x0), p(y0+k), p(x0+k), p(y0), p(x0+r), p(y0))
	z.ClosePath()
}

// drawCaption writes a name on a translucent plate in the lower left corner.
func drawCaption(img *image.RGBA, text string, inset float64) {
	r := img.Bounds()
	h := float64(r.Dy())
	size := math.Min(math.Max(h*0.07, 11), 36)
	if h < 3*size {
		return // no room that would not hide the singer
	}
	margin, padX, padY := inset+size*0.45, size*0.55, size*0.38
	l := fit(text, regular, size, float64(r.Dx())-2*(margin+padX))
	if len(l.glyphs) == 0 {
		return
	}
	// The plate is as high as capitals need; letters that reach further, as
	// those of many scripts do, make it grow.
	above, below := l.ink()
	above, below = math.Max(l.capHeight, above-padY/2), math.Max(0, below-padY*0.7)
	x0, y1 := margin, h-margin
	y0 := y1 - above - below - 2*padY
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	addRoundRect(z, x0, y0, x0+l.width+2*padX, y1, (y1-y0)*0.3)
	z.Draw(img, r, image.NewUniform(color.NRGBA{16, 18, 24, 150}), image.Point{})
	l.draw(img, x0+padX, y1-padY-below, color.NRGBA{255, 255, 255, 240})
}

// newCard draws the placeholder: a calm colour that belongs to the name, the
// initials in a disc, the name below where there is room.
func newCard(r image.Rectangle, name string) *picture {
	img := image.NewRGBA(r)
	w, h := float64(r.Dx()), float64(r.Dy())
	hue := 0.6 // no name: slate blue
	if name != "" {
		sum := fnv.New32a()
		sum.Write([]byte(name))
		hue = float64(sum.Sum32()%360) / 360
	}
	if _, ok := typeset(name, regular, 12); !ok {
		name = ""
	}
	for y := range r.Dy() {
		t := float64(y) / h
		c := hsl(hue, 0.22, 0.25-0.09*t)
		row := image.Rect(r.Min.X, r.Min.Y+y, r.Max.X, r.Min.Y+y+1)
		draw.Draw(img, row, image.NewUniform(c), image.Point{}, draw.Src)
	}
	size := math.Min(w, h)
	radius := size * 0.22
	withName := size >= 90 && strings.TrimSpace(name) != ""
	cx, cy := w/2, h/2
	if withName {
		cy -= size * 0.08
	}
	disc := vector.NewRasterizer(r.Dx(), r.Dy())
	addRoundRect(disc, cx-radius, cy-radius, cx+radius, cy+radius, radius)
	disc.Draw(img, r, image.NewUniform(hsl(hue, 0.30, 0.42)), image.Point{})
	ink := color.NRGBA{255, 255, 255, 235}
	if in := fit(strings.Join(initials(name), unjoined), bold, radius*0.85, radius*1.7); len(in.glyphs) > 0 {
		above, below := in.ink()
		in.draw(img, cx-in.width/2, cy+(above-below)/2, ink)
	} else {
		drawFigure(img, cx, cy, radius)
	}
	if withName {
		l := fit(name, regular, math.Min(math.Max(size*0.075, 12), 40), w*0.88)
		l.draw(img, cx-l.width/2, cy+radius+size*0.14, color.NRGBA{255, 255, 255, 205})
	}
	p := newPicture(r)
	newLayer(img, nil).over(p, r)
	return p
}

// drawFigure draws head and shoulders inside a disc, for someone without a name.
func drawFigure(img *image.RGBA, cx, cy, radius float64) {
	r := img.Bounds()
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	head := radius * 0.30
	addRoundRect(z, cx-head, cy-radius*0.52, cx+head, cy-radius*0.52+2*head, head)
	addRoundRect(z, cx-radius*0.52, cy+radius*0.18, cx+radius*0.52, cy+radius*0.60, radius*0.21)
	z.Draw(img, r, image.NewUniform(color.NRGBA{255, 255, 255, 225}), image.Point{})
}

// unjoined, a zero width non-joiner, keeps initials apart where letters of a
// word join.
const unjoined = "\u200c"

// initials returns the first letters of the first and last word.
func initials(name string) []string {
	var letters []string
	for _, word := range strings.FieldsFunc(norm.NFC.String(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}) {
		letters = append(letters, strings.ToUpper(graphemes(word)[0]))
	}
	if len(letters) > 2 {
		letters = []string{letters[0], letters[len(letters)-1]}
	}
	return letters
}

// hsl returns a colour; hue, saturation and lightness are 0..1.
func hsl(h, s, l float64) color.RGBA {
	a := s * math.Min(l, 1-l)
	f := func(n float64) uint8 {
		k := math.Mod(n+h*12, 12)
		return uint8(255*(l-a*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1))) + 0.5)
	}
	return color.RGBA{f(0), f(8), f(4), 255}
}
