package coordinator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// autoDefinition makes the definition of a song from its parts. It fails permanently
// where parts and settings come to none, until one of them changes.
func (c *Coordinator) autoDefinition(ctx context.Context, claim store.SongClaim, cast cast) (*definition.Definition, error) {
	set, err := status.Settings(claim.Song)
	if err != nil {
		return nil, permanent{err}
	}
	parts := append([]plan.SongPart(nil), cast.rejected...)
	for i, p := range cast.usable {
		parts = append(parts, plan.SongPart{
			Doc: cast.docs[i], Facts: &cast.usable[i].Ingest.Facts,
			Offset: p.Alignment.MediaOffset(), DriftPPM: p.Alignment.DriftPPM,
		})
	}
	o := plan.AutoOptions{Output: set.Output.Or(c.cfg.Output), Layout: set.Layout}
	if o.Layout == (definition.LayoutOptions{}) {
		o.Layout = c.cfg.Layout
	}
	last, err := c.store.LatestRender(ctx, claim.Song.Song, definition.AutoName)
	if err == nil {
		o.Previous, _, err = definition.Read(last.Definition)
		if err != nil {
			c.log.Warn("the definition before cannot be read", "run", last.Run, "song", last.Song.Song, "error", err)
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	def, _, err := plan.FromSong(claim.Song.Song, parts, o) // its warnings come again when it is planned
	if err != nil {
		return nil, permanent{err}
	}
	return def, nil
}

// publish puts the automatic definition into its bucket, if it changed, and has
// it rendered, if it or what it stands for changed.
func (c *Coordinator) publish(ctx context.Context, id definition.Song, def *definition.Definition) error {
	text, err := definition.Marshal(def)
	if err != nil {
		return err
	}
	key := definition.NameKey{Song: id, Name: definition.AutoName}.DefinitionKey()
	there, info, err := c.read(ctx, definition.BucketDefinition, key)
	if err != nil && !errors.Is(err, bucket.ErrNotFound) {
		return err
	}
	if err != nil || !bytes.Equal(there, text) {
		info, err = c.cfg.Buckets[definition.BucketDefinition].Put(ctx, key, bytes.NewReader(text),
			bucket.PutOptions{ContentType: "application/json"})
		if err != nil {
			return fmt.Errorf("%s/%s: %w", definition.BucketDefinition, key, err)
		}
	}
	n := store.NewRender{Run: randomID(8), Song: id, Name: definition.AutoName, Key: key, ETag: info.ETag, Definition: text}
	if n.Force, err = c.outdated(ctx, id, info.ETag, def); err != nil {
		return err
	}
	r, fresh, err := c.store.AddRender(ctx, n)
	if fresh {
		c.log.Info("definition", "run", r.Run, "song", id.Song, "key", key)
	}
	return err
}

// outdated reports whether the newest render of the same definition would come
// out differently now: the definition does not say which recordings it was made
// from, nor how loud they are.
func (c *Coordinator) outdated(ctx context.Context, id definition.Song, etag string, def *definition.Definition) (bool, error) {
	last, err := c.store.LatestRender(ctx, id, definition.AutoName)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	switch {
	case last.ETag != etag || last.State == store.Queued:
		return false, nil // it is another one, or will be planned from what is there now
	case last.State == store.Failed || last.State == store.Cancelled:
		return true, nil
	}
	now, _, err := c.makePlan(ctx, last, def)
	if errors.As(err, new(permanent)) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	text, err := json.Marshal(now)
	return err == nil && !bytes.Equal(text, last.Plan), err
}

// defined takes note of a definition somebody put into the bucket.
func (c *Coordinator) defined(ctx context.Context, info bucket.Info) error {
	key, err := definition.ParseDefinitionKey(info.Key)
	if err != nil {
		c.log.Info("object ignored", "bucket", definition.BucketDefinition, "error", err)
		return nil
	}
	text, info, err := c.read(ctx, definition.BucketDefinition, info.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	r, fresh, err := c.store.AddRender(ctx, store.NewRender{
		Run: randomID(8), Song: key.Song, Name: key.Name, Key: info.Key, ETag: info.ETag, Definition: text,
	})
	if fresh {
		c.log.Info("definition", "run", r.Run, "song", key.Song.Song, "key", info.Key)
	}
	return err
}
