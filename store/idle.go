package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/choirless/render/definition"
)

// Idle is what a song at rest has lately been used for.
type Idle struct {
	// Renders is how many renders have changed since the time asked for, and
	// Tasks the keys of what they are made of.
	Renders int
	Tasks   map[string]bool
	// Takes are the recordings the song has now: by the key of their ingest, and
	// by as much of the SHA-256 of what came of it as names that.
	Takes map[string]bool
}

// WhileIdle calls f while the song rests.
func (d *db) WhileIdle(ctx context.Context, id definition.Song, since time.Time, f func(Idle) error) (idle bool, err error) {
	err = d.change(ctx, "while idle", func(t *tx) error {
		t.quiet, idle = true, false
		var known int
		err := t.row(ctx, `SELECT COUNT(*) FROM songs WHERE choir = ? AND song = ?`, id.Choir, id.Song).Scan(&known)
		if err != nil || known == 0 { // not to be created by looking at it
			if err == nil {
				err = ErrNotFound
			}
			return err
		}
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		var busy int
		err = t.row(ctx, `SELECT
			(SELECT COUNT(*) FROM songs WHERE choir = ? AND song = ? AND (revision > planned OR lease_until > ?)) +
			(SELECT COUNT(*) FROM parts WHERE choir = ? AND song = ? AND state = 'ingesting') +
			(SELECT COUNT(*) FROM renders WHERE choir = ? AND song = ? AND state NOT IN ('done', 'failed', 'cancelled')) +
			(SELECT COUNT(*) FROM tasks WHERE choir = ? AND song = ? AND state IN ('queued', 'running'))`,
			id.Choir, id.Song, t.now, id.Choir, id.Song, id.Choir, id.Song, id.Choir, id.Song).Scan(&busy)
		if err != nil || busy > 0 {
			return err
		}
		u := Idle{Tasks: map[string]bool{}}
		if err := t.row(ctx, `SELECT COUNT(*) FROM renders WHERE choir = ? AND song = ? AND updated >= ?`,
			id.Choir, id.Song, since.UnixNano()).Scan(&u.Renders); err != nil {
			return err
		}
		if err := d.each(ctx, t, func(r *sql.Rows) error {
			var key string
			err := r.Scan(&key)
			u.Tasks[key] = true
			return err
		}, `SELECT DISTINCT l.key FROM render_tasks l JOIN renders r ON r.run = l.run
			WHERE r.choir = ? AND r.song = ? AND r.updated >= ?`, id.Choir, id.Song, since.UnixNano()); err != nil {
			return err
		}
		if u.Takes, err = t.takes(ctx, id); err != nil {
			return err
		}
		idle = true
		if err := f(u); err != nil {
			return fmt.Errorf("song %q: %w", id.Song, err)
		}
		return nil
	})
	return idle && err == nil, err
}

// takes returns Idle.Takes.
func (t *tx) takes(ctx context.Context, id definition.Song) (map[string]bool, error) {
	takes := map[string]bool{}
	err := t.d.each(ctx, t, func(r *sql.Rows) error {
		p, err := scanPart(r.Scan)
		if err != nil || p.Task == "" {
			return err
		}
		takes[p.Task] = true
		if p.Ingest != nil {
			takes[definition.TakeHash(p.Ingest.SHA256)] = true
		}
		return nil
	}, `SELECT `+partColumns+` FROM parts WHERE choir = ? AND song = ?`, id.Choir, id.Song)
	return takes, err
}
