package align

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The picture, in pixels: four panels under a headline.
const (
	plotWidth  = 1600
	plotHeight = 1100
	plotLeft   = 40
	plotRight  = plotWidth - 40
)

var (
	paper = color.RGBA{0xfc, 0xfc, 0xfa, 0xff}
	ink   = color.RGBA{0x22, 0x26, 0x2b, 0xff}
	faint = color.RGBA{0xdc, 0xde, 0xe0, 0xff}
	gray  = color.RGBA{0x9a, 0xa0, 0xa6, 0xff}
	blue  = color.RGBA{0x1f, 0x5f, 0xa8, 0xff} // the reference
	rust  = color.RGBA{0xc2, 0x4f, 0x1c, 0xff} // the part
	green = color.RGBA{0x2a, 0x7f, 0x4f, 0xff} // the place
)

// Plot draws the features of both recordings, placed as r says, and the
// correlation curve with the candidates, as a PNG of 1600×1100 pixels: over the
// whole song, eight seconds of it close up, the curve over all offsets, and its
// top close up.
func Plot(w io.Writer, ref, part *Features, r Result, o Options) error {
	if ref == nil || part == nil {
		return errNoFeatures
	}
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return fmt.Errorf("plot: font: %w", err)
	}
	p := &plot{img: image.NewRGBA(image.Rect(0, 0, plotWidth, plotHeight))}
	for _, s := range []struct {
		face *font.Face
		size float64
	}{{&p.small, 17}, {&p.large, 28}} {
		*s.face, err = opentype.NewFace(f, &opentype.FaceOptions{Size: s.size, DPI: 72})
		if err != nil {
			return fmt.Errorf("plot: font: %w", err)
		}
	}
	draw.Draw(p.img, p.img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	p.headline(r)
	p.song(ref, part, r)
	p.curves(compare(context.Background(), prepare(ref), prepare(part), o.frames()), r)
	if err := png.Encode(w, p.img); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// plot draws on one picture; origin top left.
type plot struct {
	img          *image.RGBA
	small, large font.Face
}

func (p *plot) headline(r Result) {
	p.text(p.large, plotLeft, 46, ink, fmt.Sprintf("offset %+.1f ms    confidence %.3f    by %s", r.Offset.MS(), r.Confidence, r.Method))
	note := r.Reason
	if r.DriftPPM != 0 {
		note = fmt.Sprintf("the part's clock runs %+.1f ppm against the reference's. %s", r.DriftPPM, note)
	}
	if r.NeedsReview {
		note = "needs review: " + note
	}
	p.text(p.small, plotLeft, 74, rust, note)
}

// song draws the loudness and the beginnings of notes of both recordings over
// the time of the reference.
func (p *plot) song(ref, part *Features, r Result) {
	seconds := ref.Duration().Seconds()
	all := panel{
		p: p, top: 118, bottom: 340, from: 0, to: seconds, unit: "s",
		title: "loudness over the reference's time: reference above, part below, where it was put",
	}
	all.frame()
	all.hills(ref.track(&ref.loud, 0, 0), blue, true)
	all.hills(part.track(&part.loud, r.Offset.MS()/1000, r.DriftPPM), rust, false)
	from := busiest(part, r, seconds)
	near := panel{
		p: p, top: 392, bottom: 614, from: from, to: from + 8, unit: "s",
		title: "where notes begin, eight seconds: strokes that meet agree",
	}
	near.frame()
	near.hills(ref.track(&ref.note, 0, 0), blue, true)
	near.hills(part.track(&part.note, r.Offset.MS()/1000, r.DriftPPM), rust, false)
}

// track returns a curve from 0 to 1 as points in song time.
func (f *Features) track(s *series, offset, ppm float64) []point {
	out := make([]point, s.length)
	for i := range out {
		t := (float64(f.origin)/hop + float64(i)) / frameRate
		out[i] = point{(t - offset) / (1 + ppm*1e-6), float64(s.ch[0][i]) / 255}
	}
	return out
}

type point struct{ x, y float64 }

// busiest returns where the eight seconds begin in which the part has most notes.
func busiest(f *Features, r Result, seconds float64) float64 {
	t := f.track(&f.note, r.Offset.MS()/1000, r.DriftPPM)
	best, at, sum := -1.0, 0.0, 0.0
	const n = 8 * frameRate
	for i := range t {
		sum += t[i].y
		if i >= n {
			sum -= t[i-n].y
		}
		if i >= n-1 && t[i-n+1].x >= 0 && t[i].x <= seconds && sum > best {
			best, at = sum, t[i-n+1].x
		}
	}
	return at
}

// curves draws the combined correlation and its top close up.
func (p *plot) curves(c *comparison, r Result) {
	reach := float64(c.m) * 1000 / frameRate
	all := panel{
		p: p, top: 666, bottom: 888, from: -reach, to: reach, unit: "ms",
		title: "how well each offset fits, the higher the likelier: green where the part was put, gray the next best places",
	}
	all.frame()
	all.line(c.points(c.odds), ink)
	for i, cand := range r.Candidates {
		col := gray
		if i == 0 {
			col = green
		}
		all.mark(cand.Offset.MS(), col, fmt.Sprintf("%+.0f ms, confidence %.2f", cand.Offset.MS(), cand.Confidence), i)
	}
	at := r.Offset.MS()
	near := panel{
		p: p, top: 940, bottom: 1060, from: at - 250, to: at + 250, unit: "ms",
		title: "close up: how well the beginnings of notes meet, gray; over all notes of a singer who scatters, blue",
	}
	near.frame()
	near.line(c.points(c.curve[byNote]), gray)
	near.line(c.points(c.fine), blue)
	near.mark(at, green, fmt.Sprintf("%+.2f ms", at), 0)
}

// points returns a curve over offsets in ms.
func (c *comparison) points(v []float32) []point {
	out := make([]point, len(v))
	for i := range v {
		out[i] = point{(float64(i-c.m) + c.shift) * 1000 / frameRate, float64(v[i])}
	}
	return out
}

// panel is one diagram; x runs from from to to.
type panel struct {
	p           *plot
	top, bottom int
	from, to    float64
	unit, title string
}

func (d *panel) x(v float64) int {
	return plotLeft + int(math.Round((v-d.from)/(d.to-d.from)*(plotRight-plotLeft)))
}

// frame draws the title, the grid and the scale.
func (d *panel) frame() {
	d.p.text(d.p.small, plotLeft, d.top-10, ink, d.title)
	step := math.Pow(10, math.Floor(math.Log10(d.to-d.from)))
	for (d.to-d.from)/step < 8 {
		step /= 2
	}
	for v := math.Ceil(d.from/step) * step; v <= d.to; v += step {
		d.p.fill(image.Rect(d.x(v), d.top, d.x(v)+1, d.bottom), faint)
		if d.x(v) < plotRight-60 {
			d.p.text(d.p.small, d.x(v)+3, d.bottom+18, ink, fmt.Sprintf("%g %s", math.Round(v*100)/100, d.unit))
		}
	}
	d.p.fill(image.Rect(plotLeft, d.bottom, plotRight, d.bottom+1), ink)
}

// hills fills a curve from 0 to 1, up or down from the middle of the panel.
func (d *panel) hills(pts []point, c color.RGBA, up bool) {
	mid := (d.top + d.bottom) / 2
	high := make([]float64, plotRight-plotLeft)
	for i, q := range pts {
		a := d.x(q.x) - plotLeft
		b := a + 1
		if i+1 < len(pts) {
			b = max(b, d.x(pts[i+1].x)-plotLeft)
		}
		for k := max(a, 0); k < min(b, len(high)); k++ {
			high[k] = max(high[k], q.y)
		}
	}
	for k, v := range high {
		h := int(v * float64(mid-d.top-2))
		r := image.Rect(plotLeft+k, mid-h, plotLeft+k+1, mid)
		if !up {
			r = image.Rect(plotLeft+k, mid+1, plotLeft+k+1, mid+1+h)
		}
		d.p.fill(r, c)
	}
}

// line draws a curve scaled to the panel's height.
func (d *panel) line(pts []point, c color.RGBA) {
	pts = slices.DeleteFunc(slices.Clone(pts), func(q point) bool { return q.x < d.from || q.x > d.to })
	if len(pts) == 0 {
		return
	}
	lo, hi := pts[0].y, pts[0].y
	for _, q := range pts {
		lo, hi = min(lo, q.y), max(hi, q.y)
	}
	y := func(v float64) int {
		return d.bottom - 3 - int((v-lo)/(hi-lo+1e-12)*float64(d.bottom-d.top-26))
	}
	for i := 1; i < len(pts); i++ {
		x0, x1, y0, y1 := d.x(pts[i-1].x), d.x(pts[i].x), y(pts[i-1].y), y(pts[i].y)
		n := max(x1-x0, y1-y0, y0-y1, 1)
		for k := range n + 1 {
			x, v := x0+(x1-x0)*k/n, y0+(y1-y0)*k/n
			d.p.fill(image.Rect(x, v, x+2, v+2), c)
		}
	}
}

// mark draws an offset as an upright line with its label, row lines down.
func (d *panel) mark(v float64, c color.RGBA, label string, row int) {
	if v < d.from || v > d.to {
		return
	}
	d.p.fill(image.Rect(d.x(v), d.top, d.x(v)+2, d.bottom), c)
	x := d.x(v) + 6
	if w := font.MeasureString(d.p.small, label).Ceil(); x+w > plotWidth-4 {
		x = d.x(v) - 6 - w
	}
	d.p.text(d.p.small, x, d.top+16+18*row, ink, label)
}

func (p *plot) fill(r image.Rectangle, c color.RGBA) {
	draw.Draw(p.img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// text writes s with its base line beginning at x, y.
func (p *plot) text(f font.Face, x, y int, c color.RGBA, s string) {
	d := font.Drawer{Dst: p.img, Src: image.NewUniform(c), Face: f, Dot: fixed.P(x, y)}
	d.DrawString(s)
}
