package engine

import (
	"fmt"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/shaders"
)

// programs caches the compiled passes, of both variants, of one set of shader
// files. The canvases of an Engine share it. GL thread.
type programs struct {
	files    shaders.Files
	tuning   Tuning
	cache    map[string]*gl.Program
	canvases int  // that use it
	replaced bool // by a newer set: no canvas will come to it any more
}

func newPrograms(files shaders.Files, t Tuning) *programs {
	return &programs{files: files, tuning: t, cache: map[string]*gl.Program{}}
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

// pass is what decides the text of one of the scaler's passes.
type pass struct {
	pattern pattern
	look    *look // of a horizontal pass; nil: none
	share   int   // of the passes drawn for want of targets
	wrapped bool  // the source of a vertical pass
}

func verticalPass(f shaders.Files, t Tuning, p pass) (shaders.Source, error) {
	return f.Generated("fast_v_body", verticalSource(p.pattern, t.Targets, p.share), t.defines(p.wrapped), "fast", "fast_v")
}

func horizontalPass(f shaders.Files, t Tuning, p pass) (shaders.Source, error) {
	return f.Generated("fast_h_body", horizontalSource(p.pattern, t.Targets, p.share), append(t.defines(false), p.look.defines()...), append(p.look.with(), "fast", "fast_h")...)
}

// shader finds or compiles a fragment shader of package shaders.
func (p *programs) shader(name string, defines []shaders.Define, with ...string) (*gl.Program, error) {
	return p.find(fmt.Sprint(name, defines), func() (shaders.Source, error) {
		return p.files.Assemble(name, defines, with...)
	})
}

// find finds the program under key, or links it.
func (p *programs) find(key string, source func() (shaders.Source, error)) (*gl.Program, error) {
	if g := p.cache[key]; g != nil {
		return g, nil
	}
	s, err := source()
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

func link(files shaders.Files, fragment shaders.Source) (*gl.Program, error) {
	quad, err := files.Assemble("quad", nil)
	if err != nil {
		return nil, err
	}
	stage := func(s shaders.Source) gl.Stage { return gl.Stage{Name: s.Name, Text: s.Text, Explain: s.Explain} }
	return gl.NewProgram(stage(quad), stage(fragment))
}

// maxPrograms bounds the compiled passes kept. A choir has a handful; beyond
// it the plain variant draws, whose passes are few.
const maxPrograms = 256

// get finds or compiles the shares of a pass; nil when there are too many.
func (p *programs) get(pat pattern, wrapped bool, l *look, source func(shaders.Files, Tuning, pass) (shaders.Source, error)) ([]*gl.Program, error) {
	var out []*gl.Program
	for share := range p.tuning.shares() {
		key := fmt.Sprint(pat.align, pat.code, pat.first, pat.last, wrapped, share, l != nil)
		if p.cache[key] == nil && len(p.cache) >= maxPrograms {
			return nil, nil
		}
		g, err := p.find(key, func() (shaders.Source, error) {
			return source(p.files, p.tuning, pass{pat, l, share, wrapped})
		})
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}
