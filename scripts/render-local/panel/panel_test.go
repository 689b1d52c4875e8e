package panel

import (
	"image"
	"strings"
	"testing"
	"time"
)

// TestTransportIsUsed: a click on the timeline gives the time under it.
func TestTransportIsUsed(t *testing.T) {
	p := Transport{Length: 10 * time.Second, Time: 5 * time.Second, Speed: 1}.Draw(1000)
	var from, to int
	for x := range 1000 {
		if p.At(image.Pt(x, 18)).Kind == Timeline {
			if from == 0 {
				from = x
			}
			to = x
		}
	}
	if from == 0 || to-from < 800 {
		t.Fatalf("timeline from %d to %d", from, to)
	}
	if h := p.At(image.Pt((from+to)/2, 18)); h.Value < 0.49 || h.Value > 0.51 {
		t.Errorf("the middle is %g", h.Value)
	}
	if v := p.Value(Timeline, 0, to+500); v != 1 {
		t.Errorf("beyond the end is %g, want 1", v)
	}
	if h := p.At(image.Pt(30, 27)); h.Kind != PlayButton {
		t.Errorf("the button is %v", h)
	}
}

// TestPartsAreUsed: every row has its buttons, and of more rows than fit the chosen
// one is there.
func TestPartsAreUsed(t *testing.T) {
	rows := make([]PartRowView, 40)
	v := Parts{Rows: rows, Selected: 33}
	p := v.Draw(400)
	if h := p.Image.Rect.Dy(); h > 400 {
		t.Errorf("%d pixels high, want at most 400", h)
	}
	kinds := map[HitKind]bool{}
	chosen := false
	for y := range p.Image.Rect.Dy() {
		for x := 0; x < PartsWidth; x += 4 {
			h := p.At(image.Pt(x, y))
			kinds[h.Kind] = true
			chosen = chosen || h.Kind == PartRow && h.Index == 33
		}
	}
	if !chosen || !kinds[SoloButton] || !kinds[MuteButton] {
		t.Errorf("chosen row %v, places %v", chosen, kinds)
	}
}

// TestMessageFits: long lines and many of them stay inside what there is.
func TestMessageFits(t *testing.T) {
	lines := strings.Split(strings.Repeat("> a line that is far too long for a window "+strings.Repeat("x", 300)+"\n", 60), "\n")
	m := Message("wrong", lines, 600).Image.Rect
	if m.Dx() > 600 || m.Dy() > 400 {
		t.Errorf("%v", m)
	}
}
