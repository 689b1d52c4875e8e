package main

import (
	"math"
	"math/rand/v2"
)

// portrait is a stylised singer in front of a calm wall. What it looks like is drawn
// by lot once; what moves follows the music: the mouth by vowel and envelope, the
// head by the beat, a blink now and then.
type portrait struct {
	still                    *canvas // background
	skin, hair, shirt, lips  rgb
	style                    int     // of the hair
	beard, glasses, phones   bool    // phones are headphones
	size                     float64 // of the head, px
	sway, bob, phase, blinks float64
	singer                   *Singer
}

// palettes are walls, top and bottom, and a shirt that goes with them.
var palettes = [][3]rgb{
	{{226, 188, 160}, {176, 120, 104}, {48, 72, 96}},
	{{160, 196, 206}, {84, 124, 148}, {214, 106, 74}},
	{{204, 208, 172}, {120, 138, 104}, {120, 54, 66}},
	{{214, 184, 206}, {140, 102, 144}, {62, 98, 92}},
	{{240, 212, 150}, {196, 144, 84}, {46, 58, 104}},
	{{150, 176, 216}, {72, 90, 146}, {228, 178, 84}},
	{{184, 212, 192}, {88, 136, 122}, {184, 74, 92}},
	{{222, 196, 190}, {150, 108, 112}, {36, 104, 112}},
	{{190, 190, 204}, {100, 102, 124}, {204, 128, 60}},
	{{168, 206, 226}, {96, 132, 172}, {92, 60, 112}},
	{{232, 206, 178}, {164, 130, 96}, {72, 110, 70}},
	{{206, 176, 158}, {118, 84, 82}, {222, 204, 170}},
}

var skins = []rgb{{246, 212, 186}, {232, 186, 152}, {206, 152, 114}, {164, 112, 78}, {122, 80, 56}, {92, 60, 44}}

var hairs = []rgb{{42, 32, 30}, {84, 56, 38}, {138, 90, 48}, {198, 160, 98}, {122, 48, 32}, {176, 176, 180}, {28, 26, 34}}

func newPortrait(r *rand.Rand, w, h, index int, s *Singer) *portrait {
	pal := palettes[index%len(palettes)]
	p := &portrait{
		still: newCanvas(w, h), skin: skins[r.IntN(len(skins))], hair: hairs[r.IntN(len(hairs))],
		shirt: pal[2], style: r.IntN(4), glasses: r.IntN(4) == 0, phones: r.IntN(3) == 0,
		size: 0.17 * min(float64(h), 1.15*float64(w)),
		sway: 0.05 + 0.05*r.Float64(), bob: 0.02 + 0.02*r.Float64(),
		phase: 2 * math.Pi * r.Float64(), blinks: 2.6 + 2*r.Float64(), singer: s,
	}
	if s.Voice == Tenor || s.Voice == Bass {
		p.style = []int{0, 0, 3, 1}[p.style]
		p.beard = r.IntN(2) == 0
	}
	p.lips = p.skin.mix(rgb{176, 56, 66}, 0.55)
	p.paintWall(r, pal)
	return p
}

// paintWall draws a gradient, a few soft lights, and darker corners.
func (p *portrait) paintWall(r *rand.Rand, pal [3]rgb) {
	c := p.still
	type light struct{ x, y, r, a float64 }
	var lights []light
	for range 7 {
		lights = append(lights, light{r.Float64() * c.width(), r.Float64() * c.height() * 0.8, (0.05 + 0.16*r.Float64()) * c.height(), 0.05 + 0.1*r.Float64()})
	}
	c.paint(func(x, y float64) rgb {
		v := pal[0].mix(pal[1], y/c.height())
		for _, l := range lights {
			d := math.Hypot(x-l.x, y-l.y)
			v = v.mix(rgb{255, 250, 238}, l.a*smooth((l.r-d)/(0.25*l.r)+0.5))
		}
		dx, dy := x/c.width()-0.5, y/c.height()-0.5
		return v.mix(rgb{20, 16, 28}, 0.55*(dx*dx+dy*dy))
	})
}

// mouth is how wide open the singer's mouth is at song time t, 0..1, and how broad.
func (s *Singer) mouth(t float64) (open, broad float64) {
	opens := map[byte]float64{'a': 1, 'o': 0.78, 'e': 0.55, 'u': 0.4, 'i': 0.35}
	broads := map[byte]float64{'a': 0.6, 'o': 0.1, 'e': 0.8, 'u': -0.35, 'i': 1}
	for k := range s.Notes {
		n := s.Notes[k]
		if t < n.Start-0.1 || t > n.End+0.12 {
			continue
		}
		e := smooth((t-n.Start+0.1)/0.12) * smooth((n.End+0.12-t)/0.14)
		if e*opens[n.Vowel] > open {
			open, broad = e*opens[n.Vowel], e*broads[n.Vowel]
		}
	}
	return open, broad
}

// draw paints the singer at song time t.
func (p *portrait) draw(c *canvas, t float64) {
	c.copyFrom(p.still)
	s := p.size
	beat := 2 * math.Pi * (t - leadIn) / beatSeconds
	cx := c.width()/2 + p.sway*s*math.Sin(beat/4+p.phase)
	cy := c.height()*0.45 + p.bob*s*math.Sin(beat/2+p.phase)
	breathe := 0.02 * s * math.Sin(2*math.Pi*t/3.6+p.phase)
	open, broad := p.singer.mouth(t)
	cy -= 0.04 * s * open

	p.drawBehind(c, cx, cy, s)
	p.drawBody(c, c.width()/2+0.3*(cx-c.width()/2), cx, cy, s, breathe)
	p.drawHead(c, cx, cy, s)
	p.drawFace(c, cx, cy, s, t, open, broad)
}

// drawBehind paints what the head covers: long hair, a bun, the band of headphones.
func (p *portrait) drawBehind(c *canvas, x, y, s float64) {
	if p.phones {
		c.ellipse(x, y-0.25*s, 1.12*s, 1.22*s, rgb{40, 42, 48}, 1)
	}
	switch p.style {
	case 1: // long
		c.ellipse(x, y+0.45*s, 1.1*s, 1.5*s, p.hair.mix(rgb{0, 0, 0}, 0.2), 1)
	case 2: // bun
		c.ellipse(x, y-1.42*s, 0.42*s, 0.4*s, p.hair, 1)
	}
}

func (p *portrait) drawBody(c *canvas, x, headX, headY, s, breathe float64) {
	dark := p.shirt.mix(rgb{0, 0, 0}, 0.25)
	top := headY + 1.35*s - breathe
	c.ellipse(x, top+1.9*s, 2.25*s, 1.95*s, dark, 1)
	c.ellipse(x, top+1.95*s, 2.15*s, 1.9*s, p.shirt, 1)
	// A round collar: rim, then the neck standing in it.
	neck := p.skin.mix(rgb{60, 20, 20}, 0.2)
	c.ellipse(x, top+0.2*s, 0.6*s, 0.22*s, dark, 1)
	c.ellipse(x, top+0.14*s, 0.5*s, 0.19*s, neck, 1)
	c.trapezoid((x+headX)/2, headY+0.7*s, 0.74*s, top+0.16*s, 0.8*s, neck, 1)
	c.ellipsePart((x+headX)/2, headY+0.72*s, 0.62*s, 0.62*s, headY+0.9*s, top+0.1*s, p.skin.mix(rgb{60, 20, 20}, 0.36), 0.5)
}

func (p *portrait) drawHead(c *canvas, x, y, s float64) {
	ear := p.skin.mix(rgb{120, 40, 30}, 0.16)
	c.ellipse(x-0.83*s, y+0.12*s, 0.16*s, 0.26*s, ear, 1)
	c.ellipse(x+0.83*s, y+0.12*s, 0.16*s, 0.26*s, ear, 1)
	high := 1.0
	if p.style == 3 { // cropped
		high = 0.93
	}
	c.ellipse(x, y-0.2*s, 0.93*s*high, 1.12*s*high, p.hair, 1)
	c.ellipse(x, y+0.13*s, 0.8*s, 1.02*s, p.skin, 1)
	// Light from the left: a shade on the other side, hair over the brow.
	c.ellipsePart(x+0.1*s, y+0.2*s, 0.7*s, 0.93*s, y-s, y+2*s, p.skin.mix(rgb{90, 30, 30}, 0.1), 0.35)
	c.ellipse(x-0.1*s, y+0.1*s, 0.66*s, 0.9*s, p.skin, 0.75)
	if p.beard {
		// The lower face in hair, then the cheeks and the mouth out of it.
		c.ellipsePart(x, y+0.16*s, 0.81*s, 1.01*s, y+0.12*s, y+2*s, p.hair, 0.9)
		c.ellipse(x, y+0.06*s, 0.69*s, 0.5*s, p.skin, 1)
		c.ellipse(x, y+0.56*s, 0.4*s, 0.13*s, p.skin, 0.5)
	}
	if p.style != 3 {
		c.ellipse(x-0.2*s, y-0.8*s, 0.56*s, 0.34*s, p.hair, 1)
		c.ellipse(x+0.3*s, y-0.8*s, 0.44*s, 0.3*s, p.hair, 1)
	}
	if p.phones {
		for _, side := range []float64{-1, 1} {
			c.ellipse(x+side*0.93*s, y+0.1*s, 0.2*s, 0.36*s, rgb{36, 38, 44}, 1)
			c.ellipse(x+side*0.97*s, y+0.1*s, 0.11*s, 0.24*s, p.shirt, 1)
		}
	}
}

func (p *portrait) drawFace(c *canvas, x, y, s, t, open, broad float64) {
	line := p.hair.mix(rgb{30, 20, 20}, 0.5)
	// A blink lasts 0.16 s.
	lid := 1.0
	if d := math.Mod(t+p.phase*3+20, p.blinks); d < 0.16 {
		lid = math.Abs(d-0.08)/0.08*0.9 + 0.1
	}
	if p.glasses {
		c.rect(x-0.1*s, y-0.06*s, x+0.1*s, y-0.02*s, rgb{44, 42, 48}, 1)
		for _, side := range []float64{-1, 1} {
			c.ellipse(x+side*0.33*s, y, 0.26*s, 0.23*s, rgb{44, 42, 48}, 1)
			c.ellipse(x+side*0.33*s, y, 0.225*s, 0.195*s, p.skin.mix(rgb{255, 255, 255}, 0.25), 1)
		}
	}
	for _, side := range []float64{-1, 1} {
		ex, ey := x+side*0.33*s, y-0.02*s
		c.ellipse(ex, ey, 0.15*s, 0.105*s*lid, rgb{248, 246, 242}, 1)
		c.ellipse(ex+0.01*s, ey, 0.075*s, 0.085*s*lid, rgb{58, 52, 60}, 1)
		c.ellipse(ex-0.02*s, ey-0.03*s, 0.022*s, 0.022*s*lid, rgb{255, 255, 255}, 1)
		c.ellipsePart(ex, ey, 0.16*s, 0.12*s*max(lid, 0.25), ey-s, ey-0.06*s*lid, line, 0.85)
		brow := y - 0.27*s - 0.05*s*open
		c.ellipsePart(ex+side*0.01*s, brow+0.05*s, 0.2*s, 0.09*s, brow-0.1*s, brow+0.01*s, line, 0.9)
		c.ellipse(x+side*0.45*s, y+0.32*s, 0.17*s, 0.12*s, rgb{222, 96, 88}, 0.16)
	}
	c.ellipse(x+0.02*s, y+0.27*s, 0.1*s, 0.07*s, p.skin.mix(rgb{120, 40, 30}, 0.25), 0.8)
	c.ellipse(x, y+0.22*s, 0.075*s, 0.08*s, p.skin, 0.8)
	mw, mh, my := (0.25+0.09*broad-0.02*open)*s, (0.025+0.25*open)*s, y+(0.58+0.09*open)*s
	c.ellipse(x, my, mw+0.05*s, mh+0.05*s, p.lips, 1)
	c.ellipse(x, my, mw, mh, rgb{78, 22, 30}, 1)
	if open > 0.15 {
		c.ellipsePart(x, my, 0.86*mw, 0.92*mh, my-mh, my-0.5*mh, rgb{246, 242, 236}, 1)
		c.ellipsePart(x, my+0.75*mh, 0.7*mw, 0.5*mh, my+0.3*mh, my+0.93*mh, rgb{196, 92, 96}, 1)
	}
}
