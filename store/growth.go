package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Growth is the right to let the preview of a render grow. It is apart from the
// render's Claim, which nobody holds while nodes work.
type Growth struct {
	Render // as it was when claimed; Grown segments are in the preview, Ready could be
	until  int64
}

// growing is the condition of a render whose preview lags behind.
const growing = `ready > grown AND state IN ('rendering', 'stacking') AND grow_until <= ?`

// ClaimGrowth claims a render whose preview could grow.
func (d *db) ClaimGrowth(ctx context.Context, lease time.Duration) (Growth, error) {
	var g Growth
	err := d.read.QueryRowContext(ctx, d.sql(`SELECT run, choir, song FROM renders WHERE `+growing+` ORDER BY grow_until LIMIT 1`),
		d.now().UnixNano()).Scan(&g.Run, &g.Choir, &g.Song.Song)
	if errors.Is(err, sql.ErrNoRows) {
		return g, ErrNotFound
	} else if err != nil {
		return g, fmt.Errorf("store: claim growth: %w", err)
	}
	err = d.change(ctx, "claim growth", func(t *tx) error {
		t.quiet = true
		if err := t.lockSong(ctx, g.Song); err != nil {
			return err
		}
		g.until = t.now + int64(lease)
		n, err := t.exec(ctx, `UPDATE renders SET grow_until = ? WHERE run = ? AND `+growing, g.until, g.Run, t.now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound // somebody else was faster
		}
		g.Render, err = scanRender(t.row(ctx, `SELECT `+renderColumns+` FROM renders WHERE run = ?`, g.Run).Scan)
		return err
	})
	return g, err
}

// Grown notes that the preview has that many segments, and ends the claim. It is
// not claimed again for the length of rest.
func (d *db) Grown(ctx context.Context, g Growth, segments int, rest time.Duration) error {
	return d.change(ctx, "grown", func(t *tx) error {
		if err := t.lockSong(ctx, g.Song); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE renders SET grown = ?, grow_until = ?, updated = ? WHERE run = ? AND grow_until = ?`,
			segments, t.now+int64(rest), t.now, g.Run, g.until)
		if err == nil && n == 0 {
			return ErrLost
		}
		return err
	})
}

// ripen notes how many leading segments of a render are there in its stage: those
// before the first with a cell or a stack to be done, and -1 while a sound is.
func (t *tx) ripen(ctx context.Context, run string, stage int) error {
	_, err := t.exec(ctx, `UPDATE renders SET ready = COALESCE((SELECT MIN(CASE WHEN t.kind = 'sound' THEN -1 ELSE t.segment END)
		FROM render_tasks l JOIN tasks t ON t.choir = l.choir AND t.song = l.song AND t.key = l.key
		WHERE l.run = renders.run AND l.stage = ? AND t.state <> 'done'), -1) WHERE run = ?`, stage, run)
	return err
}
