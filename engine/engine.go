// Package engine composes pictures: tiles of decoded video, scaled, coloured
// and placed on a canvas by OpenGL, on a GPU or on Mesa's llvmpipe.
//
// An [Engine] owns a GL context. A [Canvas] is one [Scene] being rendered; each
// [Canvas.Render] takes the tiles that changed and returns the whole canvas.
// [Canvas.Begin] and [Canvas.Finish] are its two halves, for a GPU that can have
// several frames under way.
//
//	frame --upload--> V pass --> H pass --readback--> tile --compose--> canvas
//
// The passes are those of plain.go or fast.go, which make the same pixels; what
// colours mean is in color.go, where samples lie in geometry.go, how they are
// weighted in filter.go, how tiles become a canvas in compose.go, and how frames
// overlap on a GPU in pipeline.go and ring.go.
package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/shaders"
)

// ErrClosed is returned by calls on a closed Engine or Canvas.
var ErrClosed = errors.New("engine: closed")

// Options choose how an Engine draws. The zero value is the default.
type Options struct {
	// Software forces the software renderer even where there is a GPU.
	Software bool
	// Plain forces the plain two-pass scaler, the reference the fast one is
	// tested against.
	Plain bool
	// Timed has the driver measure its passes; see Canvas.Work.
	Timed bool
	// Shaders are the files to draw with; by default those the program was built with.
	Shaders shaders.Files
	// Tune changes how the fast scaler uses the driver; the zero value is what
	// suits it.
	Tune Tuning
}

// Engine owns one OpenGL context and the goroutine it lives on.
// Safe for concurrent use; the canvases of one Engine take turns.
type Engine struct {
	dev      *gl.Device
	options  Options
	programs *programs // for canvases to come; GL thread
	kept     *fast     // of the canvas closed last, for one to come; GL thread
	pictures pictureMemory
}

// New starts an engine. It may block for the time it takes to open the driver,
// a second at worst. The caller must Close it.
func New(ctx context.Context, o Options) (*Engine, error) {
	dev, err := gl.Open(ctx, gl.Options{Software: o.Software})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if o.Tune, err = o.Tune.resolve(dev.Limits()); err != nil {
		dev.Close()
		return nil, fmt.Errorf("engine: %w", err)
	}
	return &Engine{dev: dev, options: o, programs: newPrograms(o.Shaders, o.Tune)}, nil
}

// Device is what the driver says of itself, and its limits.
type Device = gl.Limits

// Device returns what the engine draws with.
func (e *Engine) Device() Device { return e.dev.Limits() }

// Renderer names the driver's renderer, as GL_RENDERER does.
func (e *Engine) Renderer() string { return e.dev.Limits().RendererName }

// Tuning returns how the fast scaler uses the driver, every field set.
func (e *Engine) Tuning() Tuning { return e.options.Tune }

// Software reports whether the renderer runs on the CPU.
func (e *Engine) Software() bool { return e.dev.Limits().SoftwareRender }

// SetShaders has canvases made from now on draw with other shader files; those
// there are keep theirs. Nothing is compiled yet: a canvas does that when it is
// made and when it first draws a kind of picture.
func (e *Engine) SetShaders(ctx context.Context, files shaders.Files) error {
	return e.do(ctx, func() error {
		e.releaseKept()
		old := e.programs
		e.programs = newPrograms(files, e.options.Tune)
		old.replaced = true
		old.releaseUnused()
		return nil
	})
}

// Close releases the context. Canvases that are still open stop working.
// It may be called any number of times.
func (e *Engine) Close() error { return e.dev.Close() }

// do runs f on the GL thread.
func (e *Engine) do(ctx context.Context, f func() error) error {
	err := e.dev.Do(ctx, f)
	if errors.Is(err, gl.ErrClosed) {
		return ErrClosed
	}
	return err
}
