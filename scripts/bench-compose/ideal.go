package main

import (
	"math"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
)

// worstTile returns the least PSNR of luma over a few tiles, against a resize
// in float64 that shares no code with the engine's: Catmull-Rom, stretched by
// the ratio when shrinking, edges repeated.
func worstTile(f *media.Frame, tiles []engine.Tile, updates []engine.Update) float64 {
	least := math.Inf(1)
	for _, i := range []int{0, len(tiles) / 2, len(tiles) - 1} {
		r, src := tiles[i].Rect, updates[i].Frame.Planes[0]
		want := ideal(src, r.Dx(), r.Dy())
		sum := 0.0
		for y := range r.Dy() {
			for x := range r.Dx() {
				v := math.Min(math.Max(want[y*r.Dx()+x], 0), 255)
				d := v - float64(f.Planes[0].Data[(r.Min.Y+y)*f.Planes[0].Stride+r.Min.X+x])
				sum += d * d
			}
		}
		least = math.Min(least, 10*math.Log10(255*255/(sum/float64(r.Dx()*r.Dy()))))
	}
	return least
}

// ideal resizes a plane, vertically then horizontally.
func ideal(p media.Plane, w, h int) []float64 {
	mid := make([]float64, p.Width*h)
	for y := range h {
		each(y, p.Height, h, func(k int, weight float64) {
			for x := range p.Width {
				mid[y*p.Width+x] += weight * float64(p.Data[k*p.Stride+x])
			}
		})
	}
	out := make([]float64, w*h)
	for x := range w {
		each(x, p.Width, w, func(k int, weight float64) {
			for y := range h {
				out[y*w+x] += weight * mid[y*p.Width+k]
			}
		})
	}
	return out
}

// each calls f for every source sample that result sample i of n is made of.
func each(i, from, n int, f func(k int, weight float64)) {
	ratio := float64(from) / float64(n)
	stretch := math.Max(ratio, 1)
	c := (float64(i)+0.5)*ratio - 0.5
	first, last := int(math.Ceil(c-2*stretch)), int(math.Floor(c+2*stretch))
	sum := 0.0
	for k := first; k <= last; k++ {
		sum += cubic((float64(k) - c) / stretch)
	}
	for k := first; k <= last; k++ {
		f(min(max(k, 0), from-1), cubic((float64(k)-c)/stretch)/sum)
	}
}

func cubic(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return 1.5*x*x*x - 2.5*x*x + 1
	case x < 2:
		return -0.5*x*x*x + 2.5*x*x - 4*x + 2
	}
	return 0
}
