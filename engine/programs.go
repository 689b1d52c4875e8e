package engine

import (
	"fmt"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/shaders"
)

// programs caches compiled passes. It belongs to an Engine: canvases share it.
// The programs end with the context. GL thread.
type programs struct{ cache map[string]*gl.Program }

func verticalPass(p pattern) (shaders.Source, error) {
	return shaders.Generated("fast_v_body", verticalSource(p), nil, "fast", "fast_v")
}

func horizontalPass(p pattern) (shaders.Source, error) {
	return shaders.Generated("fast_h_body", horizontalSource(p), nil, "fast", "fast_h")
}

// maxPrograms bounds the compiled passes kept. A choir has a handful; beyond
// it the plain variant draws.
const maxPrograms = 256

// get finds or compiles the pass for a pattern; nil when there are too many.
func (p *programs) get(pat pattern, source func(pattern) (shaders.Source, error)) (*gl.Program, error) {
	key := fmt.Sprint(pat.align, pat.first, pat.last)
	if g := p.cache[key]; g != nil {
		return g, nil
	}
	if len(p.cache) >= maxPrograms {
		return nil, nil
	}
	s, err := source(pat)
	if err != nil {
		return nil, err
	}
	g, err := link(s)
	if err != nil {
		return nil, err
	}
	p.cache[key] = g
	return g, nil
}
