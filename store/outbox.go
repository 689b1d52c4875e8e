package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/choirless/render/definition"
)

// announce writes the message of a task, in place of one not sent yet. Always a
// new row, so that the sender of the old one cannot take the new one for sent.
func (t *tx) announce(ctx context.Context, id definition.Song, key string, delay time.Duration) error {
	if err := t.withdraw(ctx, id, key); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO outbox (choir, song, key, not_before) VALUES (?, ?, ?, ?)`,
		id.Choir, id.Song, key, t.now+int64(delay))
	return err
}

// withdraw takes the message of a task back if it is not sent.
func (t *tx) withdraw(ctx context.Context, id definition.Song, key string) error {
	_, err := t.exec(ctx, `DELETE FROM outbox WHERE choir = ? AND song = ? AND key = ?`, id.Choir, id.Song, key)
	return err
}

// Outgoing takes messages that are due.
func (d *db) Outgoing(ctx context.Context, limit, window int, lease time.Duration) (out []Message, err error) {
	var sent int
	if err := d.read.QueryRowContext(ctx, d.sql(`SELECT COUNT(*) FROM tasks WHERE state = 'queued' AND sent_at > 0`)).Scan(&sent); err != nil {
		return nil, fmt.Errorf("store: outgoing: %w", err)
	}
	if limit = min(limit, window-sent); limit <= 0 {
		return nil, nil
	}
	// The usual answer is none; find it without becoming a writer.
	var due int
	if err := d.read.QueryRowContext(ctx, d.sql(`SELECT COUNT(*) FROM (SELECT 1 FROM outbox
		WHERE not_before <= ? AND lease_until <= ? LIMIT 1) AS due`), d.now().UnixNano(), d.now().UnixNano()).Scan(&due); err != nil {
		return nil, fmt.Errorf("store: outgoing: %w", err)
	}
	if due == 0 {
		return nil, nil
	}
	err = d.change(ctx, "outgoing", func(t *tx) error {
		t.quiet, out = true, nil
		err := t.d.each(ctx, t, func(r *sql.Rows) error {
			var m Message
			err := r.Scan(&m.id, &m.Choir, &m.Song.Song, &m.Key)
			out = append(out, m)
			return err
		}, `UPDATE outbox SET lease_until = ? WHERE id IN (SELECT id FROM outbox
			WHERE not_before <= ? AND lease_until <= ? ORDER BY id LIMIT ?`+t.d.dialect.skip+`)
			RETURNING id, choir, song, key`, t.now+int64(lease), t.now, t.now, limit)
		if err != nil {
			return err
		}
		for i, m := range out {
			var payload string
			var attempt int
			if err := t.row(ctx, `SELECT payload, attempt, failures + losses FROM tasks WHERE choir = ? AND song = ? AND key = ?`,
				m.Choir, m.Song.Song, m.Key).Scan(&payload, &attempt, &out[i].Faults); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(payload), &out[i].Assignment); err != nil {
				return err
			}
			out[i].Attempt = attempt
		}
		return nil
	})
	return out, err
}

// Sent notes that the messages are in the queue.
func (d *db) Sent(ctx context.Context, sent []Message) error {
	bySong := map[definition.Song][]Message{}
	var order []definition.Song
	for _, m := range sent {
		if bySong[m.Song] == nil {
			order = append(order, m.Song)
		}
		bySong[m.Song] = append(bySong[m.Song], m)
	}
	for _, id := range order {
		err := d.change(ctx, "sent", func(t *tx) error {
			t.quiet = true
			if err := t.lockSong(ctx, id); err != nil {
				return err
			}
			for _, m := range bySong[id] {
				if _, err := t.exec(ctx, `DELETE FROM outbox WHERE id = ?`, m.id); err != nil {
					return err
				}
				if _, err := t.exec(ctx, `UPDATE tasks SET sends = sends + 1, sent_at = ?
					WHERE choir = ? AND song = ? AND key = ? AND state = ? AND attempt = ?`,
					t.now, m.Choir, m.Song.Song, m.Key, TaskQueued, m.Attempt); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Pending returns how many tasks wait unsent, are sent, and run.
func (d *db) Pending(ctx context.Context) (unsent, sent, running int, err error) {
	err = d.read.QueryRowContext(ctx, d.sql(`SELECT (SELECT COUNT(*) FROM outbox),
		(SELECT COUNT(*) FROM tasks WHERE state = 'queued' AND sent_at > 0),
		(SELECT COUNT(*) FROM tasks WHERE state = 'running')`)).Scan(&unsent, &sent, &running)
	if err != nil {
		err = fmt.Errorf("store: pending: %w", err)
	}
	return unsent, sent, running, err
}
