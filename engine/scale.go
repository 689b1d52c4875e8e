package engine

// The generator of the fast scaler's shaders and weight tables.
//
// A pass makes a group of results per fragment (4 rows, or 8 columns). The taps
// of a group are the same for every fragment but for their weights, up to a
// shift of one: relative to the group's first tap, result r begins at
// floor(r*step) or one later, and has a fixed number of taps. That gives one
// list of (source sample, result) pairs per step, whatever the phase, the crop
// or the position: the program's text depends on step alone, and luma and
// chroma of a 4:2:0 source share it. Pairs not used by a group have weight 0.
//
// Edge taps are folded into the edge sample by axis.filter, which lies inside
// the pattern as long as the window touches the source; fetches outside the
// source get weight 0.
//
// Weights are 16-bit signed integers, weightOne being 1.0. Their rounding error
// is below 1/100 level, so nothing cleverer than rounding is needed.

import (
	"fmt"
	"math"
	"strings"
)

const (
	vRows = 4 // result rows per fragment of the vertical pass
	hCols = 8 // result columns per fragment of the horizontal pass
	hRows = 8 // result rows per fragment of the horizontal pass

	weightOne = 1 << 14

	// Between the passes a sample v of 0..255, or a little more on both sides
	// as the kernel overshoots by an eighth at most, is stored as
	// (v + midBias) * midScale, which fits 16 bits.
	midBias  = 32
	midScale = 204
)

// maxPairs bounds the length of a program: above it, the plain variant draws.
// It is reached when shrinking by about 12.
const maxPairs = 448

// pattern is the taps of a group of results: result r uses samples
// first[r]..last[r], counted from the group's base.
type pattern struct {
	step        float64
	first, last []int
	// align rounds a group's base down to a multiple of it.
	align int
}

func newPattern(step float64, results, align int) pattern {
	p := pattern{step: step, align: align}
	taps := int(math.Ceil(2*kernelRadius*math.Max(1, step) - 1e-9))
	for r := range results {
		at := int(math.Floor(float64(r)*step + 1e-9))
		p.first = append(p.first, at)
		// One for the phase of this result against the first, and what
		// rounding the base down can add.
		last := at + taps + align - 1
		if r == 0 || step == math.Trunc(step) {
			last-- // always in phase
		}
		p.last = append(p.last, last)
	}
	return p
}

// size returns how many source samples a group sees.
func (p pattern) size() int {
	n := p.last[len(p.last)-1] + 1
	return (n + p.align - 1) / p.align * p.align
}

// pairs counts the weights of a group.
func (p pattern) pairs() int {
	n := 0
	for r := range p.first {
		n += p.last[r] - p.first[r] + 1
	}
	return n
}

// texels returns the width of the weight table: a word for the base, two
// weights per word after it, four words per texel.
func (p pattern) texels() int { return (1 + (p.pairs()+1)/2 + 3) / 4 }

// index returns which weight the pair is, by sample then result.
func (p pattern) index() map[[2]int]int {
	m := map[[2]int]int{}
	for k := range p.size() {
		for r := range p.first {
			if k >= p.first[r] && k <= p.last[r] {
				m[[2]int{k, r}] = len(m)
			}
		}
	}
	return m
}

// table fills the weight table of an axis: a row of texels()*4 words per group.
// It fails if a weight falls outside the pattern.
func (p pattern) table(a axis) ([]uint32, error) {
	f := a.filter()
	n := len(p.first)
	index := p.index()
	groups := (a.Out + n - 1) / n
	words := p.texels() * 4
	out := make([]uint32, groups*words)
	for g := range groups {
		row := out[g*words : (g+1)*words]
		first, _ := a.span(g * n)
		base := floorDiv(first, p.align) * p.align
		row[0] = uint32(int32(base / p.align))
		for r := range min(n, a.Out-g*n) {
			i := g*n + r
			for k, w := range quantise(f.Weights[i*f.Taps : (i+1)*f.Taps]) {
				if w == 0 {
					continue
				}
				at, ok := index[[2]int{f.Base[i] + k - base, r}]
				if !ok {
					return nil, fmt.Errorf("result %d needs sample %d, outside the pattern of step %g", i, f.Base[i]+k, a.Step)
				}
				row[1+at/2] |= uint32(uint16(int16(w))) << (16 * (at % 2))
			}
		}
	}
	return out, nil
}

// quantise rounds weights to integers that add up to weightOne exactly, so that
// a flat picture stays flat: the largest takes the difference.
func quantise(w []float64) []int {
	q := make([]int, len(w))
	sum, top := 0, 0
	for k, v := range w {
		q[k] = int(math.Round(v * weightOne))
		sum += q[k]
		if q[k] > q[top] {
			top = k
		}
	}
	q[top] += weightOne - sum
	return q
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// weights writes the fetches of the table and returns the expression of weight i.
func (p pattern) weights(b *strings.Builder) func(i int) string {
	for t := range p.texels() {
		fmt.Fprintf(b, "    uvec4 l%d = FETCH(lut, group * %d + %d);\n", t, p.texels(), t)
	}
	return func(i int) string {
		word := 1 + i/2
		return fmt.Sprintf("%s(l%d.%c)", [2]string{"low", "high"}[i%2], word/4, "xyzw"[word%4])
	}
}

// taps writes the weights that sample k has as variables and calls mac for
// every result that uses it.
func (p pattern) taps(b *strings.Builder, k int, index map[[2]int]int, mac func(r int, w string)) {
	for r := range p.first {
		if i, ok := index[[2]int{k, r}]; ok {
			mac(r, fmt.Sprintf("w%d", i))
		}
	}
}

// verticalSource writes the body of the vertical pass, for as many of the 8
// layers as there are targets, share of them in turn.
func verticalSource(p pattern, targets, share int) string {
	var b strings.Builder
	index := p.index()
	b.WriteString("void main() {\n    ivec2 p = ivec2(gl_FragCoord.xy) - origin;\n    int group = p.y;\n")
	weight := p.weights(&b)
	b.WriteString("    int at = plane.x + int(l0.x) * plane.y + p.x;\n")
	for k := range p.size() {
		fmt.Fprintf(&b, "    uvec4 q%d = SOURCE(at + %d * plane.y);\n", k, k)
	}
	for i := range p.pairs() {
		fmt.Fprintf(&b, "    float w%d = %s;\n", i, weight(i))
	}
	scale := float64(midScale) / weightOne
	for word := range targets / 2 {
		c := share*targets/2 + word
		fmt.Fprintf(&b, "    { // columns %d to %d\n    vec4 s", 4*c, 4*c+3)
		for r := range vRows {
			fmt.Fprintf(&b, ", a%d = vec4(%.9f)", r, (midBias*midScale+0.5)/scale)
		}
		b.WriteString(";\n")
		for k := range p.size() {
			fmt.Fprintf(&b, "    s = bytes(q%d.%c);", k, "xyzw"[c])
			p.taps(&b, k, index, func(r int, w string) { fmt.Fprintf(&b, " a%d += s * %s;", r, w) })
			b.WriteString("\n")
		}
		for r := range vRows {
			fmt.Fprintf(&b, "    a%d *= %.12f;\n", r, scale)
		}
		for j := range 2 {
			x, y := "xyzw"[2*j], "xyzw"[2*j+1]
			fmt.Fprintf(&b, "    o%d = uvec4(pair(a0.%c, a1.%c), pair(a2.%c, a3.%c), pair(a0.%c, a1.%c), pair(a2.%c, a3.%c));\n",
				2*word+j, x, x, x, x, y, y, y, y)
		}
		b.WriteString("    }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// horizontalSource writes the body of the horizontal pass, for as many of the 8
// rows as there are targets, share of them in turn.
func horizontalSource(p pattern, targets, share int) string {
	var b strings.Builder
	index := p.index()
	b.WriteString("void main() {\n    ivec2 p = ivec2(gl_FragCoord.xy) - origin;\n    int group = p.x;\n")
	weight := p.weights(&b)
	b.WriteString("    int at = int(l0.x);\n")
	for i := range p.pairs() {
		fmt.Fprintf(&b, "    float w%d = %s;\n", i, weight(i))
	}
	for i := range targets / 4 {
		half := share*targets/4 + i
		fmt.Fprintf(&b, "    { // rows %d to %d\n    int y = from.y + 2 * p.y + %d;\n    uvec4 q; vec4 s", 4*half, 4*half+3, half)
		for c := range hCols {
			fmt.Fprintf(&b, ", a%d = vec4(%.9f)", c, (0.5-midBias)*float64(weightOne)*midScale)
		}
		b.WriteString(";\n")
		for k := range p.size() {
			if k%2 == 0 {
				fmt.Fprintf(&b, "    q = LAYER_FETCH(mid, ivec3(from.x + ((at + %d) >> 3), y, (at + %d) & 7));\n", k/2, k/2)
				b.WriteString("    s = halves(q.x, q.y);")
			} else {
				b.WriteString("    s = halves(q.z, q.w);")
			}
			p.taps(&b, k, index, func(r int, w string) { fmt.Fprintf(&b, " a%d += s * %s;", r, w) })
			b.WriteString("\n")
		}
		for c := range hCols {
			fmt.Fprintf(&b, "    a%d *= %.16f;\n", c, 1/(float64(weightOne)*midScale))
		}
		for r := range 4 {
			x := "xyzw"[r]
			fmt.Fprintf(&b, "    o%d = uvec2(samples(a0.%c, a1.%c, a2.%c, a3.%c), samples(a4.%c, a5.%c, a6.%c, a7.%c));\n",
				4*i+r, x, x, x, x, x, x, x, x)
		}
		b.WriteString("    }\n")
	}
	b.WriteString("}\n")
	return b.String()
}
