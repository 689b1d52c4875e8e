package gl

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// ErrClosed is returned by Do on a closed Device.
var ErrClosed = errors.New("gl: device closed")

// Options choose a context. The zero value takes the best there is.
type Options struct {
	// Software asks for a software renderer even where there is a GPU.
	Software bool
}

// Limits are what the driver allows.
type Limits struct {
	TextureSize    int    `json:"texture_size"`   // side of a 2D texture, texels
	BufferTexels   int    `json:"buffer_texels"`  // texels of a buffer texture
	ColorTargets   int    `json:"color_targets"`  // colour attachments drawn to at once
	ImageUniforms  int    `json:"image_uniforms"` // images a fragment shader may read
	RendererName   string `json:"renderer"`
	Vendor         string `json:"vendor"`
	VersionName    string `json:"version"`
	SoftwareRender bool   `json:"software"`
	// Opened is how the context came about: surfaceless, device N, default display.
	Opened string `json:"opened"`
}

// Device is a GL context and the goroutine that owns it.
// Safe for concurrent use: calls of Do take turns.
type Device struct {
	calls  chan func()
	quit   chan struct{} // closed by Close; calls stays open, as Do may race Close
	gone   chan struct{} // closed when the goroutine has ended
	once   sync.Once
	limits Limits
	vao    uint32
}

// load guards go-gl's table of functions, which is one for the process.
var load struct {
	sync.Mutex
	done bool
}

// Open opens a context. It may block for as long as the driver takes to start.
// The caller must Close the device.
func Open(ctx context.Context, o Options) (*Device, error) {
	d := &Device{calls: make(chan func()), quit: make(chan struct{}), gone: make(chan struct{})}
	started := make(chan error, 1)
	go d.run(o, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("gl: %w", err)
	}
	if err := ctx.Err(); err != nil {
		d.Close()
		return nil, context.Cause(ctx)
	}
	return d, nil
}

// run owns the context from beginning to end. The thread stays locked when it
// returns, so that the runtime throws the thread away, and with it whatever
// state a driver keeps in it.
func (d *Device) run(o Options, started chan<- error) {
	runtime.LockOSThread()
	defer close(d.gone)
	oneRasteriser.Lock() // it may be software, which is known only afterwards
	c, renderer, err := openContext(o.Software)
	oneRasteriser.Unlock()
	if err != nil {
		started <- err
		return
	}
	defer turn(renderer, c.closeLocked)
	turn(renderer, func() { err = d.start(renderer, c.source) })
	if err != nil {
		started <- err
		return
	}
	started <- nil
	for {
		select {
		case f := <-d.calls:
			turn(renderer, f)
		case <-d.quit:
			turn(renderer, func() { gl.DeleteVertexArrays(1, &d.vao) })
			return
		}
	}
}

// oneRasteriser lets software contexts take turns.
var oneRasteriser sync.Mutex

// TakeTurn runs f alone among the process's software contexts, if renderer, as
// GL_RENDERER names it, is one. Whoever has a context of their own beside those
// of this package, such as a window's, calls GL inside of it; see turn.
func TakeTurn(renderer string, f func()) { turn(renderer, f) }

// turn runs f on the GL thread, alone among the process's software contexts.
// Contexts of one llvmpipe share a screen, and a draw looks through the scenes
// of all of them for the textures it uses, while another context may be freeing
// its own: with freed memory overwritten (MALLOC_PERTURB_) two engines at work
// crashed Mesa 22.3 in four runs of six. Hardware drivers run beside each other.
func turn(renderer string, f func()) {
	if isSoftware(renderer) {
		oneRasteriser.Lock()
		defer oneRasteriser.Unlock()
	}
	f()
}

// start loads the functions and sets what never changes. GL thread.
func (d *Device) start(renderer, opened string) error {
	load.Lock()
	defer load.Unlock()
	if !load.done {
		if err := gl.InitWithProcAddrFunc(procAddress); err != nil {
			return fmt.Errorf("load functions: %w", err)
		}
		load.done = true
	}
	get := func(name uint32) int {
		var v int32
		gl.GetIntegerv(name, &v)
		return int(v)
	}
	d.limits = Limits{
		TextureSize:    get(gl.MAX_TEXTURE_SIZE),
		BufferTexels:   get(gl.MAX_TEXTURE_BUFFER_SIZE),
		ColorTargets:   min(get(gl.MAX_DRAW_BUFFERS), get(gl.MAX_COLOR_ATTACHMENTS)),
		ImageUniforms:  get(gl.MAX_FRAGMENT_IMAGE_UNIFORMS),
		RendererName:   renderer,
		Vendor:         gl.GoStr(gl.GetString(gl.VENDOR)),
		VersionName:    gl.GoStr(gl.GetString(gl.VERSION)),
		SoftwareRender: isSoftware(renderer),
		Opened:         opened,
	}
	// Core profile draws nothing without a vertex array, even an empty one.
	gl.GenVertexArrays(1, &d.vao)
	gl.BindVertexArray(d.vao)
	gl.PixelStorei(gl.PACK_ALIGNMENT, 1)
	gl.PixelStorei(gl.UNPACK_ALIGNMENT, 1)
	gl.Disable(gl.DITHER)
	return Check("start")
}

// Do runs f on the GL thread and returns its error. If ctx ends before f
// starts, f never runs; once started, f is waited for, as it may use the
// caller's memory. f must not call Do.
func (d *Device) Do(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	select {
	case d.calls <- func() { done <- f() }:
		return <-done
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-d.quit:
		return ErrClosed
	}
}

// Limits returns what the driver allows.
func (d *Device) Limits() Limits { return d.limits }

// Close ends the goroutine and destroys the context, and with it every object
// made on the device. It waits for a call of Do that has started. It may be
// called any number of times.
func (d *Device) Close() error {
	d.once.Do(func() { close(d.quit) })
	<-d.gone
	return nil
}
