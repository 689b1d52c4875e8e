package coordinator

import (
	"log/slog"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// logOf is the log of a render: its lines say run, song, state and the attempt at
// the step that is taken in it.
func (c *Coordinator) logOf(r store.Render) *slog.Logger {
	return c.log.With("run", r.Run, "song", r.Song.Song, "state", r.State, "attempt", r.Failures+1)
}

// logOfReport is the log of a task a node speaks of: its lines say what node.ids
// says on the node's side, so that both can be found together.
func (c *Coordinator) logOfReport(r plan.Report) *slog.Logger {
	ids := []any{"song", r.Song.Song, "task", r.Key, "kind", r.Kind, "attempt", r.Attempt, "node", r.Node}
	if r.Run != "" { // a recording is ingested for no render
		ids = append(ids, "run", r.Run)
	}
	if r.Part != "" {
		ids = append(ids, "part", r.Part)
	}
	if r.Kind == plan.KindPicture || r.Kind == plan.KindSound {
		ids = append(ids, "stripe", r.Stripe)
	}
	if r.Kind == plan.KindPicture || r.Kind == plan.KindStack {
		ids = append(ids, "segment", r.Segment)
	}
	return c.log.With(ids...)
}
