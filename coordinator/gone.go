package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// findRecordings looks for recordings that a definition mentions and nobody has
// told us of: its notification may have overtaken theirs.
func (c *Coordinator) findRecordings(ctx context.Context, id definition.Song, def *definition.Definition, parts []store.Part) error {
	known := map[definition.PartID]bool{}
	for _, p := range parts {
		known[p.Part] = p.State != store.PartNew
	}
	found := false
	for i := range def.Inputs {
		part := def.Inputs[i].PartID
		if known[part] {
			continue
		}
		for info, err := range c.cfg.Buckets[definition.BucketRaw].List(ctx, definition.RawKey{Song: id, Part: part}.String()) {
			if err != nil {
				return fmt.Errorf("%s: %w", definition.BucketRaw, err)
			}
			if key, err := definition.ParseRawKey(info.Key); err != nil || key.Part != part {
				continue // a longer id that begins the same
			}
			if err := c.uploaded(ctx, info); err != nil {
				return err
			}
			found = true
		}
	}
	if found {
		return errWait
	}
	return nil
}

// redoGone has recordings read again whose converted file is gone.
func (c *Coordinator) redoGone(ctx context.Context, parts []store.Part, used map[definition.PartID]plan.Part) error {
	again := false
	for _, p := range parts {
		known, ok := used[p.Part]
		if !ok || known.Rejected != "" {
			continue
		}
		info, err := c.cfg.Buckets[known.Converted.Bucket].Stat(ctx, known.Converted.Key)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return fmt.Errorf("%s/%s: %w", known.Converted.Bucket, known.Converted.Key, err)
		}
		if err == nil && (p.Ingest.Bytes == 0 || info.Size == p.Ingest.Bytes) {
			continue
		}
		again = true
		c.log.Warn("the converted part is gone, read again", "song", p.Song.Song, "part", p.Part)
		if err := c.store.RedoTasks(ctx, p.Song, p.Task); err != nil {
			return err
		}
	}
	if again {
		return errWait
	}
	return nil
}

// redoLost queues again tasks that are done but whose object is gone: by age, or
// by hand.
func (c *Coordinator) redoLost(ctx context.Context, id definition.Song, tasks []store.NewTask) error {
	there := map[string]bool{}
	prefix := definition.CellKey{Song: id}.String() // choir+song+
	for info, err := range c.cfg.Buckets[definition.BucketFinalParts].List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("%s: %w", definition.BucketFinalParts, err)
		}
		there[info.Key] = info.Size > 0
	}
	var gone []string
	for _, n := range tasks {
		if !there[n.Out().Key] {
			gone = append(gone, n.Key)
		}
	}
	return c.store.RedoTasks(ctx, id, gone...)
}

// madeAgain is how long after an object was stored a node may say that it is gone. With
// no end to it a node that finds nothing would try for ever.
const madeAgain = time.Minute

// sourceGone reports whether an object is gone that a task of a render reads: then it
// is no wonder that it failed. Whoever swept the object away may have done so after the
// task was planned. One that the node did not find and that was stored just now has been
// made again before the report of it was read.
func (c *Coordinator) sourceGone(ctx context.Context, r plan.Report) (bool, error) {
	task, err := c.store.Task(ctx, r.Song, r.Key)
	if err != nil {
		return false, err
	}
	for _, ref := range sources(task.Assignment) {
		switch info, err := c.cfg.Buckets[ref.Bucket].Stat(ctx, ref.Key); {
		case errors.Is(err, bucket.ErrNotFound), err == nil && r.Gone && time.Since(info.Modified) < madeAgain:
			c.log.Warn("an object that a task reads is gone", "song", r.Song.Song, "task", r.Key, "bucket", ref.Bucket, "key", ref.Key)
			return true, nil
		case err != nil:
			return false, fmt.Errorf("%s/%s: %w", ref.Bucket, ref.Key, err)
		}
	}
	return false, nil
}

// sources are the objects that an assignment of a render reads.
func sources(a plan.Assignment) []plan.Ref {
	var refs []plan.Ref
	switch {
	case a.Picture != nil:
		for _, t := range a.Picture.Tiles {
			refs = append(refs, t.Source)
		}
		if a.Picture.Backdrop != nil {
			refs = append(refs, a.Picture.Backdrop.Image)
		}
		for _, o := range a.Picture.Overlays {
			refs = append(refs, o.Image)
		}
	case a.Sound != nil:
		for _, v := range a.Sound.Voices {
			refs = append(refs, v.Source)
		}
	case a.Stack != nil:
		for _, s := range a.Stack.Stripes {
			refs = append(refs, s.Source)
		}
	}
	return refs
}
