package mix

import (
	"fmt"
	"math"
	"sync"
)

// Rooms are synthesised, not recorded: parameters and a seed give the same
// impulse response, bit for bit, on every machine, and nothing needs a licence
// or a file.
//
// Early part: image sources of a box (J. B. Allen and D. A. Berkley, JASA 65,
// 1979) up to eight reflections, heard by two microphones half a metre apart.
// Late part: noise, independent left and right, in seven octave bands that each
// decay with their own reverberation time. They are cross-faded around the
// mixing time, when echoes have become too dense to tell apart (about √V ms for
// V in m³, J.-D. Polack 1993; stretched by 1.6 here, which keeps the early
// pattern of small rooms).
//
// The direct sound is left out: the dry signal is the direct sound, and a copy
// of it a moment later would only comb it. Time 0 is its arrival.

// roomParams describes a room.
type roomParams struct {
	name     string
	size     [3]float64 // length, width, height, m
	rt60     [7]float64 // s, at 125 250 500 1k 2k 4k 8k Hz
	distance float64    // of the singers from the microphones, m
	// eq is a correction in dB per band. It makes the response neutral (level
	// from 250 Hz to 2 kHz, -1 dB at 125 Hz and 4 kHz, -5 dB at 8 kHz), so that
	// the few dozen loud reflections of a small box do not colour the choir, and
	// rooms are equally loud whatever is sung. Found by measuring; tested.
	eq   [7]float64
	seed uint64
}

var roomBands = [7]float64{125, 250, 500, 1000, 2000, 4000, 8000}

var rooms = []roomParams{
	{"studio", [3]float64{7.5, 6, 3.2}, [7]float64{.40, .36, .32, .30, .28, .26, .22}, 2.5, [7]float64{-3.1, 0.5, 0.2, -1.1, 0.2, 0.5, -2.1}, 11},
	{"room", [3]float64{5.2, 4.1, 2.7}, [7]float64{.55, .50, .45, .42, .40, .36, .30}, 2.0, [7]float64{-8.9, 1.7, -1.6, 0.1, -0.1, 0.2, -3.3}, 12},
	{"hall", [3]float64{38, 22, 15}, [7]float64{2.3, 2.2, 2.1, 2.0, 1.8, 1.5, 1.0}, 12, [7]float64{-1.1, -0.3, -0.5, 0.2, 0.5, 1.2, 0.7}, 13},
	{"church", [3]float64{55, 18, 20}, [7]float64{4.2, 4.0, 3.8, 3.4, 2.9, 2.2, 1.3}, 14, [7]float64{-1.8, -0.8, 0, 0, 0.8, 1.6, 2.1}, 14},
}

var roomCache [4]struct {
	once sync.Once
	ir   *IR
}

// Room returns the synthesised room of that name, one of RoomNames. It is made
// at the first call, which takes a fraction of a second, and kept.
func Room(name string) (*IR, error) {
	for i := range rooms {
		if rooms[i].name == name {
			c := &roomCache[i]
			c.once.Do(func() {
				l, r := rooms[i].synthesise()
				c.ir = calibrate(name, l, r)
			})
			return c.ir, nil
		}
	}
	return nil, fmt.Errorf("room %q, want one of %q", name, RoomNames())
}

// RoomNames lists the rooms, driest first.
func RoomNames() []string {
	var names []string
	for _, r := range rooms {
		names = append(names, r.name)
	}
	return names
}

func (p roomParams) synthesise() (left, right []float32) {
	const rate = 48000
	longest := 0.0
	for _, t := range p.rt60 {
		longest = max(longest, t)
	}
	n := int(mul(longest, 1.15*rate))
	volume := p.size[0] * p.size[1] * p.size[2]
	mixing := max(0.012, min(0.08, mul(math.Sqrt(volume), 0.0016)))
	early := p.early(n, mixing*1.5)
	tail := p.tail(n)
	// The tail takes over at the level that the early part has there.
	i, j := int(mixing*rate), int(mixing*1.5*rate)
	k := int(0.3 * mixing * rate)
	var e, q float64
	for c := range 2 {
		for _, v := range early[c][k:j] {
			e += mul(v, v)
		}
		for _, v := range tail[c][i:j] {
			q += mul(v, v)
		}
	}
	level := math.Sqrt(e / float64(j-k) / (q / float64(j-i)))
	out := [2][]float32{make([]float32, n), make([]float32, n)}
	fade := n / 20
	for c := range out {
		var eq [len(roomBands)]*exactBiquad
		for b, f := range roomBands {
			eq[b] = peaking(f/rate, p.eq[b])
		}
		for t := range n {
			w := max(0, min(1, (float64(t)/rate-mul(0.4, mixing))/mul(1.1, mixing)))
			v := mul(early[c][t], 1-mul(0.7, w)) + mul(mul(tail[c][t], w), level)
			for _, q := range eq {
				v = q.next(v)
			}
			out[c][t] = float32(mul(v, min(1, float64(n-1-t)/float64(fade))))
		}
	}
	return out[0], out[1]
}

// early returns the reflections that arrive within the first seconds given,
// relative to a direct sound of 1 at time 0.
func (p roomParams) early(n int, seconds float64) [2][]float64 {
	const rate, speed, order = 48000, 343.0, 6
	l := p.size
	surface := 2 * (mul(l[0], l[1]) + mul(l[1], l[2]) + mul(l[0], l[2]))
	// Sabine: what the walls must absorb for the reverberation time at 1 kHz.
	absorb := 0.161 * mul(mul(l[0], l[1]), l[2]) / mul(surface, p.rt60[3])
	reflect := math.Sqrt(max(0.05, 1-min(0.9, absorb)))
	src := [3]float64{mul(l[0], 0.3), mul(l[1], 0.5), mul(l[2], 0.45)}
	mid := [3]float64{src[0] + min(p.distance, mul(l[0], 0.45)), src[1] + mul(l[1], 0.03), src[2]}
	d0 := distance(src, mid)
	// Walls, curtains and people swallow the highest treble; without this the
	// first reflections would hiss like no room does.
	soften := 1 - exactExp(-2*math.Pi*wallHz/rate)
	var out [2][]float64
	for c := range out {
		out[c] = make([]float64, n)
		mic := mid
		mic[1] += 0.5*float64(c) - 0.25
		for ix := -order; ix <= order; ix++ {
			for iy := -order; iy <= order; iy++ {
				for iz := -order; iz <= order; iz++ {
					bounces := abs(ix) + abs(iy) + abs(iz)
					if bounces == 0 || bounces > 8 {
						continue
					}
					image := [3]float64{mirror(ix, l[0], src[0]), mirror(iy, l[1], src[1]), mirror(iz, l[2], src[2])}
					r := distance(image, mic)
					t := (r - d0) / speed
					if t < 0 || t >= seconds {
						continue
					}
					g := 0.8 * d0 / r
					for range bounces {
						g = -mul(g, reflect)
					}
					at := mul(t, rate)
					i := int(at)
					frac := at - float64(i)
					if i+1 < n {
						out[c][i] += mul(g, 1-frac)
						out[c][i+1] += mul(g, frac)
					}
				}
			}
		}
		y := 0.0
		for t, v := range out[c] {
			y += mul(soften, v-y)
			out[c][t] = y
		}
	}
	return out
}

// wallHz is the corner of what reflections lose.
const wallHz = 6000.0

// mirror returns the coordinate of the image of s in cell i of a row of boxes
// of the given length.
func mirror(i int, length, s float64) float64 {
	if i%2 != 0 {
		s = length - s
	}
	return mul(float64(i), length) + s
}

func distance(a, b [3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return math.Sqrt(mul(x, x) + mul(y, y) + mul(z, z))
}

func abs(i int) int { return max(i, -i) }

// tail returns decaying noise, RMS about 1 at time 0.
func (p roomParams) tail(n int) [2][]float64 {
	const rate = 48000
	var out [2][]float64
	for c := range out {
		out[c] = make([]float64, n)
		for b, f := range roomBands {
			gen := noiseGen(p.seed<<32 + uint64(c)<<16 + uint64(b))
			first, second, third := bandpass(f/rate), bandpass(f/rate), bandpass(f/rate)
			// White noise through an octave: its power is proportional to the
			// bandwidth, about 0.7 f.
			decay := exactExp(-3 * math.Ln10 / mul(p.rt60[b], rate))
			env := 1.0
			x := out[c]
			// The filters are run in before time 0.
			for range 4000 {
				third.next(second.next(first.next(gen.normal())))
			}
			for t := range x {
				x[t] += mul(third.next(second.next(first.next(gen.normal()))), env)
				env = mul(env, decay)
			}
		}
	}
	return out
}

// exactBiquad is a section that is computed without fusing.
type exactBiquad struct{ b0, b1, b2, a1, a2, s1, s2 float64 }

func (q *exactBiquad) next(x float64) float64 {
	y := mul(q.b0, x) + q.s1
	q.s1 = mul(q.b1, x) - mul(q.a1, y) + q.s2
	q.s2 = mul(q.b2, x) - mul(q.a2, y)
	return y
}

// bandpass is an octave-wide band-pass of unit gain at f cycles per sample
// (R. Bristow-Johnson, "Cookbook formulae", constant peak gain, Q 1). Three in a
// row are meant: a band that dies early must not be drowned in the skirt of a
// neighbour that does not.
func bandpass(f float64) *exactBiquad {
	s, c := exactSincos(2 * math.Pi * f)
	alpha := s / 2
	return &exactBiquad{b0: alpha / (1 + alpha), b2: -alpha / (1 + alpha), a1: -2 * c / (1 + alpha), a2: (1 - alpha) / (1 + alpha)}
}

// peaking raises an octave around f cycles per sample by db (same source, Q 1.4).
func peaking(f, db float64) *exactBiquad {
	s, c := exactSincos(2 * math.Pi * f)
	a := exactExp(mul(db, math.Ln10/40))
	alpha := s / 2.8
	n := 1 + alpha/a
	return &exactBiquad{
		b0: (1 + mul(alpha, a)) / n, b1: -2 * c / n, b2: (1 - mul(alpha, a)) / n,
		a1: -2 * c / n, a2: (1 - alpha/a) / n,
	}
}
