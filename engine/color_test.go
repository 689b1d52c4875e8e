package engine

import (
	"image"
	"math"
	"math/rand"
	"testing"

	"github.com/choirless/render/media"
)

// TestMatricesAgainstTheStandards compares with the rounded numbers of the
// recommendations, so that a wrong Kr does not pass by being wrong twice.
func TestMatricesAgainstTheStandards(t *testing.T) {
	for _, c := range []struct {
		m    media.Matrix
		want mat3
	}{
		{media.BT601, mat3{{1, 0, 1.402}, {1, -0.344136, -0.714136}, {1, 1.772, 0}}},
		{media.BT709, mat3{{1, 0, 1.5748}, {1, -0.187324, -0.468124}, {1, 1.8556, 0}}},
		{media.BT2020, mat3{{1, 0, 1.4746}, {1, -0.164553, -0.571353}, {1, 1.8814, 0}}},
	} {
		got, back := toRGB(c.m), fromRGB(c.m).mul(toRGB(c.m))
		for i := range 3 {
			for j := range 3 {
				if math.Abs(got[i][j]-c.want[i][j]) > 1e-6 {
					t.Errorf("matrix %d: [%d][%d] = %.6f, want %.6f", c.m, i, j, got[i][j], c.want[i][j])
				}
				unit := 0.0
				if i == j {
					unit = 1
				}
				if math.Abs(back[i][j]-unit) > 1e-12 {
					t.Errorf("matrix %d: there and back [%d][%d] = %g", c.m, i, j, back[i][j])
				}
			}
		}
	}
	m := fromRGB(media.BT709).mul(toRGB(media.BT601))
	want := mat3{{1, -0.118188, -0.212685}, {0, 1.01864, 0.114618}, {0, 0.075049, 1.025327}}
	for i := range 3 {
		for j := range 3 {
			if math.Abs(m[i][j]-want[i][j]) > 1e-6 {
				t.Errorf("601 to 709: [%d][%d] = %.6f, want %.6f", i, j, m[i][j], want[i][j])
			}
		}
	}
}

// canvasCodes is what an R'G'B' colour must become, from BT.709 as printed.
func canvasCodes(c [3]float64) [3]float64 {
	y := 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
	return [3]float64{219*y + 16, 224*(c[2]-y)/1.8556 + 128, 224*(c[0]-y)/1.5748 + 128}
}

var flatColors = map[string][3]float64{
	"white": {1, 1, 1}, "black": {0, 0, 0}, "grey": {0.5, 0.5, 0.5},
	"yellow": {0.75, 0.75, 0}, "cyan": {0, 0.75, 0.75}, "green": {0, 0.75, 0},
	"magenta": {0.75, 0, 0.75}, "red": {0.75, 0, 0}, "blue": {0, 0, 0.75},
	"skin": {0.87, 0.68, 0.57},
}

// TestColorTable shows flat colours of every matrix, range, siting, depth and
// subsampling, turned and not, and expects the codes of the formulas. An 8-bit
// source is off by up to half a level in each component to begin with, which
// the matrix adds up to 0.7, and the result is rounded: one level. The fast
// variant makes 8 bits of more on the way, which is one more rounding.
func TestColorTable(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		const n = 8
		s := Scene{Width: n * len(flatColors), Height: n}
		var names []string
		for name := range flatColors {
			x := n * len(names)
			names = append(names, name)
			s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(x, 0, x+n, n)})
		}
		c, err := e.NewCanvas(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, color := range colorTable() {
			for _, siting := range []media.Siting{media.SitingLeft, media.SitingCenter, media.SitingTopLeft} {
				for _, sub := range [][2]int{{1, 1}, {1, 0}, {0, 0}} {
					for i, depth := range []int{8, 10, 12, 16} {
						var updates []Update
						for j, name := range names {
							f := frameFromRGB(n, n, sub[0], sub[1], depth, color, siting, func(_, _ float64) [3]float64 { return flatColors[name] })
							f.Rotation = media.Rotation(90 * i)
							updates = append(updates, Update{Tile: j, Frame: f, Opacity: 1})
						}
						f, release, err := c.Render(t.Context(), updates)
						if err != nil {
							t.Fatal(err)
						}
						for j, name := range names {
							want := canvasCodes(flatColors[name])
							for p := range 3 {
								got := get(f, p, (n*j+n/2)>>min(p, 1), n/2>>min(p, 1))
								if math.Abs(float64(got)-want[p]) > 1.3 {
									t.Errorf("%s: %+v siting %d sub %v %d bit: plane %d = %d, want %.2f", name, color, siting, sub, depth, p, got, want[p])
								}
							}
						}
						release()
					}
				}
			}
		}
	})
}

func colorTable() (list []media.Color) {
	for _, m := range []media.Matrix{media.BT601, media.BT709, media.BT2020} {
		for _, r := range []media.Range{media.Limited, media.Full} {
			list = append(list, media.Color{Matrix: m, Range: r, Primaries: media.Primaries709, Transfer: media.TransferSDR})
		}
	}
	return list
}

// TestUntaggedIsWhatPlayersAssume: the same red, stored by BT.601 and untagged,
// must come out as that red from a 480-row source.
func TestUntaggedIsWhatPlayersAssume(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		red := func(_, _ float64) [3]float64 { return [3]float64{0.75, 0.1, 0.1} }
		f := frameFromRGB(16, 480, 1, 1, 8, media.Color{Matrix: media.BT601, Range: media.Limited}, media.SitingLeft, red)
		f.Color, f.Siting = media.Color{}, media.SitingUnknown
		out := render(t, e, even(16, 16), Update{Frame: f, Opacity: 1})
		want := canvasCodes(red(0, 0))
		for p := range 3 {
			if got := get(out, p, 2, 2); math.Abs(float64(got)-want[p]) > 1.3 {
				t.Errorf("plane %d = %d, want %.2f", p, got, want[p])
			}
		}
	})
}

// TestChromaStaysWhereItIs resizes a ramp of chroma and looks where it is: half
// a luma pixel off, as by mistaking left siting for center, must fail, in a colour
// that is copied and in one whose matrix and range are converted, from the corner
// and from odd places.
func TestChromaStaysWhereItIs(t *testing.T) {
	for _, color := range []media.Color{
		{Matrix: media.BT709, Range: media.Limited},
		{Matrix: media.BT601, Range: media.Full, Primaries: media.Primaries709, Transfer: media.TransferSDR},
	} {
		for _, at := range []image.Point{{}, image.Pt(3, 5)} {
			testChromaStays(t, color, at)
		}
	}
}

func testChromaStays(t *testing.T, color media.Color, corner image.Point) {
	variants(t, func(t *testing.T, e *Engine) {
		for _, siting := range []media.Siting{media.SitingLeft, media.SitingCenter, media.SitingTopLeft} {
			for _, rotation := range []media.Rotation{0, 90, 180, 270} {
				for _, width := range []int{64, 48, 96} {
					const n = 64
					// A ramp of chroma, linear in position: its value at a
					// place is exact after any symmetric resize. Some
					// codes of noise keep the mean of rounded values true.
					rng := rand.New(rand.NewSource(1))
					ramp := func(x, y float64) [3]float64 {
						at := x
						switch rotation {
						case 90:
							at = n - y
						case 180:
							at = n - x
						case 270:
							at = y
						}
						return [3]float64{0.25 + 0.5*at/n + 2*(rng.Float64()-0.5)/112, 0.5, 0.5}
					}
					f := frameFromRGB(n, n, 1, 1, 16, color, siting, ramp)
					f.Rotation = rotation
					s := Scene{Width: width + 8, Height: width + 8, Tiles: []Tile{{Rect: image.Rect(0, 0, width, width).Add(corner)}}}
					out := render(t, e, s, Update{Frame: f, Opacity: 1})
					sum, want, count := 0.0, 0.0, 0
					for x := 6; x < width/2-4; x++ { // away from the edges
						for y := 7; y < width/2-4; y++ {
							at := (2*float64(x) + 0.5 - float64(corner.X)) * n / float64(width) // left sited
							want += canvasCodes([3]float64{0.25 + 0.5*at/n, 0.5, 0.5})[2]
							sum += float64(get(out, 2, x, y))
							count++
						}
					}
					// A luma pixel of the source is 0.5/64 of red, 0.875 codes.
					perPixel := 0.5 / n * 224 * (1 - 0.2126) / 1.5748
					if off := (sum - want) / float64(count) / perPixel; math.Abs(off) > 0.25 {
						t.Errorf("%+v at %v, siting %d, rotation %d, to %d: chroma is off by %.2f luma pixels", color, corner, siting, rotation, width, off)
					}
				}
			}
		}
	})
}

// TestThereAndBack: BT.601 to BT.709 and back changes nothing by more than the
// three roundings on the way.
func TestThereAndBack(t *testing.T) {
	variants(t, func(t *testing.T, e *Engine) {
		c601 := media.Color{Matrix: media.BT601, Range: media.Limited, Primaries: media.Primaries709, Transfer: media.TransferSDR}
		src := frameFromRGB(64, 64, 1, 1, 8, c601, media.SitingLeft, func(x, y float64) [3]float64 {
			return [3]float64{0.5 + 0.4*math.Sin(x/9), 0.5 + 0.4*math.Sin(y/11), 0.5 + 0.4*math.Cos((x+y)/13)}
		})
		mid := render(t, e, even(64, 64), Update{Frame: src, Opacity: 1})
		back := fromRGB(media.BT601).mul(toRGB(media.BT709))
		for y := 1; y < 31; y++ {
			for x := 1; x < 31; x++ {
				cb, cr := float64(get(mid, 1, x, y))-128, float64(get(mid, 2, x, y))-128
				l := float64(get(mid, 0, 2*x, 2*y))
				// Luma row 2y lies a quarter above the chroma row.
				up := func(p int) float64 { return 0.75*float64(get(mid, p, x, y)) + 0.25*float64(get(mid, p, x, y-1)) - 128 }
				got := [3]float64{
					l + 219.0/224*(back[0][1]*up(1)+back[0][2]*up(2)),
					back[1][1]*cb + back[1][2]*cr + 128,
					back[2][1]*cb + back[2][2]*cr + 128,
				}
				for p := range 3 {
					want := float64(get(src, p, 2*x>>min(p, 1), 2*y>>min(p, 1)))
					if math.Abs(got[p]-want) > 1.5 {
						t.Fatalf("plane %d at %d,%d: %.2f, was %g", p, x, y, got[p], want)
					}
				}
			}
		}
	})
}

// TestWideColor checks HLG and PQ against the recommendations' own numbers:
// black stays black, reference white (75 % HLG, 58 % PQ, both 203 cd/m2, BT.2408
// table 1) becomes the tone curve's value, peak white is white, and greys are
// grey and in order.
func TestWideColor(t *testing.T) {
	variants(t, testWideColor)
}

func testWideColor(t *testing.T, e *Engine) {
	x := 1.0 // reference white
	a := (tonePeak-toneKnee)/(1-toneKnee) - 1
	s := (x - toneKnee) / (tonePeak - toneKnee)
	white := 16 + 219*math.Pow(toneKnee+(1-toneKnee)*s*(1+a)/(1+a*s), 1/2.4)
	for name, c := range map[string]struct {
		transfer media.Transfer
		signals  []float64
		want     []float64
	}{
		"HLG": {media.TransferHLG, []float64{0, 0.75, 1}, []float64{16, white, 235}},
		"PQ":  {media.TransferPQ, []float64{0, 0.5807, 0.7518}, []float64{16, white, 235}},
	} {
		color := media.Color{Matrix: media.BT2020, Range: media.Limited, Primaries: media.Primaries2020, Transfer: c.transfer}
		last := -1
		for i, v := range append(c.signals, 0.2, 0.4, 0.6) {
			f := frameFromRGB(8, 8, 1, 1, 10, color, media.SitingTopLeft, func(_, _ float64) [3]float64 { return [3]float64{v, v, v} })
			out := render(t, e, even(8, 8), Update{Frame: f, Opacity: 1})
			y, cb, cr := get(out, 0, 4, 4), get(out, 1, 2, 2), get(out, 2, 2, 2)
			if cb != 128 || cr != 128 {
				t.Errorf("%s: grey %g has chroma %d, %d", name, v, cb, cr)
			}
			if i < len(c.want) && math.Abs(float64(y)-c.want[i]) > 2 {
				t.Errorf("%s: signal %g = %d, want %.1f", name, v, y, c.want[i])
			}
			if i >= len(c.want) {
				if y <= last {
					t.Errorf("%s: signal %g = %d is not above the one before, %d", name, v, y, last)
				}
				last = y
			}
		}
	}
	// A saturated BT.2020 red is outside BT.709 and must stay red, not wrap.
	color := media.Color{Matrix: media.BT2020, Range: media.Limited, Primaries: media.Primaries2020, Transfer: media.TransferSDR}
	f := frameFromRGB(8, 8, 1, 1, 10, color, media.SitingTopLeft, func(_, _ float64) [3]float64 { return [3]float64{0.8, 0, 0} })
	out := toImage(render(t, e, even(8, 8), Update{Frame: f, Opacity: 1}))
	if c := out.RGBAAt(4, 4); c.R < 200 || c.G > 8 || c.B > 8 {
		t.Errorf("BT.2020 red became %v", c)
	}
}

// TestWideSDR: what BT.709 can show comes out of BT.2020 primaries as it was, white
// foremost: SDR needs no room for highlights.
func TestWideSDR(t *testing.T) {
	// Linear BT.709 light in BT.2020 primaries, BT.2087-0 annex 1 (M1).
	to2020 := mat3{{0.6274, 0.3293, 0.0433}, {0.0691, 0.9195, 0.0114}, {0.0164, 0.0880, 0.8956}}
	color := media.Color{Matrix: media.BT2020, Range: media.Limited, Primaries: media.Primaries2020, Transfer: media.TransferSDR}
	variants(t, func(t *testing.T, e *Engine) {
		for _, c := range [][3]float64{{1, 1, 1}, {0.9, 0.9, 0.9}, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, {0, 0, 0}, {0.87, 0.68, 0.57}, {1, 0.9, 0.8}} {
			var signal [3]float64
			for i := range 3 {
				for j := range 3 {
					signal[i] += to2020[i][j] * math.Pow(c[j], 2.4)
				}
				signal[i] = math.Pow(signal[i], 1/2.4)
			}
			f := frameFromRGB(8, 8, 1, 1, 10, color, media.SitingTopLeft, func(_, _ float64) [3]float64 { return signal })
			out := render(t, e, even(8, 8), Update{Frame: f, Opacity: 1})
			want := canvasCodes(c)
			for p := range 3 {
				if got := get(out, p, 4>>min(p, 1), 4>>min(p, 1)); math.Abs(float64(got)-want[p]) > 2 {
					t.Errorf("%v: plane %d = %d, want %.1f", c, p, got, want[p])
				}
			}
		}
	})
}

// TestWideVariantsAgree: the curves of the fast variant against the shader of
// the plain one, in an odd place. The fast one has 8-bit codes in between. For
// colours that BT.709 has, that is worth four levels in the shadows. At the edge
// of BT.709 a channel goes to 0 along a power of 1/2.4: there one level before
// can be twenty after, in a channel too dark to see, so only the mean counts.
func TestWideVariantsAgree(t *testing.T) {
	plain, fast := open(t, Options{Plain: true}), open(t, Options{})
	for _, transfer := range []media.Transfer{media.TransferHLG, media.TransferPQ, media.TransferSDR} {
		for _, c := range []struct {
			saturation float64
			max        int
			rms        float64
		}{{0.2, 4, 1}, {1, 40, 2}} {
			color := media.Color{Matrix: media.BT2020, Range: media.Limited, Primaries: media.Primaries2020, Transfer: transfer}
			f := frameFromRGB(128, 96, 1, 1, 10, color, media.SitingTopLeft, func(x, y float64) [3]float64 {
				v := [3]float64{0.1 + 0.6*x/128, 0.1 + 0.6*y/96, 0.4 + 0.3*math.Cos((x+y)/30)}
				mean := (v[0] + v[1] + v[2]) / 3
				for i := range v {
					v[i] = mean + c.saturation*(v[i]-mean)
				}
				return v
			})
			s := Scene{Width: 90, Height: 70, Tiles: []Tile{{Rect: image.Rect(3, 5, 84, 65)}}}
			u := Update{Frame: f, Opacity: 1}
			a, b := render(t, plain, s, u), render(t, fast, s, u)
			sum, n := 0.0, 0
			for p := range 3 {
				for y := range a.Planes[p].Height {
					for x := range a.Planes[p].Width {
						d := float64(get(a, p, x, y) - get(b, p, x, y))
						sum, n = sum+d*d, n+1
					}
				}
			}
			d, at := worst(a, b)
			if transfer == media.TransferPQ {
				d /= 4 // a code of 8-bit PQ is that much more light
			}
			if rms := math.Sqrt(sum / float64(n)); d > c.max || rms > c.rms {
				t.Errorf("transfer %d, saturation %g: %d levels apart, %s, rms %.2f", transfer, c.saturation, d, at, rms)
			}
		}
	}
}
