package plan

import (
	"encoding/json"
	"fmt"
	"github.com/choirless/render/definition"
	"os"
	"testing"
)

func TestGoldenX(t *testing.T) {
	b, err := os.ReadFile("/work/shared/layout/boxjam-golden.json")
	if err != nil {
		t.Skip(err)
	}
	var d struct {
		Cases []struct {
			Name          string
			N             int
			Container     struct{ Width, Height int }
			Margin        int
			Center        bool
			Input, Output []struct {
				ID                  string
				Width, Height, X, Y float64
			}
			Stats struct {
				Used float64 `json:"used_pct"`
				Rows int
			}
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	wins := 0
	var mean, bm, sm float64
	exact := 0
	for _, c := range d.Cases {
		var ps []TileSize
		var bx []box
		for i, in := range c.Input {
			ps = append(ps, TileSize{definition.PartID(fmt.Sprintf("%d%d%d", i%10, i/10%10, i/100)), in.Width, in.Height})
			bx = append(bx, box{W: in.Width, H: in.Height})
		}
		o := LayoutOptions{Width: c.Container.Width, Height: c.Container.Height, Margin: c.Margin, TopLeft: !c.Center}
		l, err := NewLayout(ps, o)
		if err != nil {
			t.Error(c.Name, err)
			continue
		}
		o.Mode = LayoutStretch
		s, _ := NewLayout(ps, o)
		same := true
		for i, r := range jam(bx, float64(o.Width), float64(o.Height), float64(o.Margin), c.Center) {
			w := c.Output[i]
			if r != (box{w.X, w.Y, w.Width, w.Height}) {
				same = false
			}
		}
		if same {
			exact++
		}
		u := 100 * l.Used
		mean += u
		bm += c.Stats.Used
		sm += 100 * s.Used
		m := " "
		if u >= c.Stats.Used {
			wins++
		} else {
			m = "-"
		}
		t.Logf("%s %-12s %4dx%4d m%2d box %.1f rows %d | ours %.1f rows %d h %d stripes %d same %v stretch %.1f", m, c.Name, o.Width, o.Height, o.Margin, c.Stats.Used, c.Stats.Rows, u, len(l.Rows), l.Tiles[0].Dy(), len(l.Borders)+1, same, 100*s.Used)
	}
	t.Logf("wins %d mean %.2f box %.2f stretch %.2f exact %d", wins, mean/60, bm/60, sm/60, exact)
}
