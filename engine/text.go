package engine

// Words: singers' names, in whatever script they are written.
//
// Fonts. We carry Go Regular and Go Bold (Bigelow & Holmes: Latin, Greek,
// Cyrillic; made for screens, free to embed), and DejaVu Sans for what they lack
// (Arabic, Hebrew, Armenian, Georgian and more). Beyond these, names take the
// fonts that are installed, which are looked for only when a name needs them: on
// Debian, fonts-noto-core and fonts-noto-cjk write nearly everything. A name is
// written in one font wherever one has all its letters.
//
// Shaping (HarfBuzz's rules, by go-text/typesetting) turns letters into glyphs
// and places: Arabic letters join, Devanagari vowels move before their
// consonant, marks sit on what they mark, right-to-left runs right to left.
//
// What no font can write is left out: a symbol quietly, as names often come with
// one; for a letter the whole name, which reads better than a row of boxes.

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
	"golang.org/x/text/unicode/norm"
)

// weight chooses a font.
type weight int

const (
	regular weight = iota
	bold
)

// writing is everything needed to shape text. Its parts keep caches, so it is
// used under its lock; what it makes stands on its own.
var writing = struct {
	sync.Mutex
	shaper shaping.HarfbuzzShaper
	faces  map[weight]*faces
}{faces: map[weight]*faces{}}

// faces finds the font of a letter.
type faces struct {
	carried []*font.Face
	weight  weight
	system  *fontscan.FontMap // nil until asked for, or if there are none
	looked  bool
	whole   *font.Face // has all letters of the text at hand
}

// facesOf returns the fonts of a weight. The lock must be held.
func facesOf(w weight) *faces {
	if f := writing.faces[w]; f != nil {
		return f
	}
	f := &faces{weight: w}
	for _, data := range map[weight][2][]byte{
		regular: {goregular.TTF, dejavusans.TTF},
		bold:    {gobold.TTF, dejavusansbold.TTF},
	}[w] {
		face, err := font.ParseTTF(bytes.NewReader(data))
		if err != nil {
			panic("engine: internal error: embedded font: " + err.Error())
		}
		f.carried = append(f.carried, face)
	}
	writing.faces[w] = f
	return f
}

// ResolveFace returns the font of a letter, one that lacks it if none has it.
func (f *faces) ResolveFace(r rune) *font.Face {
	if f.whole != nil {
		return f.whole
	}
	for _, face := range f.carried {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	if face := f.installed(r); face != nil {
		return face
	}
	return f.carried[0]
}

// installed returns an installed font that has a letter, or nil.
func (f *faces) installed(r rune) *font.Face {
	if !f.looked {
		f.looked = true
		m := fontscan.NewFontMap(log.New(io.Discard, "", 0))
		dir, err := os.UserCacheDir()
		if err != nil {
			dir = os.TempDir()
		}
		if m.UseSystemFonts(filepath.Join(dir, "choirless")) == nil {
			f.system = m
		}
	}
	if f.system == nil {
		return nil
	}
	q := fontscan.Query{Families: []string{"Noto Sans", fontscan.SansSerif}}
	for _, q.Aspect.Weight = range []font.Weight{f.fontWeight(), font.WeightNormal} {
		f.system.SetQuery(q)
		if face := f.system.ResolveFace(r); face != nil && has(r)(face) {
			return face
		}
	}
	return nil
}

func (f *faces) fontWeight() font.Weight {
	if f.weight == bold {
		return font.WeightBold
	}
	return font.WeightNormal
}

// choose sets the font that has all letters of a text, if one has.
func (f *faces) choose(text []rune) {
	f.whole = nil
	candidates := slices.Clone(f.carried)
	for _, r := range text {
		if !unicode.IsLetter(r) || slices.ContainsFunc(f.carried, has(r)) {
			continue
		}
		if face := f.installed(r); face != nil && !slices.Contains(candidates, face) {
			candidates = append(candidates, face)
		}
	}
	for _, face := range candidates {
		if !slices.ContainsFunc(text, func(r rune) bool { return !ignorable(r) && !has(r)(face) }) {
			f.whole = face
			return
		}
	}
}

func has(r rune) func(*font.Face) bool {
	return func(f *font.Face) bool { _, ok := f.NominalGlyph(r); return ok }
}

// ignorable letters leave no trace: joiners, direction marks, variation selectors.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector)
}

// line is shaped text: glyphs with their places in pixels, from the left end of
// the baseline, y downwards.
type line struct {
	glyphs    []placed
	width     float64
	capHeight float64 // of a capital, which is what looks centred
}

type placed struct {
	outline font.GlyphOutline
	scale   float64 // pixels per font unit
	x, y    float64
}

// typeset writes text in an em of size pixels. It reports false for one that has
// letters no font has.
func typeset(text string, w weight, size float64) (line, bool) {
	writing.Lock()
	defer writing.Unlock()
	f := facesOf(w)
	runes := writable(f, text)
	if runes == nil {
		return line{}, false
	}
	l := line{capHeight: size * float64(f.carried[0].LineMetric(font.CapHeight)) / float64(f.carried[0].Upem())}
	if len(runes) == 0 {
		return l, true
	}
	f.choose(runes)
	var seg shaping.Segmenter
	runs := seg.Split(shaping.Input{
		Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR, Size: fixed.Int26_6(size * 64),
	}, f)
	for _, run := range visual(runs) {
		out := writing.shaper.Shape(run)
		scale := size / float64(run.Face.Upem())
		for _, g := range out.Glyphs {
			if g.GlyphID == 0 {
				return line{}, false
			}
			o, _ := run.Face.GlyphData(g.GlyphID).(font.GlyphOutline) // a space has none
			l.glyphs = append(l.glyphs, placed{o, scale, l.width + pixels(g.XOffset), -pixels(g.YOffset)})
			l.width += pixels(g.Advance)
		}
	}
	return l, true
}

func pixels(v fixed.Int26_6) float64 { return float64(v) / 64 }

// writable returns the text composed, its spaces tidied, and without the symbols
// that no font has as outlines; nil if a letter is missing. The lock must be held.
func writable(f *faces, text string) []rune {
	out := []rune{}
	for _, r := range strings.Join(strings.Fields(norm.NFC.String(text)), " ") {
		f.whole = nil
		face := f.ResolveFace(r)
		g, ok := face.NominalGlyph(r)
		if ok && r != ' ' && !ignorable(r) {
			_, ok = face.GlyphData(g).(font.GlyphOutline)
		}
		switch {
		case ok || ignorable(r):
			out = append(out, r)
		case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r):
			return nil
		}
	}
	return []rune(strings.TrimSpace(string(out)))
}

// visual puts runs, which come in reading order, into the order of their places
// from left to right (Unicode standard annex 9, rule L2, for two levels).
func visual(runs []shaping.Input) []shaping.Input {
	if len(runs) == 0 {
		return runs
	}
	out := slices.Clone(runs)
	rtl := func(r shaping.Input) bool { return r.Direction.Progression() == di.TowardTopLeft }
	base := rtl(out[0])
	if base {
		slices.Reverse(out)
	}
	for i := 0; i < len(out); {
		j := i + 1
		for j < len(out) && rtl(out[j]) == rtl(out[i]) {
			j++
		}
		if rtl(out[i]) != base {
			slices.Reverse(out[i:j])
		}
		i = j
	}
	return out
}

// fit is typeset for at most width pixels: what is too long ends in an ellipsis.
// The line is empty if not even one letter fits, or no font has the letters.
func fit(text string, w weight, size, width float64) line {
	l, ok := typeset(text, w, size)
	if !ok || l.width <= width {
		return l
	}
	for clusters := graphemes(text); len(clusters) > 1; {
		clusters = clusters[:len(clusters)-1]
		short := strings.TrimRightFunc(strings.Join(clusters, ""), unicode.IsSpace)
		if l, ok := typeset(short+"…", w, size); ok && l.width <= width {
			return l
		}
	}
	return line{}
}

// graphemes cuts text into what a reader takes for letters.
func graphemes(text string) (out []string) {
	var seg segmenter.Segmenter
	seg.Init([]rune(norm.NFC.String(text)))
	for it := seg.GraphemeIterator(); it.Next(); {
		out = append(out, string(it.Grapheme().Text))
	}
	return out
}

// draw writes the line with its left end at x and its baseline at y, both
// counted from the image's corner. Glyphs keep their true shape and place (no
// hinting): video has no pixel grid to please.
func (l line) draw(dst draw.Image, x, y float64, c color.Color) {
	r := dst.Bounds()
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	for _, g := range l.glyphs {
		at := func(p font.SegmentPoint) (float32, float32) {
			return float32(x + g.x + float64(p.X)*g.scale), float32(y + g.y - float64(p.Y)*g.scale)
		}
		for i, s := range g.outline.Segments {
			x0, y0 := at(s.Args[0])
			x1, y1 := at(s.Args[1])
			x2, y2 := at(s.Args[2])
			switch len(s.ArgsSlice()) {
			case 3:
				z.CubeTo(x0, y0, x1, y1, x2, y2)
			case 2:
				z.QuadTo(x0, y0, x1, y1)
			default:
				if s.Op == opentype.SegmentOpLineTo {
					z.LineTo(x0, y0)
					continue
				}
				if i > 0 {
					z.ClosePath()
				}
				z.MoveTo(x0, y0)
			}
		}
		z.ClosePath()
	}
	z.Draw(dst, r, image.NewUniform(c), image.Point{})
}

// ink returns how far the line reaches above and below its baseline, pixels.
func (l line) ink() (above, below float64) {
	for _, g := range l.glyphs {
		for _, s := range g.outline.Segments {
			for _, p := range s.ArgsSlice() {
				y := g.y - float64(p.Y)*g.scale
				above, below = math.Max(above, -y), math.Max(below, y)
			}
		}
	}
	return above, below
}
