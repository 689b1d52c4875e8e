package plan

import (
	"strings"
	"testing"

	"github.com/choirless/render/definition"
)

// TestLook: a look changes what it shapes and nothing else, a value at its default
// is no look, a name nobody knows is warned of.
func TestLook(t *testing.T) {
	parts, known := choir(9)
	o := Options{Parts: known}
	def, _ := mustPlan(t, parts, AutoOptions{}, o)
	plain, err := New(def, o)
	if err != nil {
		t.Fatal(err)
	}
	with := func(look map[string]float64) (*Plan, error) {
		d := *def
		d.Output.Look = definition.Some(look)
		return New(&d, o)
	}
	same, err := with(map[string]float64{"gamma": 1})
	if err != nil || same.Picture(0, 0).Key != plain.Picture(0, 0).Key {
		t.Errorf("gamma 1 is another picture: %v", err)
	}
	other, err := with(map[string]float64{"gamma": 1.2})
	if err != nil || other.Picture(0, 0).Key == plain.Picture(0, 0).Key || other.Sound(0).Key != plain.Sound(0).Key {
		t.Errorf("gamma 1.2: the picture's key is the same, or the sound's is not: %v", err)
	}
	if other.Canvas().Look["gamma"] != 1.2 {
		t.Errorf("canvas: %v", other.Canvas().Look)
	}
	typo, err := with(map[string]float64{"gama": 1.2})
	if err != nil || !strings.Contains(typo.Warnings[len(typo.Warnings)-1].Text, `"gama"`) {
		t.Errorf("gama: %v, warnings %v", err, typo.Warnings)
	}
	if _, err := with(map[string]float64{"gamma": 9}); err == nil || !strings.Contains(err.Error(), "0.5 to 2") {
		t.Errorf("gamma 9: %v", err)
	}
}
