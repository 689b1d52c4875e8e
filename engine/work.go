package engine

import (
	"context"
	"maps"
	"time"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
)

// Work is what a canvas has cost since it was made.
type Work struct {
	// Passes is the driver's time by pass: "vertical" and "horizontal" of the fast
	// variant, all of "plain". Measured only when Options.Timed.
	Passes map[string]time.Duration
	// Uploaded and ReadBack are bytes to and from the driver.
	Uploaded, ReadBack int64
}

// ledger keeps a canvas' Work. GL thread.
type ledger struct {
	watch *gl.Stopwatch // nil: bytes only
	work  Work
}

func newLedger(timed bool) *ledger {
	l := &ledger{work: Work{Passes: map[string]time.Duration{}}}
	if timed {
		l.watch = &gl.Stopwatch{}
	}
	return l
}

// plain counts what a plain draw moves: the planes of a frame, those of a tile.
func (l *ledger) plain(f *media.Frame, to *picture) {
	for i := range f.Planes {
		l.work.Uploaded += int64(f.Planes[i].Width * f.Planes[i].Height * ((f.Depth + 7) / 8))
		l.work.ReadBack += int64(to.planes[i].Width * to.planes[i].Height)
	}
}

// Work returns what the canvas has cost. It waits for what has been begun.
func (c *Canvas) Work(ctx context.Context) (w Work, err error) {
	err = c.engine.do(ctx, func() error {
		c.ledger.watch.Read(c.ledger.work.Passes)
		w = c.ledger.work
		w.Passes = maps.Clone(w.Passes)
		return nil
	})
	return w, err
}
