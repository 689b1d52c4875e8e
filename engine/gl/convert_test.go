package gl

import (
	"math"
	"math/rand"
	"testing"
)

func plane(w, h int, rng *rand.Rand) Samples {
	s := Samples{Data: make([]byte, (w+3)*h+1), Stride: w + 3, Width: w, Height: h}
	rng.Read(s.Data)
	return s
}

// TestMatrixConvert compares with the same conversion in float64: bilinear
// chroma at the luma positions, then the matrix. One level for the one rounding,
// and what the fixed point loses.
func TestMatrixConvert(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	to709 := [3][4]float64{ // BT.601 to BT.709, limited range
		{1, -0.118188 * 219 / 224, -0.212685 * 219 / 224, 0.330873 * 219 / 224 * 128},
		{0, 1.01864, 0.114618, -0.133258 * 128},
		{0, 0.075049, 1.025327, -0.100376 * 128},
	}
	fromFull := [3][4]float64{ // the range too
		{219.0 / 255, -0.1015, -0.1827, 16 + 0.2842*128},
		{0, 0.8948, 0.1007, 128 * (1 - 0.9955)},
		{0, 0.0659, 0.9007, 128 * (1 - 0.9666)},
	}
	for _, rows := range [][3][4]float64{to709, fromFull} {
		for _, c := range []struct {
			w, h, subX, subY int
			x, y             float64
		}{
			{64, 10, 1, 1, 0.5, 1},
			{64, 10, 1, 1, 1, 1},
			{64, 10, 1, 1, 0.5, 0.5},
			{64, 10, 1, 1, 1.5, 1},
			{33, 7, 1, 1, 0.5, 1},
			{33, 7, 1, 0, 0.5, 0.5},
			{20, 9, 0, 1, 0.5, 1.5},
			{19, 5, 0, 0, 0.5, 0.5},
			{1, 1, 1, 1, 0.5, 1},
			{2, 2, 1, 1, 1, 1},
		} {
			cw, ch := (c.w+1<<c.subX-1)>>c.subX, (c.h+1<<c.subY-1)>>c.subY
			src := [3]Samples{plane(c.w, c.h, rng), plane(cw, ch, rng), plane(cw, ch, rng)}
			dst := [3]Samples{plane(c.w, c.h, rng), plane(cw, ch, rng), plane(cw, ch, rng)}
			Matrix{Rows: rows, SubX: c.subX, SubY: c.subY, X: c.x, Y: c.y}.Convert(dst, src)
			at := func(p, x, y int) float64 {
				s := src[p]
				x, y = min(max(x, 0), s.Width-1), min(max(y, 0), s.Height-1)
				return float64(s.Data[y*s.Stride+x])
			}
			chroma := func(p int, x, y float64) float64 {
				x0, y0 := math.Floor(x), math.Floor(y)
				fx, fy := x-x0, y-y0
				i, j := int(x0), int(y0)
				return (at(p, i, j)*(1-fx)+at(p, i+1, j)*fx)*(1-fy) + (at(p, i, j+1)*(1-fx)+at(p, i+1, j+1)*fx)*fy
			}
			pos := func(v int, sub int, p float64) float64 {
				if sub == 0 {
					return float64(v)
				}
				return (float64(v) + 0.5 - p) / 2
			}
			check := func(p, x, y int, want float64) {
				want = math.Min(math.Max(want, 0), 255)
				got := float64(dst[p].Data[y*dst[p].Stride+x])
				if math.Abs(got-want) > 0.6 {
					t.Fatalf("%+v: plane %d at %d,%d = %g, want %.2f", c, p, x, y, got, want)
				}
			}
			for y := range c.h {
				for x := range c.w {
					px, py := pos(x, c.subX, c.x), pos(y, c.subY, c.y)
					check(0, x, y, rows[0][0]*at(0, x, y)+rows[0][1]*chroma(1, px, py)+rows[0][2]*chroma(2, px, py)+rows[0][3])
				}
			}
			for y := range ch {
				for x := range cw {
					for p := 1; p < 3; p++ {
						check(p, x, y, rows[p][1]*at(1, x, y)+rows[p][2]*at(2, x, y)+rows[p][3])
					}
				}
			}
		}
	}
}

func TestConvertAffine(t *testing.T) {
	src := Samples{Data: []byte{0, 16, 128, 235, 255, 9}, Stride: 6, Width: 5, Height: 1}
	dst := Samples{Data: make([]byte, 6), Stride: 6, Width: 5, Height: 1}
	ConvertAffine(dst, src, 219.0/255, 16)
	for i, want := range []byte{16, 30, 126, 218, 235, 0} {
		if dst.Data[i] != want {
			t.Errorf("full to limited of %d = %d, want %d", src.Data[i], dst.Data[i], want)
		}
	}
	ConvertAffine(dst, src, 1, 0)
	if string(dst.Data[:5]) != string(src.Data[:5]) {
		t.Errorf("identity of %v = %v", src.Data[:5], dst.Data[:5])
	}
}

func TestConvertTurn(t *testing.T) {
	src := Samples{Data: []byte{
		1, 2, 3, 0,
		4, 5, 6, 0,
	}, Stride: 4, Width: 3, Height: 2}
	for degrees, want := range map[int][]byte{
		0:   {1, 2, 3, 4, 5, 6},
		90:  {4, 1, 5, 2, 6, 3},
		180: {6, 5, 4, 3, 2, 1},
		270: {3, 6, 2, 5, 1, 4},
	} {
		dst := Samples{Data: make([]byte, 6), Stride: 3, Width: 3, Height: 2}
		if degrees%180 != 0 {
			dst.Stride, dst.Width, dst.Height = 2, 2, 3
		}
		ConvertTurn(dst, src, degrees, 8, 1, 0)
		if string(dst.Data) != string(want) {
			t.Errorf("%d degrees: %v, want %v", degrees, dst.Data, want)
		}
	}
}

// TestConvertTurnDithers: the mean of 8-bit samples is that of the 10-bit ones.
func TestConvertTurnDithers(t *testing.T) {
	for v := range 1024 {
		deep := Samples{Data: make([]byte, 8), Stride: 4, Width: 2, Height: 2}
		for i := range 4 {
			deep.Data[2*i], deep.Data[2*i+1] = byte(v), byte(v>>8)
		}
		dst := Samples{Data: make([]byte, 4), Stride: 2, Width: 2, Height: 2}
		ConvertTurn(dst, deep, 0, 10, 0.25, 0)
		sum := 0
		for _, d := range dst.Data {
			sum += int(d)
		}
		if want := min(v, 1020); sum != want { // 255 is the end
			t.Errorf("four of %d: %v add up to %d, want %d", v, dst.Data, sum, want)
		}
	}
}
