package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/choirless/render/definition"
)

// db is a Store over database/sql. A dialect says what differs.
//
// Every transaction that writes begins by locking the row of its one song, so
// that all that happens to a song happens in one order and two transactions can
// never wait for each other. SQLite has one writer anyway; on PostgreSQL songs
// do not disturb each other.
type db struct {
	dialect dialect
	write   *sql.DB
	read    *sql.DB // the same as write on PostgreSQL
	now     func() time.Time
	watch   *watchers
	close   func() error
	id      string   // of this handle, so that it knows its own announcements
	rebound sync.Map // statement with ? → statement of the dialect
}

var _ Store = (*db)(nil)

// dialect is what differs between the databases.
type dialect struct {
	name   string
	serial string // type of a key that only grows
	dollar bool   // placeholders are $1, not ?
	// lock is appended to a SELECT that locks its rows; skip to one that takes
	// what nobody else has locked.
	lock, skip string
	// order is the expression that makes the commits of transactions with events
	// happen in the order of the events' numbers; empty when there is one writer.
	order string
	// wake is the expression that tells other processes of a text, when the
	// transaction is committed; empty when it cannot.
	wake string
	// migrate takes a lock for the rest of the transaction, before a migration runs in it;
	// empty when there is one writer.
	migrate string
	// retry says that the transaction was the loser of a conflict.
	retry func(error) bool
}

// Option changes how a store is opened.
type Option func(*db)

// WithClock makes the store read the time from now, for tests.
func WithClock(now func() time.Time) Option { return func(d *db) { d.now = now } }

// tx is a writing transaction.
type tx struct {
	*sql.Tx
	d      *db
	now    int64
	events []Event
	songs  []definition.Song  // those that are changed
	choir  definition.ChoirID // of the song that the transaction creates, empty when it creates none
	quiet  bool               // nothing that a watcher would want to know
}

// maxTries bounds how often a transaction that lost a conflict is tried.
const maxTries = 10

// change runs f in a transaction, with its events recorded last, and wakes the
// watchers. op names the call in errors.
func (d *db) change(ctx context.Context, op string, f func(*tx) error) error {
	var err error
	for try := range maxTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Duration(try*try) * 2 * time.Millisecond):
			}
		}
		err = d.once(ctx, f)
		if err == nil || d.dialect.retry == nil || !d.dialect.retry(err) {
			break
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("store: %s: %w", op, err)
	}
	return nil
}

func (d *db) once(ctx context.Context, f func(*tx) error) (err error) {
	raw, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t := &tx{Tx: raw, d: d, now: d.now().UnixNano()}
	defer func() {
		if err != nil {
			_ = raw.Rollback() // the error that matters is err
		}
	}()
	if err := f(t); err != nil {
		return err
	}
	if t.choir != "" {
		if err := t.addChoir(ctx, t.choir); err != nil {
			return err
		}
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := raw.Commit(); err != nil {
		return err
	}
	for _, id := range t.songs {
		d.watch.wake(id)
	}
	return nil
}

// exec runs a statement and returns the number of rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := t.ExecContext(ctx, t.d.sql(query), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *tx) row(ctx context.Context, query string, args ...any) *sql.Row {
	return t.QueryRowContext(ctx, t.d.sql(query), args...)
}

// querier is a transaction or the reading pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls scan for every row.
func (d *db) each(ctx context.Context, q querier, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, d.sql(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sql returns the statement with the placeholders of the dialect. No statement
// holds a question mark that is not one.
func (d *db) sql(query string) string {
	if !d.dialect.dollar {
		return query
	}
	if s, ok := d.rebound.Load(query); ok {
		return s.(string)
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	d.rebound.Store(query, b.String())
	return b.String()
}

// changes notes that the transaction changes a song, for its watchers.
func (t *tx) changes(id definition.Song) {
	if !slices.Contains(t.songs, id) {
		t.songs = append(t.songs, id)
	}
}

// lockSong locks the song's row for the rest of the transaction, creating it. Ids are
// looked at when they are new: what is there goes on, whatever an id may be today.
func (t *tx) lockSong(ctx context.Context, id definition.Song) error {
	t.changes(id)
	lock := func() error {
		var one int
		return t.row(ctx, `SELECT 1 FROM songs WHERE choir = ? AND song = ?`+t.d.dialect.lock, id.Choir, id.Song).Scan(&one)
	}
	err := lock()
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := definition.CheckSong(id); err != nil {
		return err
	}
	n, err := t.exec(ctx, `INSERT INTO songs (choir, song, created, updated) VALUES (?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, id.Choir, id.Song, t.now, t.now)
	if err != nil {
		return err
	}
	if n > 0 { // else somebody else was faster
		t.choir = id.Choir
	}
	return lock()
}

// touchSong notes that the song's automatic definition may have to change.
func (t *tx) touchSong(ctx context.Context, id definition.Song, debounce time.Duration) error {
	_, err := t.exec(ctx, `UPDATE songs SET revision = revision + 1, due_at = ?, updated = ?, `+reading+`
		WHERE choir = ? AND song = ?`, t.now+int64(debounce), t.now, id.Choir, id.Song)
	return err
}

// reading sets a song's number of recordings that are being ingested, after the state
// of a part has changed.
const reading = `reading = (SELECT COUNT(*) FROM parts p
	WHERE p.choir = songs.choir AND p.song = songs.song AND p.state = 'ingesting')`

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// inSong says whose an error is.
func inSong(id definition.Song, err error) error {
	return fmt.Errorf("song %q of choir %q: %w", id.Song, id.Choir, err)
}

// placeholders returns "?, ?, ?" for n values.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func raw(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Ping reports whether the database answers.
func (d *db) Ping(ctx context.Context) error {
	if err := d.read.PingContext(ctx); err != nil {
		return fmt.Errorf("store: %s: %w", d.dialect.name, err)
	}
	return nil
}

// Close releases the handle.
func (d *db) Close() error {
	d.watch.close()
	err := d.close()
	if d.read != d.write {
		err = errors.Join(err, d.read.Close())
	}
	return errors.Join(err, d.write.Close())
}
