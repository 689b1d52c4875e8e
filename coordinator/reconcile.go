package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// recentFinals is how many of the newest renders are checked for the final being
// their own, and recentFinal for how long.
const (
	recentFinals = 200
	recentFinal  = 24 * time.Hour
)

// reconcile compares the buckets with the store and repairs what no event told:
// recordings and definitions that are not known, or are not what is known, and
// finals that somebody who had lost his claim overwrote.
func (c *Coordinator) reconcile(ctx context.Context) error {
	if c.cfg.Watched {
		return c.reconcileFinals(ctx)
	}
	return errors.Join(c.reconcileRaw(ctx), c.reconcileDefinitions(ctx), c.reconcileFinals(ctx))
}

func (c *Coordinator) reconcileRaw(ctx context.Context) error {
	known, err := c.store.Recordings(ctx)
	if err != nil {
		return err
	}
	// Of two uploads of one part, with different extensions, the newer counts.
	newest := map[store.PartID]bucket.Info{}
	for info, err := range c.cfg.Buckets[definition.BucketRaw].List(ctx, "") {
		if err != nil {
			return fmt.Errorf("%s: %w", definition.BucketRaw, err)
		}
		key, err := definition.ParseRawKey(info.Key)
		if err != nil {
			continue // not for us; an event would have been logged
		}
		id := store.PartID{Song: key.Song, Part: key.Part}
		if old, ok := newest[id]; !ok || info.Modified.After(old.Modified) {
			newest[id] = info
		}
	}
	for _, info := range newest {
		if known[info.Key] == info.ETag {
			continue
		}
		// The list is of a while ago: what counts is what is there now.
		if err := c.Announce(ctx, definition.BucketRaw, info.Key); err != nil {
			return err
		}
	}
	return nil
}

func (c *Coordinator) reconcileDefinitions(ctx context.Context) error {
	known, err := c.store.Definitions(ctx)
	if err != nil {
		return err
	}
	for info, err := range c.cfg.Buckets[definition.BucketDefinition].List(ctx, "") {
		if err != nil {
			return fmt.Errorf("%s: %w", definition.BucketDefinition, err)
		}
		if known[info.Key] == info.ETag {
			continue
		}
		if _, err := definition.ParseDefinitionKey(info.Key); err != nil {
			continue
		}
		if err := c.defined(ctx, info); err != nil {
			return err
		}
	}
	return nil
}

func (c *Coordinator) reconcileFinals(ctx context.Context) error {
	renders, err := c.store.Renders(ctx, definition.Song{}, recentFinals)
	if err != nil {
		return err
	}
	newer := map[definition.NameKey]bool{}
	for _, r := range renders { // newest first
		name := definition.NameKey{Song: r.Song, Name: r.Name}
		if newer[name] {
			continue
		}
		newer[name] = true
		if r.State != store.Finished || time.Since(r.FinishedAt) > recentFinal {
			continue
		}
		var out Output
		if err := json.Unmarshal(r.Output, &out); err != nil {
			continue
		}
		info, err := c.cfg.Buckets[definition.BucketFinal].Stat(ctx, out.Final)
		if errors.Is(err, bucket.ErrNotFound) || (err == nil && info.ETag == out.ETag) {
			continue // deleted on purpose, or as it should be
		} else if err != nil {
			return fmt.Errorf("%s/%s: %w", definition.BucketFinal, out.Final, err)
		}
		c.logOf(r).Warn("the final is not its render's, made again", "key", out.Final)
		if err := c.store.RefinishRender(ctx, r.Run); err != nil && !errors.Is(err, store.ErrLost) {
			return err
		}
	}
	return nil
}
