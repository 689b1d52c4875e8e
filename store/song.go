package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/choirless/render/definition"
)

// Song is a row of songs.
type Song struct {
	definition.Song
	// Settings is the song document as it was put, nil for none.
	Settings json.RawMessage
	// Auto says whether an automatic definition is made.
	Auto bool
	// Revision counts changes; Planned is the revision that the automatic
	// definition was last made from. They are equal when nothing is to be done.
	Revision, Planned int64
	// Due is when the song may be planned, later than the last change by the
	// debounce time.
	Due time.Time
	// Aligned is the hash of what the last alignment was made from.
	Aligned string
	// Problem says why there is nothing to render, empty when there is.
	Problem          string
	Created, Updated time.Time
}

// SongClaim is the right to plan a song.
type SongClaim struct {
	Song
	epoch int64
}

// Alignment says where a part belongs and how sure that is.
type Alignment struct {
	Part definition.PartID
	// ETag is of the recording that was measured.
	ETag       string
	Offset     int64 // media.Offset, ns
	Confidence float64
	DriftPPM   float64
	// Method says where Offset is from: "backing", "locked", "document", or
	// what the aligner calls it.
	Method      string
	NeedsReview bool
	// Reason says, for a person, why NeedsReview is set.
	Reason string
	// Candidates are the best offsets when a person should choose.
	Candidates []Candidate
}

// Candidate is an offset that a part might have.
type Candidate struct {
	OffsetMS   float64 `json:"offset_ms"`
	Confidence float64 `json:"confidence"`
}

const songColumns = `choir, song, settings, auto, revision, planned, due_at, aligned, problem, epoch, created, updated`

func scanSong(scan func(...any) error) (s Song, epoch int64, err error) {
	var settings string
	var auto, due, created, updated int64
	err = scan(&s.Choir, &s.Song.Song, &settings, &auto, &s.Revision, &s.Planned, &due, &s.Aligned, &s.Problem,
		&epoch, &created, &updated)
	s.Settings, s.Auto = raw(settings), auto != 0
	s.Due, s.Created, s.Updated = moment(due), moment(created), moment(updated)
	return s, epoch, err
}

// PutSong creates the song or replaces its settings.
func (d *db) PutSong(ctx context.Context, id definition.Song, settings json.RawMessage) error {
	return d.change(ctx, "put song", func(t *tx) error {
		if err := t.lockSong(ctx, id); err != nil || settings == nil {
			return err
		}
		return t.setSettings(ctx, id, settings)
	})
}

// EditSong replaces the settings of a song by what edit makes of them.
func (d *db) EditSong(ctx context.Context, id definition.Song, edit func(Song) (settings json.RawMessage, auto bool, _ error)) error {
	return d.change(ctx, "edit song", func(t *tx) error {
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		if t.choir != "" {
			return ErrNotFound // and rolled back: the lock has just made the song
		}
		s, _, err := scanSong(t.row(ctx, `SELECT `+songColumns+` FROM songs WHERE choir = ? AND song = ?`, id.Choir, id.Song).Scan)
		if err != nil {
			return err
		}
		settings, auto, err := edit(s)
		if err != nil {
			return err
		}
		if err := t.setSettings(ctx, id, settings); err != nil {
			return err
		}
		return t.setAuto(ctx, id, auto)
	})
}

func (t *tx) setSettings(ctx context.Context, id definition.Song, settings json.RawMessage) error {
	n, err := t.exec(ctx, `UPDATE songs SET settings = ? WHERE choir = ? AND song = ? AND settings <> ?`,
		string(settings), id.Choir, id.Song, string(settings))
	if err != nil || n == 0 {
		return err
	}
	return t.touchSong(ctx, id, 0)
}

// SetAuto says whether an automatic definition is made.
func (d *db) SetAuto(ctx context.Context, id definition.Song, auto bool) error {
	return d.change(ctx, "set auto", func(t *tx) error {
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		return t.setAuto(ctx, id, auto)
	})
}

func (t *tx) setAuto(ctx context.Context, id definition.Song, auto bool) error {
	n, err := t.exec(ctx, `UPDATE songs SET auto = ? WHERE choir = ? AND song = ? AND auto <> ?`,
		flag(auto), id.Choir, id.Song, flag(auto))
	if err != nil || n == 0 || !auto {
		return err
	}
	return t.touchSong(ctx, id, 0)
}

// Song returns a song.
func (d *db) Song(ctx context.Context, id definition.Song) (Song, error) {
	s, _, err := scanSong(d.read.QueryRowContext(ctx, d.sql(`SELECT `+songColumns+` FROM songs
		WHERE choir = ? AND song = ?`), id.Choir, id.Song).Scan)
	if err != nil {
		return Song{}, fmt.Errorf("store: song %s/%s: %w", id.Choir, id.Song, notFound(err))
	}
	return s, nil
}

// Songs returns the songs of a choir changed last.
func (d *db) Songs(ctx context.Context, choir definition.ChoirID, limit int) ([]Song, error) {
	var all []Song
	of, args := "", []any{limit}
	if choir != "" {
		of, args = ` WHERE choir = ?`, []any{choir, limit}
	}
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		s, _, err := scanSong(r.Scan)
		all = append(all, s)
		return err
	}, `SELECT `+songColumns+` FROM songs`+of+` ORDER BY updated DESC, choir, song LIMIT ?`, args...)
	if err != nil {
		return nil, fmt.Errorf("store: songs: %w", err)
	}
	return all, nil
}

// TouchSong asks for the song to be planned again.
func (d *db) TouchSong(ctx context.Context, id definition.Song) error {
	return d.change(ctx, "touch song", func(t *tx) error {
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		return t.touchSong(ctx, id, 0)
	})
}

// ReviveSong takes dropped and refused parts back in.
func (d *db) ReviveSong(ctx context.Context, id definition.Song) error {
	return d.change(ctx, "revive song", func(t *tx) error {
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE parts SET dropped = '', updated = ? WHERE choir = ? AND song = ? AND dropped <> ''`,
			t.now, id.Choir, id.Song); err != nil {
			return err
		}
		var keys []string
		err := t.d.each(ctx, t, func(r *sql.Rows) error {
			var k string
			err := r.Scan(&k)
			keys = append(keys, k)
			return err
		}, `SELECT task FROM parts WHERE choir = ? AND song = ? AND state = ? AND task <> ''`, id.Choir, id.Song, PartFailed)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := t.requeue(ctx, id, k, requeueFresh, 0); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, `UPDATE parts SET state = ?, error = '', updated = ?
			WHERE choir = ? AND song = ? AND state = ? AND task <> ''`,
			PartIngesting, t.now, id.Choir, id.Song, PartFailed); err != nil {
			return err
		}
		return t.touchSong(ctx, id, 0)
	})
}

// songDue is the condition of number 4 of Store, but for the claim.
const songDue = `revision > planned AND reading = 0 AND due_at <= ? AND lease_until <= ?`

// ClaimSong claims a song that should be planned.
func (d *db) ClaimSong(ctx context.Context, owner string, lease time.Duration) (SongClaim, error) {
	now := d.now().UnixNano()
	var found []definition.Song
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var id definition.Song
		err := r.Scan(&id.Choir, &id.Song)
		found = append(found, id)
		return err
	}, `SELECT choir, song FROM songs WHERE `+songDue+` ORDER BY due_at LIMIT 8`, now, now)
	if err != nil {
		return SongClaim{}, fmt.Errorf("store: claim song: %w", err)
	}
	for _, id := range found {
		c, err := d.claimSong(ctx, id, owner, lease)
		if !errors.Is(err, ErrNotFound) { // else somebody else was faster
			return c, err
		}
	}
	return SongClaim{}, ErrNotFound
}

func (d *db) claimSong(ctx context.Context, id definition.Song, owner string, lease time.Duration) (c SongClaim, err error) {
	err = d.change(ctx, "claim song", func(t *tx) error {
		t.quiet = true
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE songs SET owner = ?, lease_until = ?, epoch = epoch + 1
			WHERE choir = ? AND song = ? AND `+songDue, owner, t.now+int64(lease), id.Choir, id.Song, t.now, t.now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		c.Song, c.epoch, err = scanSong(t.row(ctx, `SELECT `+songColumns+` FROM songs WHERE choir = ? AND song = ?`,
			id.Choir, id.Song).Scan)
		return err
	})
	return c, err
}

// holdSong locks the song and checks that the claim is still held.
func (t *tx) holdSong(ctx context.Context, c SongClaim) error {
	if err := t.lockSong(ctx, c.Song.Song); err != nil {
		return err
	}
	var n int
	err := t.row(ctx, `SELECT COUNT(*) FROM songs WHERE choir = ? AND song = ? AND epoch = ? AND lease_until > ?`,
		c.Choir, c.Song.Song.Song, c.epoch, t.now).Scan(&n)
	if err == nil && n == 0 {
		return ErrLost
	}
	return err
}

// ExtendSong restarts the lease from now.
func (d *db) ExtendSong(ctx context.Context, c SongClaim, lease time.Duration) error {
	return d.change(ctx, "extend song", func(t *tx) error {
		t.quiet = true
		if err := t.holdSong(ctx, c); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE songs SET lease_until = ? WHERE choir = ? AND song = ?`,
			t.now+int64(lease), c.Choir, c.Song.Song.Song)
		return err
	})
}

// SaveAlignment stores where the parts belong.
func (d *db) SaveAlignment(ctx context.Context, c SongClaim, from string, found []Alignment) error {
	return d.change(ctx, "save alignment", func(t *tx) error {
		if err := t.holdSong(ctx, c); err != nil {
			return err
		}
		for _, a := range found {
			candidates := ""
			if len(a.Candidates) > 0 {
				b, err := json.Marshal(a.Candidates)
				if err != nil {
					return err
				}
				candidates = string(b)
			}
			if _, err := t.exec(ctx, `UPDATE parts SET aligned_etag = ?, offset_ns = ?, confidence = ?, drift_ppm = ?,
				method = ?, needs_review = ?, review = ?, candidates = ?, updated = ?
				WHERE choir = ? AND song = ? AND part = ? AND raw_etag = ?`,
				a.ETag, a.Offset, a.Confidence, a.DriftPPM, a.Method, flag(a.NeedsReview), a.Reason, candidates, t.now,
				c.Choir, c.Song.Song.Song, a.Part, a.ETag); err != nil {
				return err
			}
			t.event(Event{
				Song: c.Song.Song, Part: a.Part, Stage: StageAlign, State: TaskDone,
				Legacy: definition.StatusAligned, Text: alignText(a),
			})
		}
		_, err := t.exec(ctx, `UPDATE songs SET aligned = ?, updated = ? WHERE choir = ? AND song = ?`,
			from, t.now, c.Choir, c.Song.Song.Song)
		return err
	})
}

func alignText(a Alignment) string {
	s := fmt.Sprintf("offset %+.1f ms (%s, confidence %.2f)", a.MediaOffset().MS(), a.Method, a.Confidence)
	if a.NeedsReview {
		s += ", needs review: " + a.Reason
	}
	return s
}

// SongPlanned ends the claim: what the song was when claimed is planned.
func (d *db) SongPlanned(ctx context.Context, c SongClaim, problem string) error {
	return d.change(ctx, "song planned", func(t *tx) error {
		if err := t.holdSong(ctx, c); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE songs SET planned = ?, problem = ?, lease_until = 0, updated = ?
			WHERE choir = ? AND song = ?`, c.Revision, problem, t.now, c.Choir, c.Song.Song.Song); err != nil {
			return err
		}
		if problem == "" {
			return nil
		}
		t.event(Event{Song: c.Song.Song, Stage: StageDefine, State: TaskFailed, Text: problem})
		return t.endRenders(ctx, c.Song.Song, definition.AutoName, "", Failed, problem)
	})
}

// ReleaseSong ends the claim with the song still to be planned.
func (d *db) ReleaseSong(ctx context.Context, c SongClaim, delay time.Duration) error {
	return d.change(ctx, "release song", func(t *tx) error {
		if err := t.holdSong(ctx, c); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE songs SET lease_until = 0, due_at = ? WHERE choir = ? AND song = ?`,
			t.now+int64(delay), c.Choir, c.Song.Song.Song)
		return err
	})
}
