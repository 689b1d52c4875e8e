package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/choirless/render/definition"
)

// boxjamCase is a layout that boxjam itself made; order is the order given.
type boxjamCase struct {
	Name      string
	Container [2]int
	Margin    int
	Center    bool
	Input     [][2]float64
	Output    [][4]float64
	UsedPct   float64 `json:"used_pct"`
}

func boxjamCases(t *testing.T) []boxjamCase {
	t.Helper()
	b, err := os.ReadFile("testdata/boxjam.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []boxjamCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// sharedBoxjamCases are the full sixty, where the checkout has them.
func sharedBoxjamCases(t *testing.T) []boxjamCase {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash("../../shared/layout/boxjam-golden.json"))
	if err != nil {
		t.Skipf("extra media are not here: %v", err)
	}
	var doc struct {
		Cases []struct {
			Name      string
			Container struct{ Width, Height int }
			Margin    int
			Center    bool
			Input     []struct{ Width, Height float64 }
			Output    []struct{ X, Y, Width, Height float64 }
			Stats     struct {
				UsedPct float64 `json:"used_pct"`
			}
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var cases []boxjamCase
	for _, c := range doc.Cases {
		bc := boxjamCase{Name: c.Name, Container: [2]int{c.Container.Width, c.Container.Height}, Margin: c.Margin, Center: c.Center, UsedPct: c.Stats.UsedPct}
		for i := range c.Input {
			bc.Input = append(bc.Input, [2]float64{c.Input[i].Width, c.Input[i].Height})
			bc.Output = append(bc.Output, [4]float64{c.Output[i].X, c.Output[i].Y, c.Output[i].Width, c.Output[i].Height})
		}
		cases = append(cases, bc)
	}
	return cases
}

// sizes gives the inputs ids whose reversed order is the order of the case.
func (c boxjamCase) sizes() []TileSize {
	var out []TileSize
	for i, s := range c.Input {
		id := reversed(definition.PartID(fmt.Sprintf("%04d", i)))
		out = append(out, TileSize{definition.PartID(id), s[0], s[1], 0})
	}
	return out
}

func (c boxjamCase) options(m LayoutMode) LayoutOptions {
	return LayoutOptions{Width: c.Container[0], Height: c.Container[1], Margin: c.Margin, TopLeft: !c.Center, Mode: m}
}

func testBoxjamPositions(t *testing.T, cases []boxjamCase) {
	for _, c := range cases {
		var in []box
		for _, s := range c.Input {
			in = append(in, box{W: s[0], H: s[1]})
		}
		for i, got := range jam(in, float64(c.Container[0]), float64(c.Container[1]), float64(c.Margin), c.Center) {
			want := box{c.Output[i][0], c.Output[i][1], c.Output[i][2], c.Output[i][3]}
			if got != want {
				t.Errorf("%s: box %d is %v, boxjam has %v", c.Name, i, got, want)
				break
			}
		}
	}
}

func TestBoxjamReproducesItsPositions(t *testing.T)     { testBoxjamPositions(t, boxjamCases(t)) }
func TestBoxjamReproducesAllSixty(t *testing.T)         { testBoxjamPositions(t, sharedBoxjamCases(t)) }
func TestRowsUseMoreOfTheCanvasThanBoxjam(t *testing.T) { testUsed(t, boxjamCases(t), 10, 5) }
func TestRowsUseMoreOfTheCanvasInAllSixty(t *testing.T) { testUsed(t, sharedBoxjamCases(t), 57, 7) }

// testUsed wants at least wins cases to be no emptier than boxjam's, and the mean
// to be gain points above.
func testUsed(t *testing.T, cases []boxjamCase, wins int, gain float64) {
	better, ours, theirs, stretched := 0, 0.0, 0.0, 0.0
	for _, c := range cases {
		l, err := NewLayout(c.sizes(), c.options(LayoutRows))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		checkLayout(t, c.Name, c.sizes(), c.options(LayoutRows), l)
		if 100*l.Used >= c.UsedPct-0.05 { // the figure is rounded to 0.1
			better++
		}
		s, err := NewLayout(c.sizes(), c.options(LayoutStretch))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		ours, theirs, stretched = ours+100*l.Used, theirs+c.UsedPct, stretched+100*s.Used
	}
	n := float64(len(cases))
	t.Logf("used area: ours %.1f %%, stretched %.1f %%, boxjam %.1f %%; no emptier in %d of %d", ours/n, stretched/n, theirs/n, better, len(cases))
	if better < wins || ours/n < theirs/n+gain || stretched < ours {
		t.Errorf("want at least %d, the mean %g points above, and stretched above that", wins, gain)
	}
}

// TestBoxjamEnds: boxes that do not fit however small they are end in the layout of
// LayoutRows, where boxjam itself goes on for ever.
func TestBoxjamEnds(t *testing.T) {
	for _, c := range []struct{ parts, width, height, margin int }{
		{3, 320, 240, 200},
		{200, 320, 240, 10},
		{200, 1920, 1080, 100},
		{101, 1920, 1080, 200},
		{9, 320, 240, 10},
		{9, 320, 240, -1},
	} {
		parts := randomParts(c.parts, shapes["webcam"])
		o := LayoutOptions{Width: c.width, Height: c.height, Margin: c.margin, Mode: LayoutBoxjam}
		done := make(chan *Layout)
		go func() {
			l, err := NewLayout(parts, o)
			if err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			done <- l
		}()
		select {
		case l := <-done:
			if l != nil {
				checkOverlap(t, fmt.Sprintf("%+v", c), l.Tiles)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%+v: no end", c)
		}
	}
}

// TestBoxjamOddMargin: boxjam's own margins may be odd.
func TestBoxjamOddMargin(t *testing.T) {
	parts := randomParts(7, shapes["webcam"])
	layouts := map[int]*Layout{}
	for _, margin := range []int{5, 6} {
		l, err := NewLayout(parts, LayoutOptions{Width: 1920, Height: 1080, Mode: LayoutBoxjam, Margin: margin})
		if err != nil {
			t.Fatal(err)
		}
		layouts[margin] = l
	}
	if slices.Equal(layouts[5].Tiles, layouts[6].Tiles) {
		t.Error("a margin of 5 is taken for one of 6")
	}
}
