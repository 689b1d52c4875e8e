package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/definition"
)

// Stage is a stage of the pipeline.
type Stage string

const (
	StageUpload  Stage = "upload"
	StageIngest  Stage = "ingest"
	StageAlign   Stage = "align"
	StageDefine  Stage = "define"
	StagePlan    Stage = "plan"
	StagePicture Stage = "picture"
	StageSound   Stage = "sound"
	StageStack   Stage = "stack"
	StageFinish  Stage = "finish"
)

// Event is a step that was taken.
type Event struct {
	// Seq and At are set by the store.
	Seq int64
	At  time.Time
	definition.Song
	Part  definition.PartID // empty for the whole song
	Run   string            // empty before there is a render
	Stage Stage
	// State is queued, running, done, failed or cancelled.
	State TaskState
	// Legacy is the status of the original's front-end, empty when it knows no
	// such step; it knows no failure and no percentage.
	Legacy  definition.Status
	Stripe  int
	Segment int
	Attempt int
	Text    string // for a person
}

// event notes a step; it is written when the transaction ends.
func (t *tx) event(e Event) {
	t.changes(e.Song)
	t.events = append(t.events, e)
}

// eventsAtOnce bounds the rows of one statement: SQLite takes 32,766 values, and
// few different statements are prepared.
const eventsAtOnce = 32

// flush writes the events of the transaction, last, so that the lock that keeps
// them in order is held for as short as can be, and announces what changed.
func (t *tx) flush(ctx context.Context) error {
	if t.quiet {
		t.songs = nil
	}
	var calls []string
	var args []any
	if len(t.events) > 0 && t.d.dialect.order != "" {
		calls = append(calls, t.d.dialect.order)
	}
	if t.d.dialect.wake != "" {
		for _, id := range t.songs {
			calls, args = append(calls, t.d.dialect.wake), append(args, t.d.announcement(id))
		}
	}
	if len(calls) > 0 {
		if _, err := t.exec(ctx, `SELECT `+strings.Join(calls, ", "), args...); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(t.events, eventsAtOnce) {
		args = args[:0]
		for _, e := range some {
			args = append(args, t.now, e.Choir, e.Song.Song, e.Part, e.Run, e.Stage, e.State, e.Legacy,
				e.Stripe, e.Segment, e.Attempt, e.Text)
		}
		row := `(` + placeholders(12) + `)`
		if _, err := t.exec(ctx, `INSERT INTO events
			(at, choir, song, part, run, stage, state, legacy, stripe, segment, attempt, text)
			VALUES `+row+strings.Repeat(", "+row, len(some)-1), args...); err != nil {
			return err
		}
	}
	return nil
}

// Record adds steps that are not the doing of another call.
func (d *db) Record(ctx context.Context, e ...Event) error {
	return d.change(ctx, "record events", func(t *tx) error {
		for _, e := range e {
			t.event(e)
		}
		return nil
	})
}

const eventColumns = `seq, at, choir, song, part, run, stage, state, legacy, stripe, segment, attempt, text`

func (d *db) scanEvents(ctx context.Context, query string, args ...any) ([]Event, error) {
	var all []Event
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var e Event
		var at int64
		if err := r.Scan(&e.Seq, &at, &e.Choir, &e.Song.Song, &e.Part, &e.Run, &e.Stage, &e.State, &e.Legacy,
			&e.Stripe, &e.Segment, &e.Attempt, &e.Text); err != nil {
			return err
		}
		e.At = moment(at)
		all = append(all, e)
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: events: %w", err)
	}
	return all, nil
}

// Events returns steps after the given sequence number, oldest first.
func (d *db) Events(ctx context.Context, id definition.Song, after int64, limit int) ([]Event, error) {
	if id == (definition.Song{}) {
		return d.scanEvents(ctx, `SELECT `+eventColumns+` FROM events WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
	}
	return d.scanEvents(ctx, `SELECT `+eventColumns+` FROM events
		WHERE choir = ? AND song = ? AND seq > ? ORDER BY seq LIMIT ?`, id.Choir, id.Song, after, limit)
}

// Legacy returns the newest steps that the old front-end knows.
func (d *db) Legacy(ctx context.Context, id definition.Song, status definition.Status, limit int) ([]Event, error) {
	query, args := `SELECT `+eventColumns+` FROM events WHERE legacy <> ''`, []any{}
	if id != (definition.Song{}) {
		query, args = query+` AND choir = ? AND song = ?`, append(args, id.Choir, id.Song)
	}
	if status != "" {
		query, args = query+` AND legacy = ?`, append(args, status)
	}
	return d.scanEvents(ctx, query+` ORDER BY seq DESC LIMIT ?`, append(args, limit)...)
}
