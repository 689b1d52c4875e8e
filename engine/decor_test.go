package engine

import (
	"image"
	"image/color"
	"strings"
	"testing"
)

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "  ": "", "anna": "A", "Anna Magdalena Wilcke": "AW", "ólafur arnalds": "ÓA", "(the) 4th": "T4", "—": "",
		"e\u0301milie": "É", "王小明": "王", "محمد علي": "مع",
	} {
		if got := strings.Join(initials(name), ""); got != want {
			t.Errorf("initials(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestNothingByDefault: a tile without decoration has no layer to blend.
func TestNothingByDefault(t *testing.T) {
	if l := newCover(Tile{}, image.Rect(0, 0, 64, 48)); l != nil {
		t.Error("a plain tile has a cover")
	}
}

// TestCornersShowWhatIsBelow: the corner pixel of a rounded tile is background,
// the pixel below the border line is the picture's.
func TestCornersShowWhatIsBelow(t *testing.T) {
	e := open(t, Options{})
	s := even(64, 48)
	s.Background = [3]uint8{255, 255, 255}
	s.Tiles[0].Radius, s.Tiles[0].Border, s.Tiles[0].BorderRGB = 10, 2, [3]uint8{0, 0, 0}
	f := render(t, e, s, Update{Frame: flat(64, 48, 126, 128, 128), Opacity: 1})
	for at, want := range map[image.Point]int{{0, 0}: 235, {63, 47}: 235, {0, 24}: 16, {1, 24}: 16, {2, 24}: 126, {32, 47}: 16, {32, 24}: 126} {
		if got := get(f, 0, at.X, at.Y); got < want-1 || got > want+1 {
			t.Errorf("luma at %v = %d, want %d", at, got, want)
		}
	}
}

// TestBackdropHasNoSeams: an image laid under a whole canvas and its shares laid
// under two stripes give the same picture.
func TestBackdropHasNoSeams(t *testing.T) {
	e := open(t, Options{})
	img := image.NewRGBA(image.Rect(0, 0, 50, 30))
	for y := range 30 {
		for x := range 50 {
			img.SetRGBA(x, y, color.RGBA{uint8(5 * x), uint8(8 * y), uint8(x * y), 255})
		}
	}
	at := image.Rect(-10, -4, 90, 56)
	whole := render(t, e, Scene{Width: 80, Height: 48, Backdrop: img, BackdropRect: at})
	for i, y := range []int{0, 32} {
		s := Scene{Width: 80, Height: []int{32, 16}[i], Backdrop: img, BackdropRect: at.Sub(image.Pt(0, y))}
		part := render(t, e, s)
		for p := range part.Planes {
			for row := range part.Planes[p].Height {
				for x := range part.Planes[p].Width {
					if got, want := get(part, p, x, row), get(whole, p, x, row+y>>min(p, 1)); got != want {
						t.Fatalf("stripe %d, plane %d at %d,%d: %d, want %d", i, p, x, row, got, want)
					}
				}
			}
		}
	}
}
