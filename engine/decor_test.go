package engine

import (
	"image"
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
