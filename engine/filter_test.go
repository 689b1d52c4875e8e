package engine

import (
	"math"
	"math/rand"
	"testing"
)

func TestKernel(t *testing.T) {
	for x, want := range map[float64]float64{0: 1, 1: 0, -1: 0, 2: 0, 3: 0, 0.5: 0.5625, -1.5: -0.0625} {
		if got := catmullRom(x); math.Abs(got-want) > 1e-15 {
			t.Errorf("catmullRom(%g) = %g, want %g", x, got, want)
		}
	}
}

var testAxes = []axis{
	{Out: 8, In: 8, Step: 1},
	{Out: 6, In: 8, Step: 8.0 / 6, Start: 8.0/12 - 0.5},
	{Out: 3, In: 48, Step: 16, Start: 7.5},
	{Out: 40, In: 5, Step: 0.125, Start: -0.4375},
	{Out: 5, In: 2, Step: 3, Start: -4},   // reaches far out
	{Out: 4, In: 1, Step: 0.25, Start: 0}, // nothing but edge
	{Out: 7, In: 30, Step: 1.777, Start: 3.21},
}

// TestFilterMoments: weights add up to 1, and their centre of mass is the
// position where no edge is near; the kernel reproduces straight lines.
func TestFilterMoments(t *testing.T) {
	for _, a := range testAxes {
		f := a.filter()
		for i := range a.Out {
			sum, centre := 0.0, 0.0
			for k, w := range f.Weights[i*f.Taps : (i+1)*f.Taps] {
				sum += w
				centre += w * float64(f.Base[i]+k)
				if at := f.Base[i] + k; w != 0 && (at < 0 || at >= a.In) {
					t.Errorf("%+v: result %d has weight on sample %d", a, i, at)
				}
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Errorf("%+v: weights of %d add up to %g", a, i, sum)
			}
			first, last := a.span(i)
			if c := a.Step*float64(i) + a.Start; first >= 0 && last < a.In && math.Abs(centre-c) > 0.02 {
				t.Errorf("%+v: result %d is centred on %g, want %g", a, i, centre, c)
			}
		}
	}
}

func TestFilterOfACopyIsACopy(t *testing.T) {
	f := axis{Out: 8, In: 8, Step: 1}.filter()
	for i := range 8 {
		for k, w := range f.Weights[i*f.Taps : (i+1)*f.Taps] {
			want := 0.0
			if f.Base[i]+k == i {
				want = 1
			}
			if w != want {
				t.Errorf("result %d takes %g of sample %d, want %g", i, w, f.Base[i]+k, want)
			}
		}
	}
}

// TestPatternHoldsEveryWeight: the pattern of a step must have room for the
// weights of any phase.
func TestPatternHoldsEveryWeight(t *testing.T) {
	for _, step := range []float64{0.1, 0.25, 1 / 3.0, 0.5, 0.9999, 1, 1.0001, 4.0 / 3, 16.0 / 9, 2, 2.3529, 3, 4.7, 8, 11.9} {
		for phase := range 40 {
			a := axis{Out: 50, In: int(50*step) + 3, Step: step, Start: float64(phase)/20 - 1}
			for _, p := range []pattern{verticalPattern(step), horizontalPattern(step)} {
				if _, err := p.table(a); err != nil {
					t.Errorf("step %g, start %g: %v", step, a.Start, err)
				}
			}
		}
	}
}

func TestQuantiseKeepsFlatFlat(t *testing.T) {
	for _, one := range []int{midOne, 2 * midOne, 1 << 14} {
		for _, a := range testAxes {
			f := a.filter()
			for i := range a.Out {
				w := f.Weights[i*f.Taps : (i+1)*f.Taps]
				sum := 0
				for k, q := range quantise(w, one, a.stretch()) {
					sum += q
					if math.Abs(float64(q)-w[k]*float64(one)) > 1.5 {
						t.Errorf("%+v: weight %g became %d of %d", a, w[k], q, one)
					}
				}
				if sum != one {
					t.Errorf("%+v: weights of %d add up to %d, want %d", a, i, sum, one)
				}
			}
		}
	}
}

// TestQuantiseKeepsTheCentre: rounding weights one by one moves their centre, and
// with it every slope of the picture.
func TestQuantiseKeepsTheCentre(t *testing.T) {
	worst := 0.0
	for phase := range 50 {
		a := axis{Out: 1, In: 100, Step: 2.3, Start: 50 + float64(phase)/50}
		first, w := a.taps(0)
		at := 0.0
		for k, q := range quantise(w, midOne, a.stretch()) {
			at += (float64(q)/midOne - w[k]) * float64(first+k)
		}
		worst = max(worst, math.Abs(at))
	}
	if worst > 0.01 {
		t.Errorf("the centre moves by up to %.3f samples", worst)
	}
}

// TestPackedSumsFit: whatever the step and the phase, two samples of 16 bits do
// not run into each other, and the shader's weights are those of the table.
func TestPackedSumsFit(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 3000 {
		step := 0.05 * math.Pow(240, rng.Float64())
		if rng.Intn(4) == 0 {
			step = halvesFrom * (1 + (rng.Float64()-0.5)/50)
		}
		a := axis{Out: 40, In: int(40*step) + 1 + rng.Intn(3), Step: step, Start: 2*rng.Float64() - 1}
		p := verticalPattern(step)
		if _, err := p.table(a); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
	heavy := []int{2*midOne - 40, 40} // folded onto an edge
	if c := verticalPattern(2).code; c.fits(heavy) {
		t.Errorf("weights of %d in two sums: said to fit 16 bits", heavy)
	}
}
