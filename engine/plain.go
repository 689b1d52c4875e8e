package engine

// The plain variant: the compositor as one would write it down. One sample per
// texel, weights as floats, every step a pass of its own, nothing rounded until
// the end. It draws everything the engine can draw, is the oracle the fast
// variant is tested against, and is quick enough on any GPU; on llvmpipe it is
// an order of magnitude slower than fast.go.
//
// For each of the two grids of the canvas (luma, chroma), every source plane
// the transform needs there is resized to the positions of that grid, then one
// pass applies the transform sample by sample:
//
//	              plain_v         plain_h              plain_color
//	plane, w x h --------> w x H ---------> W x H code --------------> W x H 8 bit

import (
	"fmt"
	"strconv"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
	"github.com/choirless/render/shaders"
)

// maxScratch bounds the intermediate textures kept for the next tile.
const maxScratch = 64

// plain draws tiles with the plain variant. GL thread.
type plain struct {
	programs *programs
	look     *look
	v, h     *gl.Program
	luts     map[axis]*lut
	scratch  map[scratchKey]*target
	textures map[int]*[3]*gl.Texture // sources, by tile
}

// lut is an axis' weights as a texture.
type lut struct {
	taps    int
	texture *gl.Texture
}

type scratchKey struct {
	use           string
	width, height int
}

// target is a texture that is drawn to.
type target struct {
	texture *gl.Texture
	fb      *gl.Framebuffer
}

func (t *target) release() {
	if t != nil {
		t.fb.Release()
		t.texture.Release()
	}
}

func newTarget(f gl.Format, w, h int) (*target, error) {
	x, err := gl.NewTexture(f, w, h, 0)
	if err != nil {
		return nil, err
	}
	fb, err := gl.NewFramebuffer(x)
	if err != nil {
		x.Release()
		return nil, err
	}
	return &target{x, fb}, nil
}

func newPlain(programs *programs, l *look) (p *plain, err error) {
	p = &plain{programs: programs, look: l, luts: map[axis]*lut{}, scratch: map[scratchKey]*target{}, textures: map[int]*[3]*gl.Texture{}}
	if p.v, err = programs.shader("plain_v", nil); err != nil {
		return nil, err
	}
	p.h, err = programs.shader("plain_h", nil)
	return p, err
}

func (p *plain) release() {
	p.flush()
	for tile := range p.textures {
		p.forget(tile)
	}
}

// flush drops everything that can be made again.
func (p *plain) flush() {
	for k, l := range p.luts {
		l.texture.Release()
		delete(p.luts, k)
	}
	for k, t := range p.scratch {
		t.release()
		delete(p.scratch, k)
	}
}

// forget drops a tile's source textures.
func (p *plain) forget(tile int) {
	if set := p.textures[tile]; set != nil {
		for _, t := range set {
			t.Release()
		}
		delete(p.textures, tile)
	}
}

// draw shows a frame of shape s as p says, into dst, whose planes have the
// sizes of the two grids.
func (p *plain) draw(tile int, f *media.Frame, s shape, at placement, dst *picture) error {
	src, err := p.upload(tile, f, s)
	if err != nil {
		return err
	}
	if len(p.scratch) > maxScratch || len(p.luts) > maxScratch {
		p.flush()
	}
	t := transformOf(s.color, s.depth)
	for _, g := range []grid{lumaGrid, chromaGrid} {
		w, h := g.size(at.shown)
		if w <= 0 || h <= 0 {
			continue
		}
		planes, err := p.resizePlanes(src, s, at, g, t)
		if err != nil {
			return err
		}
		channels := []int{0}
		if g == chromaGrid {
			channels = []int{1, 2}
		}
		for _, c := range channels {
			if err := p.color(t, s, c, planes, w, h, &dst.planes[c]); err != nil {
				return err
			}
		}
	}
	return gl.Check("plain draw")
}

// upload brings the frame's planes to the GPU as they are.
func (p *plain) upload(tile int, f *media.Frame, s shape) ([3]*gl.Texture, error) {
	set := p.textures[tile]
	if set == nil {
		set = &[3]*gl.Texture{}
		p.textures[tile] = set
	}
	format := gl.R8
	if s.depth > 8 {
		format = gl.R16
	}
	for i, plane := range f.Planes {
		if i > 0 && s.gray {
			continue
		}
		t := set[i]
		if t == nil || t.Width != plane.Width || t.Height != plane.Height || t.Format != format {
			t.Release()
			set[i] = nil
			var err error
			if t, err = gl.NewTexture(format, plane.Width, plane.Height, 0); err != nil {
				return *set, fmt.Errorf("plane %d: %w", i, err)
			}
			set[i] = t
		}
		data, stride := plane.Data, plane.Stride
		if stride%format.Bytes != 0 {
			data, stride = repack(plane, format.Bytes)
		}
		if err := t.Upload(0, 0, plane.Width, plane.Height, data, stride); err != nil {
			return *set, fmt.Errorf("plane %d: %w", i, err)
		}
	}
	return *set, nil
}

// repack copies a plane of two-byte samples whose stride is odd.
func repack(p media.Plane, bytes int) ([]byte, int) {
	row := p.Width * bytes
	out := make([]byte, 0, row*p.Height)
	for y := range p.Height {
		out = append(out, p.Data[y*p.Stride:y*p.Stride+row]...)
	}
	return out, row
}

// resizePlanes resizes the planes that the transform needs on a grid. Planes it
// does not need are some other plane, to have something to bind.
func (p *plain) resizePlanes(src [3]*gl.Texture, s shape, at placement, g grid, t transform) (out [3]*target, err error) {
	needY := g == lumaGrid || t.wide || s.gray
	needC := !s.gray && (g == chromaGrid || !t.lumaAlone())
	for i := range 3 {
		if i == 0 && !needY || i > 0 && !needC {
			continue
		}
		h, v := at.axes(s, i, g)
		if out[i], err = p.resize(src[i], s, h, v, "plane"+strconv.Itoa(i)); err != nil {
			return out, fmt.Errorf("plane %d: %w", i, err)
		}
	}
	for i := range 3 {
		if out[i] == nil {
			out[i] = out[0]
			if out[0] == nil {
				out[i] = out[1]
			}
		}
	}
	if out[0] == nil {
		out[0] = out[1]
	}
	return out, nil
}

// resize runs the two passes over one plane.
func (p *plain) resize(src *gl.Texture, s shape, h, v axis, use string) (*target, error) {
	mid, err := p.target("mid", gl.R32F, h.In, v.Out)
	if err != nil {
		return nil, err
	}
	out, err := p.target(use, gl.R32F, h.Out, v.Out)
	if err != nil {
		return nil, err
	}
	lv, err := p.lut(v)
	if err != nil {
		return nil, err
	}
	lh, err := p.lut(h)
	if err != nil {
		return nil, err
	}
	full := float32(255)
	if s.depth > 8 {
		full = 65535
	}
	m := turnOf(s.rotation, src.Width, src.Height)
	p.v.Use()
	src.Bind(0)
	lv.texture.Bind(1)
	p.v.Uniform("src").Ints(0)
	p.v.Uniform("lut").Ints(1)
	p.v.Uniform("taps").Ints(int32(lv.taps))
	p.v.Uniform("size").Ints(int32(h.In), int32(v.In))
	p.v.Uniform("turn_x").Ints(int32(m.x[0]), int32(m.x[1]), int32(m.x[2]))
	p.v.Uniform("turn_y").Ints(int32(m.y[0]), int32(m.y[1]), int32(m.y[2]))
	p.v.Uniform("full").Floats(full)
	mid.fb.Bind()
	gl.Draw(0, 0, h.In, v.Out)

	p.h.Use()
	mid.texture.Bind(0)
	lh.texture.Bind(1)
	p.h.Uniform("mid").Ints(0)
	p.h.Uniform("lut").Ints(1)
	p.h.Uniform("taps").Ints(int32(lh.taps))
	p.h.Uniform("width").Ints(int32(h.In))
	out.fb.Bind()
	gl.Draw(0, 0, h.Out, v.Out)
	return out, nil
}

// color applies the transform for one channel and reads the result into dst.
func (p *plain) color(t transform, s shape, channel int, planes [3]*target, w, h int, dst *media.Plane) error {
	prog, err := p.colorProgram(t, s, channel)
	if err != nil {
		return err
	}
	out, err := p.target("out", gl.R8, w, h)
	if err != nil {
		return err
	}
	prog.Use()
	for i, name := range []string{"plane_y", "plane_cb", "plane_cr"} {
		planes[i].texture.Bind(i)
		prog.Uniform(name).Ints(int32(i))
	}
	prog.Uniform("neutral").Floats(float32(t.from.chromaZero))
	if t.wide {
		y, c := t.from.lumaOne-t.from.lumaZero, t.from.chromaOne-t.from.chromaZero
		prog.Uniform("code_zero").Floats(float32(t.from.lumaZero), float32(t.from.chromaZero), float32(t.from.chromaZero))
		prog.Uniform("code_scale").Floats(float32(1/y), float32(1/c), float32(1/c))
		prog.Uniform("to_rgb").Floats(t.toRGB.floats()...)
		prog.Uniform("gamut").Floats(t.gamut.floats()...)
		prog.Uniform("knee").Floats(toneKnee)
		prog.Uniform("peak").Floats(tonePeak)
	} else {
		r := t.rows[channel]
		prog.Uniform("row").Floats(float32(r[0]), float32(r[1]), float32(r[2]), float32(r[3]))
	}
	p.look.set(prog, channel)
	out.fb.Bind()
	gl.Draw(0, 0, w, h)
	return out.fb.Read(0, 0, 0, w, h, dst.Data, dst.Stride)
}

// colorProgram returns the colour pass.
func (p *plain) colorProgram(t transform, s shape, channel int) (*gl.Program, error) {
	var defines []shaders.Define
	var with []string
	if t.wide {
		name := "GAMMA"
		switch t.transfer {
		case media.TransferHLG:
			name = "HLG"
		case media.TransferPQ:
			name = "PQ"
		}
		defines = append(defines, shaders.Define{Name: name}, shaders.Define{Name: "CHANNEL", Value: strconv.Itoa(channel)})
		with = []string{"color"}
	} else {
		defines = append(defines, shaders.Define{Name: "LINEAR"})
	}
	if s.gray {
		defines = append(defines, shaders.Define{Name: "GRAY"})
	}
	defines, with = append(defines, p.look.defines()...), append(with, p.look.with()...)
	return p.programs.shader("plain_color", defines, with...)
}

// target finds or makes an intermediate texture.
func (p *plain) target(use string, f gl.Format, w, h int) (*target, error) {
	key := scratchKey{use, w, h}
	if t := p.scratch[key]; t != nil {
		return t, nil
	}
	t, err := newTarget(f, w, h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", use, err)
	}
	p.scratch[key] = t
	return t, nil
}

// lut finds or makes the weights of an axis.
func (p *plain) lut(a axis) (*lut, error) {
	if l := p.luts[a]; l != nil {
		return l, nil
	}
	f := a.filter()
	data := make([]float32, 0, a.Out*(f.Taps+1))
	for i := range a.Out {
		data = append(data, float32(f.Base[i]))
		for _, w := range f.Weights[i*f.Taps : (i+1)*f.Taps] {
			data = append(data, float32(w))
		}
	}
	t, err := gl.NewTexture(gl.R32F, f.Taps+1, a.Out, 0)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	if err := t.UploadFloats(data); err != nil {
		t.Release()
		return nil, err
	}
	p.luts[a] = &lut{f.Taps, t}
	return p.luts[a], nil
}
