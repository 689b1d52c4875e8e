// Package engine composes pictures: tiles of decoded video, scaled, coloured
// and placed on a canvas by OpenGL, on a GPU or on Mesa's llvmpipe.
package engine

import (
	"context"
	"errors"

	"github.com/choirless/render/media"
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
}

// Engine owns one OpenGL context and the goroutine it lives on.
// Safe for concurrent use; the canvases of one Engine take turns.
type Engine struct{}

// New starts an engine. It may block for the time it takes to open the driver,
// a second at worst. The caller must Close it.
func New(ctx context.Context, o Options) (*Engine, error) {
	return nil, errors.New("engine: not built yet")
}

// Renderer names the driver's renderer, as GL_RENDERER does.
func (e *Engine) Renderer() string { return "" }

// Software reports whether the renderer runs on the CPU.
func (e *Engine) Software() bool { return false }

// Close releases the context. Canvases that are still open stop working.
// It may be called any number of times.
func (e *Engine) Close() error { return nil }

// Canvas is a scene being rendered. Not safe for concurrent use.
type Canvas struct{}

// NewCanvas prepares a scene. The caller must Close the canvas.
func (e *Engine) NewCanvas(ctx context.Context, s Scene) (*Canvas, error) {
	return nil, errors.New("engine: not built yet")
}

// Render changes the tiles named and returns the whole canvas: 8-bit 4:2:0 in
// media.CanvasColor, sited left. Tiles not named keep their pixels; a tile
// never named shows its placeholder. Of several updates of one tile the last
// counts.
//
// The frame is valid, and does not change, until release is called; release
// must be called exactly once, from any goroutine. Frames not yet released do
// not hold up the next Render; they cost memory.
func (c *Canvas) Render(ctx context.Context, updates []Update) (f *media.Frame, release func(), err error) {
	return nil, nil, errors.New("engine: not built yet")
}

// Close releases what the canvas holds on the GPU. Frames handed out stay
// valid until released. It may be called any number of times.
func (c *Canvas) Close() error { return nil }
