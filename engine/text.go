package engine

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// weight chooses one of the fonts we carry: Go Regular and Go Bold by Bigelow &
// Holmes, made for screens, free to embed.
type weight int

const (
	regular weight = iota
	bold
)

// fonts are parsed once; parsing the embedded files cannot fail.
var fonts = sync.OnceValue(func() map[weight]*opentype.Font {
	parse := func(data []byte) *opentype.Font {
		f, err := opentype.Parse(data)
		if err != nil {
			panic("engine: internal error: embedded font: " + err.Error())
		}
		return f
	}
	return map[weight]*opentype.Font{regular: parse(goregular.TTF), bold: parse(gobold.TTF)}
})

// textFace is a font at a size. Not safe for concurrent use.
type textFace struct{ font.Face }

// newFace returns a font with an em of size pixels. Glyphs keep their true
// shape and place (no hinting): video has no pixel grid to please.
func newFace(w weight, size float64) textFace {
	f, err := opentype.NewFace(fonts()[w], &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic(fmt.Sprintf("engine: internal error: face of %g pixels: %v", size, err))
	}
	return textFace{f}
}

// covers reports whether the fonts have every letter of s. A name they cannot
// write is better left out than shown as a row of boxes.
func covers(s string) bool {
	var b sfnt.Buffer
	for _, r := range s {
		if i, err := fonts()[regular].GlyphIndex(&b, r); err != nil || i == 0 && !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// width returns how many pixels s takes, kerning included.
func (f textFace) width(s string) float64 { return float64(font.MeasureString(f.Face, s)) / 64 }

// fit shortens s with an ellipsis until it is at most width pixels wide.
func (f textFace) fit(s string, width float64) string {
	s = strings.Join(strings.Fields(s), " ")
	if f.width(s) <= width {
		return s
	}
	for r := []rune(s); len(r) > 0; r = r[:len(r)-1] {
		if t := strings.TrimRight(string(r), " ") + "…"; f.width(t) <= width {
			return t
		}
	}
	return ""
}

// capHeight returns the height of a capital, which is what looks centred.
func (f textFace) capHeight() float64 { return float64(f.Metrics().CapHeight) / 64 }

// draw writes s with its left end at x and its baseline at y.
func (f textFace) draw(dst draw.Image, s string, x, y float64, c color.Color) {
	d := font.Drawer{
		Dst: dst, Src: image.NewUniform(c), Face: f.Face,
		Dot: fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(y * 64)},
	}
	d.DrawString(s)
}
