package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"sort"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// plot draws CPU seconds against the number of parts, one line per contender,
// both axes logarithmic.
func plot(file string, all []result) error {
	const w, h, margin = 900, 560, 70
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	sums := summaries(all)
	lo, hi := image.Pt(math.MaxInt, math.MaxInt), image.Pt(1, 1)
	for _, s := range sums {
		lo.X, hi.X = min(lo.X, s.parts), max(hi.X, s.parts)
		lo.Y, hi.Y = min(lo.Y, int(s.median.CPU)), max(hi.Y, int(s.median.CPU)+1)
	}
	lo.Y = max(1, lo.Y)
	at := func(parts int, cpu float64) image.Point {
		fx := math.Log(float64(parts)/float64(lo.X)) / math.Max(1e-9, math.Log(float64(hi.X)/float64(lo.X)))
		fy := math.Log(math.Max(cpu, 1)/float64(lo.Y)) / math.Max(1e-9, math.Log(float64(hi.Y)/float64(lo.Y)))
		return image.Pt(margin+int(fx*(w-2*margin)), h-margin-int(fy*(h-2*margin)))
	}
	grey := color.RGBA{0x99, 0x99, 0x99, 0xff}
	line(img, image.Pt(margin, h-margin), image.Pt(w-margin, h-margin), grey)
	line(img, image.Pt(margin, margin), image.Pt(margin, h-margin), grey)
	text(img, 20, 30, "CPU seconds against parts (median, logarithmic)", color.Black)
	colors := map[string]color.Color{
		"ours":             color.RGBA{0x1b, 0x7f, 0x4d, 0xff},
		"one command":      color.RGBA{0xc0, 0x39, 0x2b, 0xff},
		"original's chain": color.RGBA{0x2c, 0x5a, 0xa0, 0xff},
	}
	lines := map[string][]summary{}
	for _, s := range sums {
		lines[s.contender] = append(lines[s.contender], s)
	}
	y := 50
	for _, name := range []string{"ours", "one command", "original's chain"} {
		pts := lines[name]
		if len(pts) == 0 {
			continue
		}
		sort.Slice(pts, func(i, j int) bool { return pts[i].parts < pts[j].parts })
		for i, s := range pts {
			p := at(s.parts, s.median.CPU)
			draw.Draw(img, image.Rect(p.X-3, p.Y-3, p.X+4, p.Y+4), image.NewUniform(colors[name]), image.Point{}, draw.Src)
			text(img, p.X+6, p.Y-6, fmt.Sprintf("%.0f", s.median.CPU), colors[name])
			text(img, p.X-8, h-margin+20, fmt.Sprint(s.parts), color.Black)
			if i > 0 {
				line(img, at(pts[i-1].parts, pts[i-1].median.CPU), p, colors[name])
			}
		}
		text(img, margin+20, y+margin-30, name, colors[name])
		y += 18
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func line(img draw.Image, a, b image.Point, c color.Color) {
	n := max(1, max(abs(b.X-a.X), abs(b.Y-a.Y)))
	for i := range n + 1 {
		img.Set(a.X+(b.X-a.X)*i/n, a.Y+(b.Y-a.Y)*i/n, c)
	}
}

func abs(v int) int { return max(v, -v) }

func text(img draw.Image, x, y int, s string, c color.Color) {
	d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(s)
}
