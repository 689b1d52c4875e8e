package panel

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"time"
)

// Hit is what lies under the mouse.
type Hit struct {
	Kind HitKind
	// Index is a part or a slider.
	Index int
	// Value is where in the thing, 0..1 from left to right.
	Value float64
}

// HitKind says what a place in a panel is.
type HitKind int

// The kinds of places.
const (
	Nothing HitKind = iota
	Timeline
	PlayButton
	PartRow
	SoloButton
	MuteButton
	Slider
)

// Panel is a drawn panel.
type Panel struct {
	Image *image.RGBA
	spots []spot
}

type spot struct {
	at    image.Rectangle
	kind  HitKind
	index int
}

// At returns what lies at a point of the panel.
func (p *Panel) At(pt image.Point) Hit {
	for i := len(p.spots) - 1; i >= 0; i-- { // what was drawn last lies on top
		s := p.spots[i]
		if pt.In(s.at) {
			return Hit{s.kind, s.index, p.Value(s.kind, s.index, pt.X)}
		}
	}
	return Hit{}
}

// Value is where x lies in a place, also when it is beyond its ends: a slider is
// dragged further than it reaches.
func (p *Panel) Value(kind HitKind, index, x int) float64 {
	for _, s := range p.spots {
		if s.kind == kind && s.index == index {
			return min(max(float64(x-s.at.Min.X)/float64(max(1, s.at.Dx())), 0), 1)
		}
	}
	return 0
}

func (p *Panel) spot(at image.Rectangle, kind HitKind, index int) {
	p.spots = append(p.spots, spot{at, kind, index})
}

// Transport is what the lowest panel shows.
type Transport struct {
	Time, Length time.Duration
	LoopFrom     time.Duration
	LoopTo       time.Duration // not above LoopFrom: no loop
	Frame        int
	Playing      bool
	Speed        float64
	Device       string
	Loudness     string
	FPS          float64
	Dropped      int
	Note         string // for a moment
	Dirty        bool
}

// TransportHeight is that of the transport, window pixels.
const TransportHeight = 62

// Draw draws the transport.
func (t Transport) Draw(w int) *Panel {
	c := newCanvas(w, TransportHeight)
	p := &Panel{Image: c.RGBA}
	bar := image.Rect(64, 14, w-18, 22)
	p.spot(image.Rect(bar.Min.X, bar.Min.Y-10, bar.Max.X, bar.Max.Y+8), Timeline, 0)
	play := image.Rect(14, 9, 50, 45)
	p.spot(play, PlayButton, 0)
	c.round(play, 18, raised)
	if t.Playing {
		c.box(image.Rect(26, 19, 30, 35), ink)
		c.box(image.Rect(34, 19, 38, 35), ink)
	} else {
		c.triangle(image.Rect(27, 18, 42, 36), ink)
	}
	x := func(d time.Duration) int {
		return bar.Min.X + int(float64(bar.Dx())*float64(d)/float64(max(1, t.Length)))
	}
	c.round(bar, 4, raised)
	c.round(image.Rect(bar.Min.X, bar.Min.Y, x(t.Time), bar.Max.Y), 4, accent)
	if t.LoopTo > t.LoopFrom {
		c.box(image.Rect(x(t.LoopFrom), bar.Max.Y+2, x(t.LoopTo), bar.Max.Y+5), warm)
		c.box(image.Rect(x(t.LoopFrom)-1, bar.Min.Y-3, x(t.LoopFrom)+1, bar.Max.Y+5), warm)
		c.box(image.Rect(x(t.LoopTo)-1, bar.Min.Y-3, x(t.LoopTo)+1, bar.Max.Y+5), warm)
	}
	c.round(image.Rect(x(t.Time)-6, bar.Min.Y-3, x(t.Time)+6, bar.Max.Y+3), 7, ink)
	const base = 48
	at := c.write(strong, 64, base, clock(t.Time), ink)
	at = c.write(text, at+6, base, "/ "+clock(t.Length), dim)
	at = c.write(mono, at+18, base, fmt.Sprintf("frame %d", t.Frame), dim)
	if t.Speed != 1 {
		at = c.write(strong, at+18, base, fmt.Sprintf("×%.2g", t.Speed), warm)
	}
	if t.Note != "" {
		c.write(strong, at+24, base, fit(strong, t.Note, w-at-420), accent)
	}
	right := w - 18
	put := func(s string, col color.Color) {
		if s != "" {
			c.right(text, right, base, s, col)
			right -= width(text, s) + 18
		}
	}
	put("F1 keys", dim)
	drops := fmt.Sprintf("%.0f fps  %d dropped", t.FPS, t.Dropped)
	if t.Dropped > 0 {
		put(drops, warm)
	} else {
		put(drops, dim)
	}
	put(t.Loudness, dim)
	put(t.Device, dim)
	if t.Dirty {
		put("not saved", warm)
	}
	return p
}

func clock(d time.Duration) string {
	s := d.Seconds()
	return fmt.Sprintf("%d:%05.2f", int(s)/60, math.Mod(s, 60))
}

// PartRowView is one row of the parts panel.
type PartRowView struct {
	Name           string
	Offset, GainDB float64 // ms; dB on top of the balance, -inf when silent
	Pan            float64
	Mute, Solo     bool
	Peak           float64 // linear, as heard
	Backing        bool
}

// Parts is what the right panel shows.
type Parts struct {
	Rows     []PartRowView
	Selected int // -1 none
}

// Size of the parts panel's pieces, window pixels.
const (
	PartsWidth = 372
	rowHeight  = 30
	headHeight = 34
)

// Draw draws as many rows as fit, around the chosen one.
func (v Parts) Draw(most int) *Panel {
	fits := max(1, (most-headHeight-8)/rowHeight)
	first := 0
	if len(v.Rows) > fits {
		first = min(max(0, v.Selected-fits/2), len(v.Rows)-fits)
	}
	rows := v.Rows[first:min(len(v.Rows), first+fits)]
	c := newCanvas(PartsWidth, headHeight+rowHeight*len(rows)+8)
	p := &Panel{Image: c.RGBA}
	c.write(strong, 14, 22, "Parts", ink)
	for _, h := range []struct {
		x int
		s string
	}{{254, "offset ms"}, {308, "gain dB"}, {358, "pan"}} {
		c.right(small, h.x, 22, h.s, dim)
	}
	for k, r := range rows {
		i := first + k
		y := headHeight + k*rowHeight
		row := image.Rect(6, y, PartsWidth-6, y+rowHeight-2)
		p.spot(row, PartRow, i)
		if i == v.Selected {
			c.round(row, 5, color.NRGBA{92, 200, 255, 46})
			c.round(image.Rect(6, y+4, 9, y+rowHeight-6), 2, accent)
		}
		solo, mute := image.Rect(14, y+5, 34, y+23), image.Rect(38, y+5, 58, y+23)
		p.spot(solo, SoloButton, i)
		p.spot(mute, MuteButton, i)
		c.button(solo, "S", lit(r.Solo, warm))
		c.button(mute, "M", lit(r.Mute, bad))
		name, col := r.Name, color.Color(ink)
		if r.Mute {
			col = dim
		}
		c.write(text, 68, y+18, fit(text, name, 122), col)
		meter(c, image.Rect(68, y+22, 190, y+25), r.Peak)
		if r.Backing {
			c.right(small, 254, y+18, "backing", dim)
		} else {
			c.right(mono, 254, y+18, fmt.Sprintf("%+.1f", r.Offset), col)
		}
		gain := fmt.Sprintf("%+.1f", r.GainDB)
		if math.IsInf(r.GainDB, -1) {
			gain = "off"
		}
		c.right(mono, 308, y+18, gain, col)
		c.right(mono, 358, y+18, fmt.Sprintf("%+.2f", r.Pan), col)
	}
	return p
}

func lit(on bool, c color.Color) color.Color {
	if on {
		return c
	}
	return nil
}

// meter shows a peak from -48 to 0 dBFS.
func meter(c canvas, r image.Rectangle, peak float64) {
	c.box(r, line)
	db := 20 * math.Log10(max(peak, 1e-9))
	k := min(max((db+48)/48, 0), 1)
	col := color.Color(good)
	if db > -1 {
		col = bad
	}
	c.box(image.Rect(r.Min.X, r.Min.Y, r.Min.X+int(k*float64(r.Dx())), r.Max.Y), col)
}

// SliderView is one value that can be tuned.
type SliderView struct {
	Name                      string
	Least, Most, Default, Now float64
}

// Sliders is what the left panel shows.
type Sliders struct {
	Rows []SliderView
}

// LeftWidth is that of the panels on the left, window pixels.
const LeftWidth = 300

// Draw draws the sliders.
func (v Sliders) Draw() *Panel {
	const row = 40
	c := newCanvas(LeftWidth, headHeight+row*len(v.Rows)+8)
	p := &Panel{Image: c.RGBA}
	c.write(strong, 14, 22, "Look", ink)
	c.right(small, LeftWidth-14, 22, "Backspace resets", dim)
	for i, s := range v.Rows {
		y := headHeight + i*row
		bar := image.Rect(14, y+22, LeftWidth-14, y+28)
		p.spot(image.Rect(bar.Min.X, y, bar.Max.X, y+row), Slider, i)
		c.write(text, 14, y+14, s.Name, ink)
		col := color.Color(dim)
		if s.Now != s.Default {
			col = accent
		}
		c.right(mono, LeftWidth-14, y+14, fmt.Sprintf("%.3f", s.Now), col)
		at := func(v float64) int {
			return bar.Min.X + int(float64(bar.Dx())*min(max((v-s.Least)/(s.Most-s.Least), 0), 1))
		}
		c.round(bar, 3, raised)
		c.round(image.Rect(min(at(s.Default), at(s.Now)), bar.Min.Y, max(at(s.Default), at(s.Now)), bar.Max.Y), 3, accent)
		c.box(image.Rect(at(s.Default), bar.Min.Y-2, at(s.Default)+1, bar.Max.Y+2), dim)
		c.round(image.Rect(at(s.Now)-6, bar.Min.Y-3, at(s.Now)+6, bar.Max.Y+3), 6, ink)
	}
	return p
}

// ReadOut is a line of figures.
type ReadOut struct{ Name, Value string }

// ReadOuts draws lines of figures under a heading.
func ReadOuts(heading string, lines []ReadOut) *Panel {
	c := newCanvas(LeftWidth, headHeight+20*len(lines)+6)
	c.write(strong, 14, 22, heading, ink)
	for i, l := range lines {
		y := headHeight + 14 + 20*i
		c.write(text, 14, y, l.Name, dim)
		c.right(mono, LeftWidth-14, y, l.Value, ink)
	}
	return &Panel{Image: c.RGBA}
}

// maxMessageLines bounds a message; what a compiler says after that follows from
// what it said before.
const maxMessageLines = 14

// Message draws an error over the picture, at most most pixels wide. Lines that
// begin with '>' are the ones to look at.
func Message(heading string, lines []string, most int) *Panel {
	if len(lines) > maxMessageLines {
		lines = append(lines[:maxMessageLines:maxMessageLines], "…")
	}
	w := width(strong, heading) + 40
	for _, l := range lines {
		w = max(w, width(mono, expand(l))+40)
	}
	w = min(w, most)
	c := newCanvas(w, 44+19*len(lines)+8)
	c.round(image.Rect(0, 0, w, 34), 8, color.NRGBA{150, 36, 44, 255})
	c.box(image.Rect(0, 20, w, 34), color.NRGBA{150, 36, 44, 255})
	c.write(strong, 16, 23, fit(strong, heading, w-32), ink)
	for i, l := range lines {
		col := color.Color(ink)
		y := 55 + 19*i
		switch {
		case strings.HasPrefix(l, ">"):
			c.box(image.Rect(8, y-14, w-8, y+5), color.NRGBA{255, 107, 107, 48})
			col = bad
		case strings.HasPrefix(l, " "):
			col = dim
		}
		c.write(mono, 16, y, fit(mono, expand(l), w-32), col)
	}
	return &Panel{Image: c.RGBA}
}

func expand(s string) string { return strings.ReplaceAll(s, "\t", "    ") }

// Key is a line of the help.
type Key struct{ Keys, Does string }

// Help draws the list of keys in two columns.
func Help(groups [][]Key) *Panel {
	const col, row = 380, 22
	columns := [2][]Key{}
	for i, g := range groups {
		k := i % 2
		if len(columns[k]) > 0 {
			columns[k] = append(columns[k], Key{})
		}
		columns[k] = append(columns[k], g...)
	}
	n := max(len(columns[0]), len(columns[1]))
	c := newCanvas(2*col+20, 58+row*n)
	c.round(c.Rect, 8, back) // once more: text lies over text here
	c.write(title, 24, 34, "Keys", ink)
	c.right(small, 2*col, 33, "F1 or Esc closes", dim)
	for k, keys := range columns {
		for i, e := range keys {
			y := 64 + row*i
			x := 24 + col*k
			c.right(strong, x+128, y, e.Keys, accent)
			c.write(text, x+142, y, e.Does, ink)
		}
	}
	return &Panel{Image: c.RGBA}
}
