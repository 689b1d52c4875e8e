// Package window is the window of render-local: GLFW, and just enough OpenGL to
// show a canvas that the compositor has made, another picture beside it, and
// panels over both. All of it belongs to the main thread.
package window

import (
	"embed"
	"errors"
	"fmt"
	"image"
	"maps"
	"slices"
	"strings"
	"unsafe"

	gogl "github.com/go-gl/gl/v4.3-core/gl"
	"github.com/go-gl/glfw/v3.3/glfw"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
)

//go:embed *.glsl
var files embed.FS

// Mode says how two pictures are compared.
type Mode int

const (
	Ours       Mode = iota // the canvas alone
	Split                  // ours left, the other right
	Difference             // of the two, times eight
)

// Slot is one of the two pictures.
type Slot int

const (
	Canvas Slot = iota
	Other
)

// View says what of the pictures is seen where.
type View struct {
	// Part of the canvas, in its pixels; it fills Place, in window pixels.
	Part, Place image.Rectangle
	Mode        Mode
	Divide      float64 // of the split, 0..1 of Place
}

// Panel is a picture over the others, with alpha.
type Panel struct {
	Image *image.RGBA
	At    image.Point // in the window
	Fresh bool        // Image has changed since the last Draw
}

// Window is an open window. Main thread.
type Window struct {
	*glfw.Window
	renderer string
	show     [3]*gl.Program // by Mode
	over     *gl.Program
	vao      uint32
	pictures [2]picture
	panels   map[int]*gl.Texture
	uploaded int64
}

// picture is a canvas on the GPU.
type picture struct {
	planes        [3]*gl.Texture
	width, height int
}

// Open opens a window. The compositor's engine must have been opened before: it
// loads OpenGL's functions for the process. The caller must Close the window.
func Open(title string, width, height int) (w *Window, err error) {
	if err := glfw.Init(); err != nil {
		return nil, fmt.Errorf("window system: %w", err)
	}
	defer func() {
		if err != nil {
			glfw.Terminate()
		}
	}()
	glfw.WindowHint(glfw.ContextVersionMajor, 4)
	glfw.WindowHint(glfw.ContextVersionMinor, 3)
	glfw.WindowHint(glfw.OpenGLProfile, glfw.OpenGLCoreProfile)
	w = &Window{renderer: "llvmpipe", panels: map[int]*gl.Texture{}} // until it is known
	w.Turn(func() {
		if w.Window, err = glfw.CreateWindow(width, height, title, nil, nil); err == nil {
			w.MakeContextCurrent()
			glfw.SwapInterval(1)
			err = w.prepare()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("window: %w", err)
	}
	w.renderer = gogl.GoStr(gogl.GetString(gogl.RENDERER))
	return w, nil
}

// Turn calls OpenGL: software contexts of one process take turns.
func (w *Window) Turn(f func()) { gl.TakeTurn(w.renderer, f) }

// Renderer names the renderer of the window.
func (w *Window) Renderer() string { return w.renderer }

func (w *Window) prepare() (err error) {
	gogl.GenVertexArrays(1, &w.vao)
	gogl.BindVertexArray(w.vao)
	gogl.PixelStorei(gogl.PACK_ALIGNMENT, 1)
	gogl.PixelStorei(gogl.UNPACK_ALIGNMENT, 1)
	for mode := range w.show {
		// A rasteriser in software goes through every branch of a shader, so that
		// there is one for each mode.
		if w.show[mode], err = program("display.frag.glsl", fmt.Sprintf("#define MODE %d\n", mode)); err != nil {
			return err
		}
	}
	w.over, err = program("panel.frag.glsl", "")
	return err
}

// program builds a program; defines follow the fragment shader's #version line.
func program(fragment, defines string) (*gl.Program, error) {
	stage := func(name string) gl.Stage {
		text, err := files.ReadFile(name)
		if err != nil {
			panic("window: internal error: " + err.Error())
		}
		return gl.Stage{Name: name, Text: string(text)}
	}
	f := stage(fragment)
	version, rest, _ := strings.Cut(f.Text, "\n")
	f.Text = version + "\n" + defines + "#line 2\n" + rest
	return gl.NewProgram(stage("display.vert.glsl"), f)
}

// SetPicture brings a canvas to the window; it is read before SetPicture returns.
func (w *Window) SetPicture(slot Slot, f *media.Frame) (err error) {
	w.Turn(func() {
		p := &w.pictures[slot]
		p.width, p.height = f.Width(), f.Height()
		for i, plane := range f.Planes {
			t := p.planes[i]
			if t == nil || t.Width != plane.Width || t.Height != plane.Height {
				t.Release()
				if p.planes[i], err = gl.NewTexture(gl.R8, plane.Width, plane.Height, 0); err != nil {
					return
				}
				t = p.planes[i]
				t.Smooth()
			}
			if err = t.Upload(0, 0, plane.Width, plane.Height, plane.Data, plane.Stride); err != nil {
				return
			}
			w.uploaded += int64(plane.Width * plane.Height)
		}
	})
	return err
}

// Uploaded returns how many bytes have gone to the window so far.
func (w *Window) Uploaded() int64 { return w.uploaded }

// Draw draws the window and shows it. shot, if not nil, is given what is drawn.
func (w *Window) Draw(v View, panels map[int]Panel, shot func(*image.RGBA)) (err error) {
	w.Turn(func() {
		width, height := w.GetFramebufferSize()
		if width == 0 || height == 0 {
			return // minimised
		}
		gogl.BindFramebuffer(gogl.FRAMEBUFFER, 0)
		gogl.Viewport(0, 0, int32(width), int32(height))
		gogl.ClearColor(0.027, 0.031, 0.043, 1)
		gogl.Clear(gogl.COLOR_BUFFER_BIT)
		size := image.Pt(width, height)
		w.drawPicture(v, size)
		if err = w.drawPanels(panels, size); err != nil {
			return
		}
		if shot != nil {
			shot(read(width, height))
		}
		w.SwapBuffers()
		err = gl.Check("window")
	})
	return err
}

func (w *Window) drawPicture(v View, size image.Point) {
	ours, other := &w.pictures[Canvas], &w.pictures[Other]
	if ours.planes[0] == nil {
		return
	}
	if other.planes[0] == nil {
		other, v.Mode = ours, Ours
	}
	show := w.show[v.Mode]
	show.Use()
	for i := range 3 {
		ours.planes[i].Bind(i)
		name := [3]string{"y", "cb", "cr"}[i]
		show.Uniform(name + "0").Ints(int32(i))
		if v.Mode != Ours {
			other.planes[i].Bind(3 + i)
			show.Uniform(name + "1").Ints(int32(3 + i))
		}
	}
	if v.Mode == Split {
		show.Uniform("divide").Floats(float32(v.Divide))
		show.Uniform("left_edge").Floats(float32(v.Place.Min.X))
		show.Uniform("width").Floats(float32(v.Place.Dx()))
	}
	pw, ph := float32(ours.width), float32(ours.height)
	show.Uniform("part").Floats(float32(v.Part.Min.X)/pw, float32(v.Part.Min.Y)/ph, float32(v.Part.Max.X)/pw, float32(v.Part.Max.Y)/ph)
	place(show, v.Place, size)
	gogl.DrawArrays(gogl.TRIANGLE_STRIP, 0, 4)
}

func place(p *gl.Program, r image.Rectangle, size image.Point) {
	x := func(v int) float32 { return 2*float32(v)/float32(size.X) - 1 }
	y := func(v int) float32 { return 1 - 2*float32(v)/float32(size.Y) }
	p.Uniform("place").Floats(x(r.Min.X), y(r.Min.Y), x(r.Max.X), y(r.Max.Y))
}

func (w *Window) drawPanels(panels map[int]Panel, size image.Point) error {
	if len(panels) == 0 {
		return nil
	}
	gogl.Enable(gogl.BLEND)
	defer gogl.Disable(gogl.BLEND)
	gogl.BlendFunc(gogl.ONE, gogl.ONE_MINUS_SRC_ALPHA)
	w.over.Use()
	w.over.Uniform("panel").Ints(0)
	w.over.Uniform("part").Floats(0, 0, 1, 1)
	for _, id := range slices.Sorted(maps.Keys(panels)) {
		p := panels[id]
		r := p.Image.Rect
		t := w.panels[id]
		if t == nil || t.Width != r.Dx() || t.Height != r.Dy() {
			t.Release()
			var err error
			if t, err = gl.NewTexture(gl.RGBA8, r.Dx(), r.Dy(), 0); err != nil {
				return err
			}
			w.panels[id], p.Fresh = t, true
		}
		if p.Fresh {
			if err := t.Upload(0, 0, r.Dx(), r.Dy(), p.Image.Pix, p.Image.Stride); err != nil {
				return err
			}
			w.uploaded += int64(len(p.Image.Pix))
		}
		t.Bind(0)
		place(w.over, image.Rectangle{p.At, p.At.Add(r.Size())}, size)
		gogl.DrawArrays(gogl.TRIANGLE_STRIP, 0, 4)
	}
	return nil
}

// read returns what has been drawn, upright.
func read(width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	row := m.Stride
	raw := make([]byte, row*height)
	gogl.ReadBuffer(gogl.BACK)
	gogl.ReadPixels(0, 0, int32(width), int32(height), gogl.RGBA, gogl.UNSIGNED_BYTE, unsafe.Pointer(&raw[0]))
	for y := range height {
		copy(m.Pix[y*row:][:row], raw[(height-1-y)*row:])
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	return m
}

// Close closes the window and ends the window system.
func (w *Window) Close() error {
	if w.Window == nil {
		return errors.New("window: closed twice")
	}
	w.Turn(func() {
		for _, p := range w.show {
			p.Release()
		}
		w.over.Release()
		for _, p := range w.pictures {
			for _, t := range p.planes {
				t.Release()
			}
		}
		for _, t := range w.panels {
			t.Release()
		}
		gogl.DeleteVertexArrays(1, &w.vao)
		w.Destroy()
		glfw.Terminate()
	})
	w.Window = nil
	return nil
}
