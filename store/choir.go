package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/choirless/render/definition"
)

// Choir is a row of choirs. No document that reaches us names a choir for people, so
// that its id is all there is.
type Choir struct {
	ID definition.ChoirID
	// Songs is how many songs it has, 1 or more.
	Songs int
	// Created is when its first song came, Updated when something last happened:
	// the newest step of its songs, or a song that came and has none yet.
	Created, Updated time.Time
}

// addChoir notes that a song of the choir has come, once for every song. It is the
// last thing a transaction does before its events, so that songs of one choir that
// come at once wait for each other as little as can be.
func (t *tx) addChoir(ctx context.Context, id definition.ChoirID) error {
	_, err := t.exec(ctx, `INSERT INTO choirs (choir, created, updated) VALUES (?, ?, ?)
		ON CONFLICT (choir) DO UPDATE SET updated = excluded.updated`, id, t.now, t.now)
	return err
}

// Choirs returns the choirs where something happened last.
func (d *db) Choirs(ctx context.Context, limit int) ([]Choir, error) {
	var all []Choir
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var c Choir
		var created, updated int64
		err := r.Scan(&c.ID, &c.Songs, &created, &updated)
		c.Created, c.Updated = moment(created), moment(updated)
		all = append(all, c)
		return err
	}, `SELECT choir, songs, created, CASE WHEN step > updated THEN step ELSE updated END AS happened
		FROM (SELECT c.choir, c.created, c.updated, COUNT(*) AS songs, COALESCE(MAX(
				(SELECT e.at FROM events e WHERE e.choir = s.choir AND e.song = s.song ORDER BY e.seq DESC LIMIT 1)), 0) AS step
			FROM choirs c JOIN songs s ON s.choir = c.choir GROUP BY c.choir, c.created, c.updated) AS each_choir
		ORDER BY happened DESC, choir LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("store: choirs: %w", err)
	}
	return all, nil
}
