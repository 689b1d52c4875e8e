package coordinator

import (
	"context"
	"errors"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/store"
)

// traced takes a step of a song as a span of its trace. A step that cannot be taken
// yet leaves none.
func (c *Coordinator) traced(ctx context.Context, song definition.Song, name string, about []any, step func(context.Context) error) error {
	ctx, end := c.cfg.Trace.Start(ctx, song, name, about...)
	err := step(ctx)
	if !errors.Is(err, errWait) {
		end(err)
	}
	return err
}

// tracedRender is traced for a step of a render.
func (c *Coordinator) tracedRender(ctx context.Context, name string, r store.Render, step func(context.Context, store.Render) error) error {
	about := []any{"run", r.Run, "attempt", r.Failures + 1}
	return c.traced(ctx, r.Song, name, about, func(ctx context.Context) error { return step(ctx, r) })
}

// asked notes in assignments what asks for them.
func asked(ctx context.Context, tasks []store.NewTask) {
	for i := range tasks {
		tasks[i].Trace = trace.Context(ctx)
	}
}
