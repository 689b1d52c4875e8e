package engine

import (
	"fmt"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/shaders"
)

// programs caches the compiled passes of one set of shader files. The canvases
// of an Engine share it. GL thread.
type programs struct {
	files    shaders.Files
	cache    map[string]*gl.Program
	canvases int  // that use it
	replaced bool // by a newer set: no canvas will come to it any more
}

func newPrograms(files shaders.Files) *programs {
	return &programs{files: files, cache: map[string]*gl.Program{}}
}

// leave counts a canvas out and, if the set is not needed any more, releases it.
func (p *programs) leave() {
	p.canvases--
	p.releaseUnused()
}

func (p *programs) releaseUnused() {
	if !p.replaced || p.canvases > 0 {
		return
	}
	for k, g := range p.cache {
		g.Release()
		delete(p.cache, k)
	}
}

func verticalPass(f shaders.Files, p pattern) (shaders.Source, error) {
	return f.Generated("fast_v_body", verticalSource(p), nil, "fast", "fast_v")
}

func horizontalPass(f shaders.Files, p pattern) (shaders.Source, error) {
	return f.Generated("fast_h_body", horizontalSource(p), nil, "fast", "fast_h")
}

// maxPrograms bounds the compiled passes kept. A choir has a handful; beyond
// it the plain variant draws.
const maxPrograms = 256

// get finds or compiles the pass for a pattern; nil when there are too many.
func (p *programs) get(pat pattern, source func(shaders.Files, pattern) (shaders.Source, error)) (*gl.Program, error) {
	key := fmt.Sprint(pat.align, pat.first, pat.last)
	if g := p.cache[key]; g != nil {
		return g, nil
	}
	if len(p.cache) >= maxPrograms {
		return nil, nil
	}
	s, err := source(p.files, pat)
	if err != nil {
		return nil, err
	}
	g, err := link(p.files, s)
	if err != nil {
		return nil, err
	}
	p.cache[key] = g
	return g, nil
}
