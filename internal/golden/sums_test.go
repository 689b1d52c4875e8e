package golden

import (
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

func picture(width, height int, seed byte) *media.Frame {
	f := media.NewFrame(width, height)
	for i := range f.Planes {
		for j := range f.Planes[i].Data { // padding too
			f.Planes[i].Data[j] = seed + byte(j*7+i)
			seed = seed*5 + 1
		}
	}
	return f
}

// rows puts the pictures on top of each other.
func stacked(list ...*media.Frame) *media.Frame {
	height := 0
	for _, f := range list {
		height += f.Height()
	}
	out := media.NewFrame(list[0].Width(), height)
	y := 0
	for _, f := range list {
		for i := range f.Planes {
			at := y
			if i > 0 {
				at /= 2
			}
			p, q := &f.Planes[i], &out.Planes[i]
			for r := range p.Height {
				copy(q.Data[(at+r)*q.Stride:], p.Data[r*p.Stride:][:p.Width])
			}
		}
		y += f.Height()
	}
	return out
}

// The sum of a stripe's rows in the whole picture is that of the stripe.
func TestSumRows(t *testing.T) {
	a, b := picture(50, 32, 3), picture(50, 18, 9)
	whole := stacked(a, b)
	for _, c := range []struct {
		f         *media.Frame
		y, height int
	}{{a, 0, 32}, {b, 32, 18}} {
		got, err := SumRows(whole, c.y, c.height)
		if err != nil {
			t.Fatal(err)
		}
		want, err := SumRows(c.f, 0, c.height)
		if err != nil || got != want {
			t.Errorf("rows from %d: %x, alone %x, %v", c.y, got, want, err)
		}
	}
	before, _ := SumRows(b, 0, 18)
	for i := range b.Planes { // any sample counts, the last one of each plane too
		p := &b.Planes[i]
		at := (p.Height-1)*p.Stride + p.Width - 1
		p.Data[at]++
		if after, _ := SumRows(b, 0, 18); after == before {
			t.Errorf("plane %d: a changed sample is not seen", i)
		}
		p.Data[at]--
	}
}

func TestSumRowsRefuses(t *testing.T) {
	f := picture(16, 16, 0)
	for _, c := range [][2]int{{-2, 4}, {1, 4}, {0, 3}, {0, 18}, {14, 4}, {0, 0}} {
		if _, err := SumRows(f, c[0], c[1]); err == nil {
			t.Errorf("rows %d to %d were taken", c[0], c[0]+c[1])
		}
	}
	f.Depth = 10
	if _, err := SumRows(f, 0, 16); err == nil {
		t.Error("10 bits were taken")
	}
}

func TestCompareSums(t *testing.T) {
	a := []Sum{{1}, {2}, {3}, {4}}
	for _, c := range []struct {
		joined []Sum
		want   string
	}{
		{a, ""},
		{[]Sum{{1}, {9}, {3}, {8}}, "stripe 2: 2 of 4 pictures differ from the stripe decoded alone, the first is 1"},
		{a[:3], "stripe 2: 3 pictures decoded, want 4"},
	} {
		err := CompareSums(2, c.joined, a)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
