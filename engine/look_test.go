package engine

import (
	"image"
	"math"
	"testing"

	"github.com/choirless/render/media"
)

// TestLook: both scalers grade a picture by the formula of look.glsl, within the
// level that rounding costs; a look at its defaults leaves every bit.
func TestLook(t *testing.T) {
	gray := func(y, cb, cr int) *media.Frame {
		f := newFrame(96, 96, 1, 1, 8)
		f.Color = media.CanvasColor
		for i, v := range []int{y, cb, cr} {
			for j := range f.Planes[i].Data {
				f.Planes[i].Data[j] = byte(v)
			}
		}
		return f
	}
	scene := Scene{Width: 64, Height: 64, Tiles: []Tile{{Rect: image.Rect(0, 0, 64, 64)}}}
	variants(t, func(t *testing.T, e *Engine) {
		for _, c := range []struct {
			look                        map[string]float64
			gamma, contrast, saturation float64
		}{
			{nil, 1, 1, 1},
			{map[string]float64{"gamma": 1, "contrast": 1}, 1, 1, 1},
			{map[string]float64{"gamma": 1.4}, 1.4, 1, 1},
			{map[string]float64{"contrast": 1.3, "saturation": 0}, 1, 1.3, 0},
			{map[string]float64{"saturation": 1.5, "gone_since": 7}, 1, 1, 1.5},
		} {
			s := scene
			s.Look = c.look
			for _, code := range [][3]int{{16, 128, 128}, {90, 100, 170}, {180, 140, 60}, {235, 128, 128}} {
				f := render(t, e, s, Update{Frame: gray(code[0], code[1], code[2]), Opacity: 1})
				v := math.Pow(float64(code[0]-16)/219, 1/c.gamma)
				want := [3]float64{((v-0.5)*c.contrast+0.5)*219 + 16}
				for i := 1; i < 3; i++ {
					want[i] = float64(code[i]-128)*c.saturation + 128
				}
				slack := 1.0
				if c.gamma == 1 && c.contrast == 1 && c.saturation == 1 {
					slack = 0
				}
				for i, w := range want {
					w = min(max(w, 0), 255)
					if got := float64(get(f, i, 16, 16)); math.Abs(got-w) > slack {
						t.Errorf("%v of %v: plane %d is %g, want %.1f", c.look, code, i, got, w)
					}
				}
			}
		}
		bad := scene
		bad.Look = map[string]float64{"gamma": 3}
		if c, err := e.NewCanvas(t.Context(), bad); err == nil {
			c.Close()
			t.Error("gamma 3 was taken")
		}
	})
}
