package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/choirless/render/definition"
)

// pruneAtOnce is how many renders are looked for at a time.
const pruneAtOnce = 100

// bygone is the condition that render r is over, has not changed for long, and is neither
// the newest of its song and name, by which people and later renders go, nor the newest
// that is done, whose final is the song's.
const bygone = `r.state IN ('done', 'failed', 'cancelled') AND r.updated < ? AND r.seq NOT IN (
	(SELECT MAX(n.seq) FROM renders n WHERE n.choir = r.choir AND n.song = r.song AND n.name = r.name),
	COALESCE((SELECT MAX(n.seq) FROM renders n WHERE n.choir = r.choir AND n.song = r.song AND n.name = r.name
		AND n.state = 'done'), 0))`

// Prune removes what nobody asks for any more. A song that this fails for keeps no other
// from it.
func (d *db) Prune(ctx context.Context, before time.Time) (removed int, err error) {
	failed := map[definition.Song]error{}
	for {
		runs := map[definition.Song][]string{}
		found := 0
		err := d.each(ctx, d.read, func(r *sql.Rows) error {
			var id definition.Song
			var run string
			err := r.Scan(&id.Choir, &id.Song, &run)
			runs[id] = append(runs[id], run)
			found++
			return err
		}, `SELECT r.choir, r.song, r.run FROM renders r WHERE `+bygone+` ORDER BY r.updated LIMIT ?`, before.UnixNano(), pruneAtOnce)
		if err != nil {
			return removed, fmt.Errorf("store: prune: %w", err)
		}
		gone := 0
		for id, of := range runs {
			if failed[id] != nil {
				continue
			}
			if err := d.pruneSong(ctx, id, of, before); err != nil {
				failed[id] = inSong(id, err)
				continue
			}
			gone += len(of)
		}
		removed += gone
		if found < pruneAtOnce || gone == 0 {
			return removed, errors.Join(slices.Collect(maps.Values(failed))...)
		}
	}
}

// pruneSong removes renders of a song, which stay bygone: none but the newest begins
// anew. Of what they were made of it removes what no render that is left names; an
// ingest's task stays as long as its part goes by it.
func (d *db) pruneSong(ctx context.Context, id definition.Song, runs []string, before time.Time) error {
	return d.change(ctx, "prune", func(t *tx) error {
		t.quiet = true
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		for _, run := range runs {
			for _, table := range []string{"events", "render_tasks", "renders"} {
				if _, err := t.exec(ctx, `DELETE FROM `+table+` WHERE choir = ? AND song = ? AND run = ?`, id.Choir, id.Song, run); err != nil {
					return err
				}
			}
		}
		_, err := t.exec(ctx, `DELETE FROM tasks WHERE choir = ? AND song = ? AND state IN ('done', 'failed', 'cancelled') AND updated < ?
			AND NOT EXISTS (SELECT 1 FROM render_tasks l WHERE l.choir = tasks.choir AND l.song = tasks.song AND l.key = tasks.key)
			AND NOT EXISTS (SELECT 1 FROM parts p WHERE p.choir = tasks.choir AND p.song = tasks.song AND p.task = tasks.key)`,
			id.Choir, id.Song, before.UnixNano())
		return err
	})
}
