package engine

import (
	"context"

	"github.com/choirless/render/engine/gl"
)

// FreeMemory returns how many bytes of the GPU's own memory are free; known is
// false where the driver does not say, as a software renderer does not.
func (e *Engine) FreeMemory(ctx context.Context) (bytes int64, known bool, err error) {
	err = e.do(ctx, func() error {
		bytes, known = gl.FreeMemory()
		return nil
	})
	return bytes, known, err
}
