package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// uploaded takes note of a recording and has it read.
func (c *Coordinator) uploaded(ctx context.Context, info bucket.Info) error {
	raw, err := definition.ParseRawKey(info.Key)
	if err != nil {
		c.log.Info("object ignored", "bucket", definition.BucketRaw, "error", err)
		return nil
	}
	id := store.PartID{Song: raw.Song, Part: raw.Part}
	known, err := c.store.Part(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if older, err := c.overtaken(ctx, known, info); older || err != nil {
		return err
	}
	return c.ingest(ctx, id, store.Raw{Key: info.Key, ETag: info.ETag, Size: info.Size})
}

// overtaken reports whether a part is known by a newer recording than that, under another
// extension: notifications of two keys have no order.
func (c *Coordinator) overtaken(ctx context.Context, known store.Part, info bucket.Info) (bool, error) {
	if known.Raw.Key == "" || known.Raw.Key == info.Key {
		return false, nil
	}
	newer, err := c.cfg.Buckets[definition.BucketRaw].Stat(ctx, known.Raw.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("%s/%s: %w", definition.BucketRaw, known.Raw.Key, err)
	}
	if !newer.Modified.After(info.Modified) {
		return false, nil
	}
	c.log.Info("older recording ignored", "song", known.Song.Song, "part", known.Part, "key", info.Key, "newer", newer.Key)
	return true, nil
}

// ingest notes a recording, the part's own for the zero Raw, with the task to read it as
// the part's document asks. Nothing happens when both are known.
func (c *Coordinator) ingest(ctx context.Context, id store.PartID, raw store.Raw) error {
	ctx, end := c.cfg.Trace.Start(ctx, id.Song, "recording", "part", id.Part)
	fresh, err := c.store.Uploaded(ctx, store.Upload{
		PartID: id, Raw: raw, Debounce: c.cfg.Debounce,
		Task: func(p store.Part) (store.NewTask, error) {
			key, err := definition.ParseRawKey(p.Raw.Key)
			if err != nil {
				return store.NewTask{}, err
			}
			raw = p.Raw
			a := plan.NewIngest(key, raw.ETag, media.Rotation(c.document(p).Rotate.Or(0)))
			a.Trace = trace.Context(ctx)
			return store.NewTask{Assignment: a, Part: id.Part}, nil
		},
	})
	if fresh || err != nil { // what was known leaves no span
		end(err)
	}
	if fresh {
		c.log.Info("recording", "song", id.Song.Song, "part", id.Part, "key", raw.Key, "bytes", raw.Size)
	}
	return err
}

// document returns the document of a part; an empty one where there is none, or
// none that can be read.
func (c *Coordinator) document(p store.Part) definition.Part {
	doc, err := status.Document(p)
	if err != nil {
		c.log.Warn("part document ignored", "song", p.Song.Song, "part", p.Part, "error", err)
	}
	return doc
}
