package fft

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
)

// snr returns the signal-to-error ratio in dB of got against want.
func snr(want []complex128, re, im []float32) float64 {
	var e, s float64
	for i, w := range want {
		d := w - complex(float64(re[i]), float64(im[i]))
		e += real(d)*real(d) + imag(d)*imag(d)
		s += real(w)*real(w) + imag(w)*imag(w)
	}
	return 10 * math.Log10(s/(e+1e-300))
}

func noise(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
	return x
}

// The limit: float32 has 24 bits, about 150 dB for white signals; every pass
// adds rounding noise, 12 passes about 11 dB; 128 dB leaves room for the table
// of twiddles, and a wrong twiddle costs 60 dB and more.
const wantSNR = 128

func TestForwardAgainstGonum(t *testing.T) {
	for _, n := range []int{
		1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 21, 35, 64, 105, 128, 147, 160, 320, 441, 512, 1024,
		1176, 1280, 2048, 2352, 2560, 4096, 8192, 16384, 32768, 65536,
	} {
		re, im := noise(n, 1), noise(n, 2)
		z := make([]complex128, n)
		for i := range z {
			z[i] = complex(float64(re[i]), float64(im[i]))
		}
		want := fourier.NewCmplxFFT(n).Coefficients(nil, z)
		p := New(n)
		p.Forward(re, im)
		if got := snr(want, re, im); got < wantSNR {
			t.Errorf("n %d: %.1f dB, want %d", n, got, wantSNR)
		}
		p.Inverse(re, im)
		for i := range re {
			re[i] /= float32(n)
			im[i] /= float32(n)
		}
		if got := snr(z, re, im); got < wantSNR-4 {
			t.Errorf("n %d: there and back %.1f dB, want %d", n, got, wantSNR-4)
		}
	}
}

func TestRealAgainstGonum(t *testing.T) {
	for _, n := range []int{2, 4, 6, 8, 10, 14, 16, 512, 2048, 294, 320, 8192, 32768} {
		x := noise(n, 3)
		xd := make([]float64, n)
		z := make([]complex128, n)
		for i, v := range x {
			xd[i], z[i] = float64(v), complex(float64(v), 0)
		}
		want := fourier.NewFFT(n).Coefficients(nil, xd)
		r := NewReal(n)
		re, im := make([]float32, r.Bins()), make([]float32, r.Bins())
		r.Forward(x, re, im)
		if got := snr(want, re, im); got < wantSNR {
			t.Errorf("n %d: %.1f dB, want %d", n, got, wantSNR)
		}
		y := make([]float32, n)
		r.Inverse(re, im, y)
		for i := range y {
			y[i] /= float32(n / 2)
		}
		if got := snr(z, y, make([]float32, n)); got < wantSNR-4 {
			t.Errorf("n %d: there and back %.1f dB, want %d", n, got, wantSNR-4)
		}
	}
}

func TestMulAdd(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 33} {
		yr, yi, ar, ai, br, bi := noise(n, 1), noise(n, 2), noise(n, 3), noise(n, 4), noise(n, 5), noise(n, 6)
		want := make([]complex128, n)
		for i := range want {
			c := func(r, i float32) complex128 { return complex(float64(r), float64(i)) }
			want[i] = c(yr[i], yi[i]) + c(ar[i], ai[i])*c(br[i], bi[i])
		}
		MulAdd(yr, yi, ar, ai, br, bi)
		for i, w := range want {
			if d := cmplx.Abs(w - complex(float64(yr[i]), float64(yi[i]))); d > 5e-7 {
				t.Errorf("n %d, element %d: off by %g", n, i, d)
			}
		}
	}
}

func TestNewRejects(t *testing.T) {
	for _, n := range []int{-4, 0, 11, 26} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%d) did not panic", n)
				}
			}()
			New(n)
		}()
	}
}

func BenchmarkForward(b *testing.B) {
	for _, n := range []int{512, 1024, 1176, 1280, 2048, 2352, 2560, 4096, 8192, 16384} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p, re, im := New(n), make([]float32, n), make([]float32, n)
			for b.Loop() {
				p.Forward(re, im)
			}
		})
	}
}

func BenchmarkMulAdd(b *testing.B) {
	const n = 8192
	v := make([][]float32, 6)
	for i := range v {
		v[i] = make([]float32, n)
	}
	b.SetBytes(n * 24)
	for b.Loop() {
		MulAdd(v[0], v[1], v[2], v[3], v[4], v[5])
	}
}
