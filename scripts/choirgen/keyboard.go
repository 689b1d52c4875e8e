package main

// keyboard is the backing's picture: a keyboard from above, its keys sinking as they
// are played, and the notes to come falling towards them.
type keyboard struct {
	still *canvas
	notes [4][]Note
}

// fall is how long a note can be seen before it sounds, in seconds.
const fall = 2.4

const lowKey, highKey = 36, 84

var voiceColors = [4]rgb{{240, 120, 96}, {244, 188, 90}, {96, 186, 158}, {98, 142, 214}}

func newKeyboard(w, h int, end float64) *keyboard {
	k := &keyboard{still: newCanvas(w, h)}
	for v := range k.notes {
		k.notes[v] = line(Voice(v), end)
	}
	top, bottom := rgb{30, 32, 46}, rgb{56, 50, 74}
	k.still.paint(func(x, y float64) rgb { return top.mix(bottom, y/float64(h)) })
	return k
}

func blackKey(pitch int) bool {
	switch pitch % 12 {
	case 1, 3, 6, 8, 10:
		return true
	}
	return false
}

// keyX returns the left edge and width of a key.
func keyX(c *canvas, pitch int) (x, w float64) {
	white := 0
	for p := lowKey; p < pitch; p++ {
		if !blackKey(p) {
			white++
		}
	}
	const whites = 29
	w = c.width() / whites
	x = float64(white) * w
	if blackKey(pitch) {
		return x - 0.3*w, 0.6 * w
	}
	return x, w
}

func (k *keyboard) draw(c *canvas, t float64) {
	c.copyFrom(k.still)
	top := 0.68 * c.height()
	down := map[int]rgb{}
	for v, notes := range k.notes {
		for _, n := range notes {
			y1 := top - (n.Start-t)/fall*top
			y0 := top - (n.End-t)/fall*top
			if y1 < 0 || y0 > top {
				continue
			}
			x, w := keyX(c, n.Pitch)
			c.rect(x+0.08*w, max(0, y0), x+0.92*w, min(top, y1), voiceColors[v], 0.9)
			if t >= n.Start && t < n.End {
				down[n.Pitch] = voiceColors[v]
			}
		}
	}
	c.rect(0, top, c.width(), top+0.012*c.height(), rgb{150, 60, 62}, 1)
	for _, black := range []bool{false, true} {
		for p := lowKey; p <= highKey; p++ {
			if blackKey(p) == black {
				k.key(c, p, top+0.012*c.height(), down)
			}
		}
	}
}

func (k *keyboard) key(c *canvas, pitch int, top float64, down map[int]rgb) {
	x, w := keyX(c, pitch)
	color, length := rgb{238, 236, 230}, c.height()-top
	if blackKey(pitch) {
		color, length = rgb{26, 26, 30}, 0.6*(c.height()-top)
	}
	if d, ok := down[pitch]; ok {
		color = color.mix(d, 0.75)
	}
	c.rect(x, top, x+w, top+length, rgb{90, 88, 92}, 1)
	c.rect(x+0.04*w, top, x+0.96*w, top+length-0.01*c.height(), color, 1)
}
