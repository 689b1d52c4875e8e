package mix

import "math"

// Arithmetic that gives the same bits on every machine. Addition, product,
// quotient and square root are exact by IEEE 754, but Go may fuse a product and
// a sum into one rounding where the processor can (arm64, GOAMD64=v3), and
// math.Exp is assembly on some machines. Rooms are made from parameters and a
// seed on whatever node happens to run, so they use these instead: explicit
// conversions, which forbid fusing, and power series.

func mul(a, b float64) float64 { return float64(a * b) }

// exactExp returns e^x for |x| < 700.
func exactExp(x float64) float64 {
	n := math.Floor(mul(x, 1/math.Ln2) + 0.5)
	r := x - mul(n, math.Ln2)
	sum, term := 1.0, 1.0
	for k := 1.0; k < 20; k++ {
		term = mul(term, r) / k
		sum += term
	}
	return math.Ldexp(sum, int(n))
}

// exactSincos returns sine and cosine for 0 ≤ x ≤ π.
func exactSincos(x float64) (sin, cos float64) {
	x2 := mul(x, x)
	sin, cos = x, 1
	ts, tc := x, 1.0
	for k := 1.0; k < 16; k++ {
		tc = -mul(tc, x2) / mul(2*k-1, 2*k)
		ts = -mul(ts, x2) / mul(2*k, 2*k+1)
		cos += tc
		sin += ts
	}
	return sin, cos
}

// noiseGen is a source of noise by integer arithmetic: splitmix64 (G. L. Steele,
// D. Lea, C. H. Flood, OOPSLA 2014).
type noiseGen uint64

// normal returns a value of mean 0 and variance 1 that is nearly Gaussian: the
// sum of eight uniform ones of 16 bits, exact in float64.
func (g *noiseGen) normal() float64 {
	sum := int64(0)
	for range 2 {
		*g += 0x9e3779b97f4a7c15
		z := uint64(*g)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		sum += int64(z&0xffff) + int64(z>>16&0xffff) + int64(z>>32&0xffff) + int64(z>>48)
	}
	// Eight uniform values of 0..65535: mean 8·32767.5, variance 8·65536²/12.
	return float64(2*sum-8*65535) * (1 / (2 * 65536 * 0.816496580927726))
}
