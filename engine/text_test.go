package engine

import (
	"image"
	"image/color"
	"reflect"
	"testing"
)

// written is typeset for text that can be written.
func written(t *testing.T, text string) line {
	t.Helper()
	l, ok := typeset(text, regular, 32)
	if !ok {
		t.Fatalf("%q cannot be written", text)
	}
	return l
}

// TestTextFits: what is written is never wider than its room, and ends in an
// ellipsis only when it was cut.
func TestTextFits(t *testing.T) {
	for _, c := range []struct {
		text  string
		width float64
		want  string
	}{
		{"Anna", 200, "Anna"},
		{" Anna   Lena ", 200, "Anna Lena"},
		{"Anna Magdalena", 70, "Anna…"},
		{"Annae\u0301 Magdalena", 80, "Anna\u00e9…"},
		{"Anna", 3, ""},
	} {
		got := fit(c.text, regular, 20, c.width)
		want, ok := typeset(c.want, regular, 20)
		if !ok || !reflect.DeepEqual(got.glyphs, want.glyphs) || got.width > c.width {
			t.Errorf("%q in %g pixels: %d glyphs, %g wide, want %q", c.text, c.width, len(got.glyphs), got.width, c.want)
		}
	}
}

// TestWhatCannotBeWritten: a missing symbol is dropped, a missing letter (here of
// a private use area, which no font should have) drops the name.
func TestWhatCannotBeWritten(t *testing.T) {
	if a, b := written(t, "Anna \U000F1234"), written(t, "Anna"); !reflect.DeepEqual(a.glyphs, b.glyphs) {
		t.Error("a symbol no font has left a trace")
	}
	if _, ok := typeset("Anna \U00012345\U000143FF", regular, 20); ok { // a hole in the cuneiform block, a hieroglyph
		t.Skip("a font for hieroglyphs is installed")
	}
	for _, text := range []string{"", "Zoë Žižek", "Ελένη", "Олег", "Nguyễn Thị Ánh", "שרה", "محمد", "Անահիտ", "ნინო"} {
		written(t, text)
	}
}

// TestMarksAndLetters: a letter and its mark are one letter however they are
// spelled; a mark without a letter of its own sits above its base and takes no
// room.
func TestMarksAndLetters(t *testing.T) {
	if a, b := written(t, "Zoe\u0308"), written(t, "Zo\u00eb"); !reflect.DeepEqual(a, b) {
		t.Error("a letter and its mark are written otherwise than the letter with the mark")
	}
	plain, marked := written(t, "Anm"), written(t, "Anm\u0300")
	if len(marked.glyphs) <= len(plain.glyphs) {
		t.Fatalf("%d glyphs with the mark, %d without", len(marked.glyphs), len(plain.glyphs))
	}
	a, _ := written(t, "m").ink()
	if b, _ := written(t, "m\u0300").ink(); b < a+2 {
		t.Errorf("the mark reaches %.1f up, the letter %.1f", b, a)
	}
	if w := 2*written(t, "m\u0300").width - written(t, "m\u0300m").width; w > 0.5 {
		t.Errorf("the mark is %.1f wide", w)
	}
}

// TestArabicJoins: letters join, so they look other than alone, and the name runs
// from right to left, as a whole and beside Latin.
func TestArabicJoins(t *testing.T) {
	name, alone := written(t, "محمد"), written(t, "م")
	if len(name.glyphs) != 4 {
		t.Fatalf("%d glyphs, want 4", len(name.glyphs))
	}
	// The first letter is the last glyph, with its tail to the left.
	if first := name.glyphs[3]; reflect.DeepEqual(first.outline, alone.glyphs[0].outline) {
		t.Error("the first letter is written as if it stood alone")
	}
	if last := name.glyphs[0]; !reflect.DeepEqual(last.outline, written(t, "ـد").glyphs[0].outline) {
		t.Error("the leftmost glyph is not the last letter in its final form")
	}
	end := func(text string, right bool) any {
		g := written(t, text).glyphs
		if right {
			return g[len(g)-1].outline
		}
		return g[0].outline
	}
	for text, want := range map[string]any{
		"A علي":      end("علي", true), // from left to right as it begins so: Arabic is on the right
		"علي محمد":   end("علي", true), // the first word is on the right
		"علي A محمد": end("علي", true), // whatever is between
		"محمد A علي": end("محمد", true),
	} {
		if got := end(text, true); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: the rightmost glyph is not what is read there", text)
		}
	}
	if got, want := end("علي A محمد", false), end("محمد", false); !reflect.DeepEqual(got, want) {
		t.Error("the last word is not on the left")
	}
}

// TestInstalledFonts: scripts whose fonts we do not carry are written with those
// that are installed, and shaped: the vowel of Devanagari "ki" stands before its
// consonant.
func TestInstalledFonts(t *testing.T) {
	if _, ok := typeset("合唱", regular, 20); !ok {
		t.Skip("no font for Chinese is installed (Debian: fonts-droid-fallback or fonts-noto-cjk)")
	}
	if _, ok := typeset("कि", regular, 20); !ok {
		t.Skip("no font for Devanagari is installed (Debian: fonts-lohit-deva or fonts-noto-core)")
	}
	ki, k := written(t, "कि"), written(t, "क")
	if len(ki.glyphs) != 2 || !reflect.DeepEqual(ki.glyphs[1].outline, k.glyphs[0].outline) {
		t.Errorf("the vowel of %q does not stand before its consonant", "कि")
	}
	written(t, "Anna 王小明")
}

// TestDrawWritesAtThePlace: ink lies between the baseline and the capital's height,
// from the left end to the width.
func TestDrawWritesAtThePlace(t *testing.T) {
	l := written(t, "HH")
	img := image.NewRGBA(image.Rect(100, 50, 200, 110))
	l.draw(img, 10, 40, color.White)
	box := image.Rectangle{}
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			if img.RGBAAt(x, y).A > 127 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	box = box.Sub(img.Rect.Min)
	if top := 40 - int(l.capHeight+0.5); box.Max.Y != 40 || box.Min.Y < top-1 || box.Min.Y > top+1 || box.Min.X < 10 || box.Max.X > 10+int(l.width)+1 {
		t.Errorf("ink in %v, baseline 40, capitals %.1f high, %.1f wide from 10", box, l.capHeight, l.width)
	}
}
