package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/shaders"
)

// look is the values of the shaders' tunable uniforms that a scene asks for. nil
// where all have their default: then nothing of it is compiled.
type look struct{ values map[string]float32 }

// newLook holds a scene's values against the shaders. A name that no shader has is
// passed over: it may have been taken out of the shaders since.
func newLook(files shaders.Files, want map[string]float64) (*look, error) {
	if len(want) == 0 {
		return nil, nil
	}
	all, err := files.Tunables()
	if err != nil {
		return nil, err
	}
	l := &look{values: map[string]float32{}}
	changed := false
	for _, t := range all {
		v, ok := want[t.Name]
		if !ok {
			v = t.Default
		}
		if !(v >= t.Least && v <= t.Most) {
			return nil, fmt.Errorf("look: %s %g, want %g to %g", t.Name, v, t.Least, t.Most)
		}
		l.values[t.Name] = float32(v)
		changed = changed || v != t.Default
	}
	if !changed {
		return nil, nil
	}
	return l, nil
}

// defines and with are what a pass is compiled with.
func (l *look) defines() []shaders.Define {
	if l == nil {
		return nil
	}
	return []shaders.Define{{Name: "LOOK"}}
}

func (l *look) with() []string {
	if l == nil {
		return nil
	}
	return []string{"look"}
}

// set sets the uniforms of the program in use for a plane. GL thread.
func (l *look) set(p *gl.Program, plane int) {
	if l == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		p.Uniform(name).Floats(l.values[name])
	}
	p.Uniform("chroma").Ints(int32(min(plane, 1)))
}
