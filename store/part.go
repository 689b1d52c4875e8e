package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// PartID names a part of a song of a choir.
type PartID struct {
	definition.Song
	Part definition.PartID
}

// Document returns the id of the part's document and row,
// <choirid>:song:<songid>:part:<partid>.
func (p PartID) Document() string {
	return definition.DocumentID(p.Song, p.Part)
}

// PartState says how far a part's recording is.
type PartState string

const (
	PartNew       PartState = "new"       // known, nothing uploaded
	PartIngesting PartState = "ingesting" // uploaded, being read
	PartReady     PartState = "ready"     // in the common format
	PartFailed    PartState = "failed"    // refused; Error says why
)

// Part is a row of parts.
type Part struct {
	PartID
	// Doc is the part document as it was put, nil for none.
	Doc   json.RawMessage
	Raw   Raw
	State PartState
	// Task is the key of the ingest task of the recording.
	Task string
	// Percent is how far that task is, while State is PartIngesting.
	Percent float64
	// Ingest is the result, nil unless State is PartReady.
	Ingest *plan.IngestResult
	// Error says why the recording was refused.
	Error string
	// Dropped says why a recording that was accepted is left out of renders.
	Dropped string
	// Alignment is where the part belongs; Aligned says that there is one, and
	// that it was measured on the present recording.
	Alignment Alignment
	Aligned   bool
	Updated   time.Time
}

// MediaOffset returns where song time zero falls in the part.
func (a Alignment) MediaOffset() media.Offset { return media.Offset(a.Offset) }

// Raw is an uploaded recording.
type Raw struct {
	Key, ETag string
	Size      int64 // bytes
}

// Upload is a recording with the task that reads it.
type Upload struct {
	PartID
	// Raw is the recording; the zero value is the one that the part has.
	Raw Raw
	// Task makes the task that reads Raw, for the part as it is now. Its key must change
	// with the recording, and with what the document says of reading it. It may be called
	// more than once.
	Task func(Part) (NewTask, error)
	// Debounce is how long the song waits for more after the part is ingested.
	Debounce time.Duration
}

const partColumns = `choir, song, part, doc, raw_key, raw_etag, raw_size, state, task, result, error, dropped,
	aligned_etag, offset_ns, confidence, drift_ppm, method, needs_review, review, candidates, updated,
	CASE WHEN state = 'ingesting' THEN COALESCE((SELECT t.percent FROM tasks t
		WHERE t.choir = parts.choir AND t.song = parts.song AND t.key = parts.task), 0) ELSE 0 END`

func scanPart(scan func(...any) error) (Part, error) {
	var p Part
	var doc, result, candidates string
	var review, updated int64
	a := &p.Alignment
	if err := scan(&p.Choir, &p.Song.Song, &p.Part, &doc, &p.Raw.Key, &p.Raw.ETag, &p.Raw.Size, &p.State, &p.Task,
		&result, &p.Error, &p.Dropped, &a.ETag, &a.Offset, &a.Confidence, &a.DriftPPM, &a.Method, &review,
		&a.Reason, &candidates, &updated, &p.Percent); err != nil {
		return Part{}, err
	}
	p.Doc, a.Part, a.NeedsReview, p.Updated = raw(doc), p.Part, review != 0, moment(updated)
	p.Aligned = a.ETag != "" && a.ETag == p.Raw.ETag
	if candidates != "" {
		if err := json.Unmarshal([]byte(candidates), &a.Candidates); err != nil {
			return Part{}, fmt.Errorf("part %q: candidates: %w", p.Part, err)
		}
	}
	if result != "" {
		p.Ingest = &plan.IngestResult{}
		if err := json.Unmarshal([]byte(result), p.Ingest); err != nil {
			return Part{}, fmt.Errorf("part %q: ingest result: %w", p.Part, err)
		}
	}
	return p, nil
}

// lockPart locks the song and makes sure that the part is there.
func (t *tx) lockPart(ctx context.Context, id PartID) error {
	if err := t.lockSong(ctx, id.Song); err != nil {
		return err
	}
	n, err := t.exec(ctx, `INSERT INTO parts (id, choir, song, part, state, created, updated)
		VALUES (`+placeholders(7)+`) ON CONFLICT DO NOTHING`,
		id.Document(), id.Choir, id.Song.Song, id.Part, PartNew, t.now, t.now)
	if err != nil || n == 0 {
		return err
	}
	return definition.CheckPart(id.Song, id.Part) // an error takes the row back
}

// PutPart creates the part or replaces its document.
func (d *db) PutPart(ctx context.Context, id PartID, doc json.RawMessage) error {
	return d.change(ctx, "put part", func(t *tx) error {
		if err := t.lockPart(ctx, id); err != nil {
			return err
		}
		return t.setDoc(ctx, id, doc)
	})
}

// EditPart replaces the document of a part by what edit makes of it.
func (d *db) EditPart(ctx context.Context, id PartID, edit func(doc json.RawMessage) (json.RawMessage, error)) error {
	return d.change(ctx, "edit part", func(t *tx) error {
		if err := t.lockSong(ctx, id.Song); err != nil {
			return err
		}
		var doc string
		if err := t.row(ctx, `SELECT doc FROM parts WHERE id = ?`, id.Document()).Scan(&doc); err != nil {
			return notFound(err)
		}
		edited, err := edit(raw(doc))
		if err != nil {
			return err
		}
		return t.setDoc(ctx, id, edited)
	})
}

func (t *tx) setDoc(ctx context.Context, id PartID, doc json.RawMessage) error {
	n, err := t.exec(ctx, `UPDATE parts SET doc = ?, updated = ? WHERE id = ? AND doc <> ?`,
		string(doc), t.now, id.Document(), string(doc))
	if err != nil || n == 0 {
		return err
	}
	return t.touchSong(ctx, id.Song, 0)
}

// Part returns a part.
func (d *db) Part(ctx context.Context, id PartID) (Part, error) {
	p, err := scanPart(d.read.QueryRowContext(ctx, d.sql(`SELECT `+partColumns+` FROM parts WHERE id = ?`), id.Document()).Scan)
	if err != nil {
		return Part{}, fmt.Errorf("store: part %q: %w", id.Part, notFound(err))
	}
	return p, nil
}

// Parts returns the parts of a song in the order of their ids.
func (d *db) Parts(ctx context.Context, id definition.Song) ([]Part, error) {
	var all []Part
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		p, err := scanPart(r.Scan)
		all = append(all, p)
		return err
	}, `SELECT `+partColumns+` FROM parts WHERE choir = ? AND song = ?`, id.Choir, id.Song)
	if err != nil {
		return nil, fmt.Errorf("store: parts of song %s/%s: %w", id.Choir, id.Song, err)
	}
	// Here, not in the database, whose order depends on its locale.
	slices.SortFunc(all, func(a, b Part) int { return strings.Compare(string(a.Part), string(b.Part)) })
	return all, nil
}

// Uploaded notes a recording and its ingest task.
func (d *db) Uploaded(ctx context.Context, u Upload) (fresh bool, err error) {
	err = d.change(ctx, "uploaded", func(t *tx) error {
		fresh = false // when the transaction is tried again
		if err := t.lockPart(ctx, u.PartID); err != nil {
			return err
		}
		p, err := scanPart(t.row(ctx, `SELECT `+partColumns+` FROM parts WHERE id = ?`, u.Document()).Scan)
		if err != nil {
			return err
		}
		was := p.Raw
		if u.Raw != (Raw{}) {
			p.Raw = u.Raw
		}
		if p.Raw.Key == "" {
			return nil // nothing uploaded yet
		}
		task, err := u.Task(p)
		if err != nil {
			return err
		}
		if p.Raw.Key == was.Key && p.Raw.ETag == was.ETag && p.Task == task.Key {
			return nil
		}
		fresh = true
		if p.Task != "" && p.Task != task.Key {
			if err := t.cancelTask(ctx, u.Song, p.Task); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, `UPDATE parts SET raw_key = ?, raw_etag = ?, raw_size = ?, state = ?, task = ?,
			result = '', error = '', dropped = '', updated = ? WHERE id = ?`,
			p.Raw.Key, p.Raw.ETag, p.Raw.Size, PartIngesting, task.Key, t.now, u.Document()); err != nil {
			return err
		}
		t.event(Event{
			Song: u.Song, Part: u.Part, Stage: StageUpload, State: TaskDone, Legacy: definition.StatusNew,
			Text: p.Raw.Key,
		})
		// What an ingest writes is named by the part, not by its content, so
		// the work is done again even if this recording was there before.
		if err := t.addTask(ctx, u.Song, task, true); err != nil {
			return err
		}
		return t.touchSong(ctx, u.Song, u.Debounce)
	})
	return fresh, err
}

// Recordings returns the ETag of every recording by its raw key.
func (d *db) Recordings(ctx context.Context) (map[string]string, error) {
	return d.pairs(ctx, `SELECT raw_key, raw_etag FROM parts WHERE raw_key <> ''`)
}

func (d *db) pairs(ctx context.Context, query string, args ...any) (map[string]string, error) {
	all := map[string]string{}
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var k, v string
		err := r.Scan(&k, &v)
		all[k] = v
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return all, nil
}

// ingested notes the result of a recording's ingest task, if the part still
// waits for it: another recording may have come since.
func (t *tx) ingested(ctx context.Context, task Task, result json.RawMessage, debounce time.Duration) error {
	n, err := t.exec(ctx, `UPDATE parts SET state = ?, result = ?, error = '', updated = ?
		WHERE choir = ? AND song = ? AND part = ? AND task = ?`,
		PartReady, string(result), t.now, task.Choir, task.Song.Song, task.Part, task.Key)
	if err != nil || n == 0 {
		return err
	}
	return t.touchSong(ctx, task.Song, debounce)
}

// refuse notes that a recording cannot be used.
func (t *tx) refuse(ctx context.Context, task Task, reason string) error {
	n, err := t.exec(ctx, `UPDATE parts SET state = ?, error = ?, updated = ?
		WHERE choir = ? AND song = ? AND part = ? AND task = ? AND state = ?`,
		PartFailed, reason, t.now, task.Choir, task.Song.Song, task.Part, task.Key, PartIngesting)
	if err != nil || n == 0 {
		return err
	}
	return t.touchSong(ctx, task.Song, 0)
}

// drop takes a part out of the song.
func (t *tx) drop(ctx context.Context, id PartID, reason string) (bool, error) {
	n, err := t.exec(ctx, `UPDATE parts SET dropped = ?, updated = ? WHERE id = ? AND dropped = ''`,
		reason, t.now, id.Document())
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.touchSong(ctx, id.Song, 0)
}
