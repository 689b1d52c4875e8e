package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/shaders"
)

// CheckLook fails, as New does, for a value of the shaders that is out of its range.
func CheckLook(out definition.Output) error {
	b := &builder{out: out, p: &Plan{}}
	return b.look()
}

// look takes over what the definition says of the shaders' tunable uniforms. A name
// that the shaders we were built with do not have is kept, for shaders of a folder,
// and warned of; a value out of its range is an error.
func (b *builder) look() error {
	want := b.out.Look.Or(nil)
	all, err := shaders.Files{}.Tunables()
	if err != nil {
		return err
	}
	var names []string
	known := map[string]shaders.Tunable{}
	for _, t := range all {
		names = append(names, t.Name)
		known[t.Name] = t
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		t, ok := known[name]
		v := want[name]
		switch {
		case !ok:
			b.warn("", "output.look: %q is not a value of the shaders; known: %s", name, strings.Join(names, ", "))
		case v < t.Least || v > t.Most:
			return fmt.Errorf("plan: output.look: %s %g, want %g to %g", name, v, t.Least, t.Most)
		case v == t.Default:
			continue
		}
		if b.p.Look == nil {
			b.p.Look = map[string]float64{}
		}
		b.p.Look[name] = v
	}
	return nil
}
