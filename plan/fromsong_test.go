package plan

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// TestCrop: a cropped picture has a tile of the window's shape, and the compositor
// the window.
func TestCrop(t *testing.T) {
	parts, known := choir(4)
	whole, wholePlan := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	victim := parts[0].Doc.PartID // 640x480
	parts[0].Doc.Crop = definition.Some(definition.Crop{0, 0, 1, 1})
	if _, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known}); p.Picture(0, 0).Key != wholePlan.Picture(0, 0).Key {
		t.Error("a window that is all of the picture has another key than none")
	}
	parts[0].Doc.Crop = definition.Some(definition.Crop{0.25, 0, 0.5, 1})
	d, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	was, is := whole.Input(victim).Size.Or(definition.Pair{}), d.Input(victim).Size.Or(definition.Pair{})
	if a := float64(is[0]) / float64(is[1]); math.Abs(a-2.0/3) > 0.02 {
		t.Errorf("tile %v for a window of 320x480, whole it was %v", is, was)
	}
	for _, s := range p.Stripes {
		for _, tile := range s.Tiles {
			if tile.Part != victim {
				continue
			}
			if want := (media.Crop{0.25, 0, 0.5, 1}); tile.Crop != want || math.Abs(tile.Aspect-4.0/3) > 1e-9 || tile.Fit != Cover {
				t.Errorf("tile %+v, want the window %v of a 4:3 picture, covering", tile, want)
			}
		}
	}
}

// TestOrder: tiles read in the order a person gave the parts, from the first render
// on and after a change of it, and by id where nobody said anything.
func TestOrder(t *testing.T) {
	parts, _ := choir(11)
	reads := func(d *definition.Definition) (order []definition.PartID) {
		for _, in := range d.Inputs {
			order = append(order, in.PartID)
		}
		slices.SortFunc(order, func(a, b definition.PartID) int {
			p, q := d.Input(a).Position.Or(definition.Pair{}), d.Input(b).Position.Or(definition.Pair{})
			return cmp.Or(cmp.Compare(p[1], q[1]), cmp.Compare(p[0], q[0]))
		})
		return order
	}
	first, _, err := FromSong(song, parts, AutoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	byID := reads(first)
	soloist := byID[7]
	for i := range parts {
		if parts[i].Doc.PartID == soloist {
			parts[i].Doc.Order = definition.Some(-1)
		}
		if parts[i].Doc.PartID == byID[2] {
			parts[i].Doc.Order = definition.Some(3)
		}
	}
	want := append([]definition.PartID{soloist}, slices.DeleteFunc(slices.Clone(byID), func(id definition.PartID) bool { return id == soloist || id == byID[2] })...)
	want = append(want, byID[2])
	for name, previous := range map[string]*definition.Definition{"afresh": nil, "after a render": first} {
		d, _, err := FromSong(song, parts, AutoOptions{Previous: previous})
		if err != nil {
			t.Fatal(err)
		}
		if got := reads(d); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
