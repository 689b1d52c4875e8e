package coordinator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// The collection removes what can be made again and has not been wanted for
// Config.Keep: cells, sounds, converted parts and previews. Recordings,
// definitions, finals and snapshots are never touched.
//
// It works song by song and only on songs at rest: no render, no task, no
// recording on its way, no change to be planned. The song is locked meanwhile, so
// that nothing of it can begin between looking and removing; whatever begins
// after that finds the object gone, and has it made again. Of a song at rest stay
//
//   - what is younger than Keep;
//   - cells and sounds of a render that has changed within Keep, and the converted
//     parts of the newest recordings, however old they are.
//
// Of the database's renders those that are over, have not changed within Keep and are
// neither the newest of their song and name nor the newest that is done go too, with
// their history.
//
// The growing preview of a render is of no use when there is a final: its pieces
// go after a day. Objects of songs that the database does not know stay; a rule
// of the object store may remove them.

const (
	// collectEvery is the time between two collections.
	collectEvery = time.Hour
	// growingKeep is how long the pieces of a growing preview stay.
	growingKeep = 24 * time.Hour
	// collectAtOnce is how many objects are removed under one lock.
	collectAtOnce = 64
)

// object is one that may be removed.
type object struct {
	role, key string
	modified  time.Time
	keep      func(store.Idle) bool // whether it stays for what the song was used for
}

// collect removes what nobody wants, of the database also where that of the buckets fails.
func (c *Coordinator) collect(ctx context.Context) error {
	now := time.Now()
	removed, err := c.collectObjects(ctx, now)
	pruned, errPrune := c.store.Prune(ctx, now.Add(-c.cfg.Keep))
	if removed+pruned > 0 {
		c.log.Info("collected", "objects", removed, "renders", pruned)
	}
	return errors.Join(err, errPrune)
}

func (c *Coordinator) collectObjects(ctx context.Context, now time.Time) (removed int, _ error) {
	found := map[definition.Song][]object{}
	for _, role := range []string{definition.BucketFinalParts, definition.BucketConverted, definition.BucketPreview} {
		for info, err := range c.cfg.Buckets[role].List(ctx, "") {
			if err != nil {
				return 0, fmt.Errorf("%s: %w", role, err)
			}
			song, age, keep := collectable(role, info.Key, c.cfg.Keep)
			if keep == nil || now.Sub(info.Modified) < age {
				continue
			}
			found[song] = append(found[song], object{role, info.Key, info.Modified, keep})
		}
	}
	for song, objects := range found {
		for len(objects) > 0 {
			some := objects[:min(collectAtOnce, len(objects))]
			objects = objects[len(some):]
			n, err := c.collectSong(ctx, song, now.Add(-c.cfg.Keep), some)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// collectSong removes those of a song's objects that are not wanted; none when
// the song is busy.
func (c *Coordinator) collectSong(ctx context.Context, song definition.Song, since time.Time, objects []object) (removed int, err error) {
	_, err = c.store.WhileIdle(ctx, song, since, func(used store.Idle) error {
		removed = 0 // it may be called again
		for _, o := range objects {
			if o.keep(used) {
				continue
			}
			b := c.cfg.Buckets[o.role]
			// Made anew since the list was read, by work that has ended since.
			if info, err := b.Stat(ctx, o.key); err != nil || !info.Modified.Equal(o.modified) {
				continue
			}
			if err := b.Delete(ctx, o.key); err != nil {
				return fmt.Errorf("%s/%s: %w", o.role, o.key, err)
			}
			removed++
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return removed, err
}

// collectable says whose an object is, how old it must be to go, and what keeps
// it all the same; nothing for what is not ours to remove.
func collectable(role, key string, keep time.Duration) (definition.Song, time.Duration, func(store.Idle) bool) {
	whole := strings.TrimSuffix(key, noteExt) // a note goes as what it lies beside
	rendered := func(u store.Idle) bool { return u.Renders > 0 }
	never := func(store.Idle) bool { return false }
	switch role {
	case definition.BucketFinalParts:
		if k, err := definition.ParseCellKey(whole); err == nil {
			if k.Ext == masterExt { // no task made it, and it is made again in no time
				return k.Song, keep, never
			}
			return k.Song, keep, func(u store.Idle) bool { return u.Tasks[k.Hash] }
		}
	case definition.BucketConverted:
		if k, err := definition.ParseTakeKey(whole); err == nil {
			if k.Hash == "" {
				return k.Song, keep, rendered
			}
			return k.Song, keep, func(u store.Idle) bool { return u.Renders > 0 && u.Takes[k.Hash] }
		}
	case definition.BucketPreview:
		if k, err := definition.ParseRunKey(key); err == nil {
			return k.Song, min(keep, growingKeep), never
		}
		if k, err := definition.ParseGrowingKey(key); err == nil {
			return k.Song, min(keep, growingKeep), never
		}
		if k, err := definition.ParsePreviewKey(key); err == nil {
			return k.Song, keep, rendered
		}
	}
	return definition.Song{}, 0, nil
}
