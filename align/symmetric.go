package align

import "fmt"

// symmetric is a filter that looks the same both ways and of whose taps many are
// zero: a low-pass for keeping every n-th sample is zero at every n-th tap but
// the middle one. Adding before multiplying leaves a third of the work.
type symmetric struct {
	middle uint8
	w      float32 // of the middle tap
	sides  []sides
}

// sides are two taps equally far from the middle, and their weight.
type sides struct {
	lo, hi uint8
	w      float32
}

// symmetricMost is how many taps a symmetric may have: with indexes masked to
// what is below, the inner loops need no bounds checks.
const symmetricMost = 64

// newSymmetric takes an odd number of taps, the middle one in the middle.
func newSymmetric(w []float32) *symmetric {
	if len(w) > symmetricMost || len(w)%2 == 0 {
		panic(fmt.Sprintf("align: %d taps, want an odd number below %d", len(w), symmetricMost))
	}
	m := len(w) / 2
	f := &symmetric{middle: uint8(m), w: w[m]}
	for d := 1; d <= m; d++ {
		if v := w[m+d]; v > 1e-7 || v < -1e-7 {
			f.sides = append(f.sides, sides{uint8(m - d), uint8(m + d), v})
		}
	}
	return f
}

// one returns the output whose first input is x[0], to the last bit as four2 and
// four3 do.
func (f *symmetric) one(x []float32) float32 {
	p := f.w * x[f.middle]
	for _, t := range f.sides {
		p += t.w * (x[t.lo] + x[t.hi])
	}
	return p
}

// four2 returns the outputs whose first inputs are x[0], x[2], x[4] and x[6].
func (f *symmetric) four2(x *[symmetricMost + 6]float32) (p, q, r, s float32) {
	m := int(f.middle & 63)
	p, q, r, s = f.w*x[m], f.w*x[m+2], f.w*x[m+4], f.w*x[m+6]
	for _, t := range f.sides {
		a, b := int(t.lo&63), int(t.hi&63)
		p += t.w * (x[a] + x[b])
		q += t.w * (x[a+2] + x[b+2])
		r += t.w * (x[a+4] + x[b+4])
		s += t.w * (x[a+6] + x[b+6])
	}
	return p, q, r, s
}

// four3 returns the outputs whose first inputs are x[0], x[3], x[6] and x[9].
func (f *symmetric) four3(x *[symmetricMost + 9]float32) (p, q, r, s float32) {
	m := int(f.middle & 63)
	p, q, r, s = f.w*x[m], f.w*x[m+3], f.w*x[m+6], f.w*x[m+9]
	for _, t := range f.sides {
		a, b := int(t.lo&63), int(t.hi&63)
		p += t.w * (x[a] + x[b])
		q += t.w * (x[a+3] + x[b+3])
		r += t.w * (x[a+6] + x[b+6])
		s += t.w * (x[a+9] + x[b+9])
	}
	return p, q, r, s
}
