package align

import (
	"math"

	"github.com/choirless/render/media"
)

// weights of the features in the combined curve.
var curveWeight = map[string]float32{"o": .5, "B": 1, "PD": 1, "Q": .4, "env": .3}

type analysis struct {
	m     int
	c     map[string][]float32
	segB  [][]float32
	segP  [][]float32
	total []float32
	k0    int
	off   float64 // ms
	f     []float64
	p     float64
}

func hp(s [][]float32, width int) [][]float32 {
	o := make([][]float32, len(s))
	for i := range s {
		o[i] = detrend(s[i], width)
	}
	return o
}

type prepared struct {
	f                  *Features
	o, B, PD, Q, env   [][]float32
	eo, eB, eP, eQ, ev []float64
}

func prepare(f *Features) *prepared {
	p := &prepared{f: f}
	on := f.onset.curves()
	sum := make([]float32, f.onset.len())
	for _, c := range on {
		for i, v := range c {
			sum[i] += v
		}
	}
	p.o = hp([][]float32{sum}, 150)
	p.B = hp(on, 150)
	p.PD = hp(f.pitch.curves(), 100)
	p.Q = hp(f.chord.curves(), 150)
	p.env = hp(f.loud.curves(), 1000)
	p.eo, p.eB, p.eP, p.eQ, p.ev = energies(p.o), energies(p.B), energies(p.PD), energies(p.Q), energies(p.env)
	return p
}

func total(cs [][]float32) []float32 {
	t := make([]float32, len(cs[0]))
	for _, c := range cs {
		for i, v := range c {
			t[i] += v
		}
	}
	return t
}

func analyse(a, b *prepared, reach float64) *analysis {
	m := int(reach * frameRate)
	m -= m % 4
	block := 4096 - 2*m
	an := &analysis{m: m, c: map[string][]float32{}}
	n := 2*m + 1
	an.segB = blockCurves(a.B, b.B, m, block)
	an.segP = blockCurves(a.PD, b.PD, m/2, block/2)
	an.c["o"] = normalise(total(blockCurves(a.o, b.o, m, block)), a.eo, b.eo)
	an.c["B"] = normalise(total(an.segB), a.eB, b.eB)
	an.c["PD"] = stretch(normalise(total(an.segP), a.eP, b.eP), 2, n)
	an.c["Q"] = stretch(normalise(total(blockCurves(a.Q, b.Q, m/4, block/4)), a.eQ, b.eQ), 4, n)
	an.c["env"] = normalise(total(blockCurves(a.env, b.env, m, block)), a.ev, b.ev)
	t := make([]float32, n)
	for k, w := range curveWeight {
		for i, v := range robust(an.c[k]) {
			t[i] += w * min(max(v, -3), 12)
		}
	}
	an.total = smooth(t, 5)
	an.k0 = argmax(an.total)
	sb, sp := float32(deviation(an.c["B"])), float32(deviation(an.c["PD"]))
	u := make([]float32, n)
	for i := range u {
		u[i] = an.c["B"][i]/sb + an.c["PD"][i]/sp
	}
	u = smooth(u, 6)
	lo, hi := max(0, an.k0-16), min(n, an.k0+17)
	k := lo + argmax(u[lo:hi])
	an.off = (vertex(u, k) - float64(m)) * 5
	an.confidence()
	return an
}

func (an *analysis) confidence() {
	t, k0 := an.total, an.k0
	var rest []float32
	for i, v := range t {
		if i < k0-40 || i > k0+40 {
			rest = append(rest, v)
		}
	}
	s := deviation(rest)
	mx := rest[argmax(rest)]
	z, margin := float64(t[k0])/s, float64(t[k0]-mx)/s
	agree := 0.0
	for k := range curveWeight {
		v := robust(an.c[k])
		lo, hi := max(0, k0-14), min(len(v), k0+15)
		agree += min(max((float64(v[lo+argmax(v[lo:hi])])-1.5)/2.5, 0), 1)
	}
	an.f = []float64{1, margin, z, agree}
	w := []float64{-7.688518, 0.349744, 0.299051, 0.799545}
	x := 5.0
	for i := range w {
		x += w[i] * an.f[i]
	}
	an.p = 1 / (1 + math.Exp(-x))
}

// Pair places part against ref. It never fails for want of agreement: then the
// confidence is low and NeedsReview is set.
func Pair(ref, part *Features, o Options) (Result, error) {
	an := analyse(prepare(ref), prepare(part), 4)
	r := Result{Offset: media.OffsetMS(an.off), Confidence: an.p, Method: MethodFeatures, NeedsReview: an.p < 0.5}
	return r, nil
}
