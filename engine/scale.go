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
// In the vertical pass a 32-bit word holds two samples, 16 bits for each, which
// are multiplied and added together: half the work, but 16 bits for a sum leave
// few for the weights. 1/196 a weight costs less than rounding the result does where
// there are few taps; where there are many, from a step of 1.75 on, taps of even and
// of odd place make two sums, each about half, with weights twice as fine. (Just
// below, zone plates lose 0.7 dB to swscale, other pictures nothing.) That holds as long as no tap has more than about half of the weight, so
// the edges are not folded here: the source has its first and last row repeated
// above and below. The horizontal pass starts from 16 bits and takes floats; its
// edge taps are folded onto the edge sample by axis.filter, which lies inside the
// pattern as long as the window touches the source.

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	vRows = 4 // result rows per fragment of the vertical pass
	hCols = 8 // result columns per fragment of the horizontal pass
	hRows = 8 // result rows per fragment of the horizontal pass

	// Between the passes a sample v of 0..255, or a little more on both sides as
	// the kernel overshoots by an eighth, is stored as v*midOne + midBias, which
	// fits 16 bits.
	midOne  = 196
	midBias = 30 * 255

	// halvesFrom is the step from which the vertical pass adds up two halves.
	halvesFrom = 1.75
)

// weightCode is how the weights of a pass are written.
type weightCode struct {
	one   int  // stands for 1.0
	bits  uint // of a weight, which has a sign
	parts int  // sums that the taps of a result are spread over, in turn
}

// perWord is how many weights a word holds.
func (c weightCode) perWord() int { return int(32 / c.bits) }

// put writes weight i, where nothing is yet.
func (c weightCode) put(words []uint32, i, w int) {
	words[i/c.perWord()] |= uint32(w) & (1<<c.bits - 1) << (c.bits * uint(i%c.perWord()))
}

// get is the expression of weight i in a word.
func (c weightCode) get(word string, i int) string {
	unused := 32 - c.bits
	return fmt.Sprintf("(int(%s << %d) >> %d)", word, unused-c.bits*uint(i%c.perWord()), unused)
}

// fits reports whether the sums of 8-bit samples with these weights stay in 16
// bits.
func (c weightCode) fits(weights []int) bool {
	for part := range c.parts {
		above, below := 0, 0
		for k := part; k < len(weights); k += c.parts {
			above += max(weights[k], 0)
			below -= min(weights[k], 0)
		}
		if 255*below > midBias || 255*above+midBias > math.MaxUint16 {
			return false
		}
	}
	return true
}

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
	code  weightCode
	// folds: taps beyond an edge are folded onto it.
	folds bool
}

// verticalPattern is that of the vertical pass.
func verticalPattern(step float64) pattern {
	p := pattern{step: step, align: 1, code: weightCode{one: midOne, bits: 10, parts: 1}}
	if step >= halvesFrom {
		p.code.one, p.code.parts = 2*midOne, 2
	}
	return p.spread(vRows)
}

// horizontalPattern is that of the horizontal pass, which fetches two columns at
// a time.
func horizontalPattern(step float64) pattern {
	p := pattern{step: step, align: 2, code: weightCode{one: 1 << 14, bits: 16, parts: 1}, folds: true}
	return p.spread(hCols)
}

// spread lays out the taps of a number of results.
func (p pattern) spread(results int) pattern {
	step, align := p.step, p.align
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

// texels returns the width of the weight table: a word for the base, then the
// weights, four words per texel.
func (p pattern) texels() int { return ceilDiv(1+ceilDiv(p.pairs(), p.code.perWord()), 4) }

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
// It fails if a weight falls outside the pattern, or a sum out of its 16 bits.
func (p pattern) table(a axis) ([]uint32, error) {
	var f filter
	if p.folds {
		f = a.filter()
	}
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
			var from int
			var weights []float64
			if p.folds {
				from, weights = f.Base[i], f.Weights[i*f.Taps:(i+1)*f.Taps]
			} else {
				from, weights = a.taps(i)
			}
			q := quantise(weights, p.code.one, a.stretch())
			if !p.folds && !p.code.fits(q) {
				return nil, fmt.Errorf("result %d at step %g: the sum of its samples leaves 16 bits", i, a.Step)
			}
			for k, w := range q {
				if w == 0 {
					continue
				}
				at, ok := index[[2]int{from + k - base, r}]
				if !ok {
					return nil, fmt.Errorf("result %d needs sample %d, outside the pattern of step %g", i, from+k, a.Step)
				}
				p.code.put(row[1:], at, w)
			}
		}
	}
	return out, nil
}

// quantise rounds weights to integers that add up to one exactly, so that a flat
// picture stays flat. Of the integers on either side it takes those that also
// keep the centre of the weights, so that slopes stay where they are, and their
// spread; stretch is that of the kernel, in samples.
func quantise(w []float64, one int, stretch float64) []int {
	q := make([]int, len(w))
	e := make([]float64, len(w)) // what rounding added
	x := make([]float64, len(w)) // place from the middle, in kernel units
	over := -one
	for k, v := range w {
		v *= float64(one)
		q[k] = int(math.Round(v))
		e[k] = float64(q[k]) - v
		x[k] = (float64(k) - float64(len(w)-1)/2) / stretch
		over += q[k]
	}
	move := func(k, by int) { q[k] += by; e[k] += float64(by) }
	for ; over > 0; over-- {
		move(argMax(e), -1)
	}
	for ; over < 0; over++ {
		move(argMin(e), 1)
	}
	cost := func() float64 {
		var e0, e1, e2 float64
		for k, v := range e {
			e0 += v * v
			e1 += v * x[k]
			e2 += v * x[k] * x[k]
		}
		return e0 + 8*e1*e1 + 2*e2*e2
	}
	for least := cost(); ; { // one unit from here to there, while it helps
		from, to := -1, -1
		for i := range e {
			for j := range e {
				if e[i] > 0 || e[j] < 0 || i == j {
					continue
				}
				move(i, 1)
				move(j, -1)
				if c := cost(); c < least-1e-9 {
					least, to, from = c, i, j
				}
				move(i, -1)
				move(j, 1)
			}
		}
		if to < 0 {
			return q
		}
		move(to, 1)
		move(from, -1)
	}
}

func argMax(v []float64) int { return slices.Index(v, slices.Max(v)) }

func argMin(v []float64) int { return slices.Index(v, slices.Min(v)) }

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
		word := 1 + i/p.code.perWord()
		return p.code.get(fmt.Sprintf("l%d.%c", word/4, "xyzw"[word%4]), i)
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
		fmt.Fprintf(&b, "    uint w%d = uint%s;\n", i, weight(i))
	}
	for word := range targets / 2 {
		c := share*targets/2 + word
		fmt.Fprintf(&b, "    { // columns %d to %d\n    uvec2 s", 4*c, 4*c+3)
		for r := range vRows {
			for part := range p.code.parts {
				fmt.Fprintf(&b, ", %s = uvec2(%#xu)", sum(r, part), midBias<<16|midBias)
			}
		}
		b.WriteString(";\n")
		for k := range p.size() {
			fmt.Fprintf(&b, "    s = pairs(q%d.%c);", k, "xyzw"[c])
			p.taps(&b, k, index, func(r int, w string) {
				fmt.Fprintf(&b, " %s += s * %s;", sum(r, k%p.code.parts), w)
			})
			b.WriteString("\n")
		}
		if p.code.parts == 2 {
			for r := range vRows {
				fmt.Fprintf(&b, "    %s = mean(%[1]s, %s);\n", sum(r, 0), sum(r, 1))
			}
		}
		for j := range 2 {
			f := [2]string{"firsts", "seconds"}[j]
			fmt.Fprintf(&b, "    o%d = uvec4(%s(a0.x, a1.x), %[2]s(a2.x, a3.x), %[2]s(a0.y, a1.y), %[2]s(a2.y, a3.y));\n", 2*word+j, f)
		}
		b.WriteString("    }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// sum names the sum of a part of the taps of result r.
func sum(r, part int) string { return fmt.Sprintf("%c%d", "ab"[part], r) }

// horizontalSource writes the body of the horizontal pass, for as many of the 8
// rows as there are targets, share of them in turn.
func horizontalSource(p pattern, targets, share int) string {
	var b strings.Builder
	index := p.index()
	b.WriteString("void main() {\n    ivec2 p = ivec2(gl_FragCoord.xy) - origin;\n    int group = p.x;\n")
	weight := p.weights(&b)
	b.WriteString("    int at = int(l0.x);\n")
	for i := range p.pairs() {
		fmt.Fprintf(&b, "    float w%d = float%s;\n", i, weight(i))
	}
	for i := range targets / 4 {
		half := share*targets/4 + i
		fmt.Fprintf(&b, "    { // rows %d to %d\n    int y = from.y + 2 * p.y + %d;\n    uvec4 q; vec4 s", 4*half, 4*half+3, half)
		for c := range hCols {
			fmt.Fprintf(&b, ", a%d = vec4(%.9f)", c, (0.5*midOne-midBias)*float64(p.code.one))
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
			fmt.Fprintf(&b, "    a%d *= %.16f;\n", c, 1/(float64(p.code.one)*midOne))
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
