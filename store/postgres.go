package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/choirless/render/definition"
)

// channel is what changes are announced on.
const channel = "choirless_render"

// The advisory locks: any two numbers, the same in every process.
const (
	migrateLock = 7_406_153_001
	eventLock   = 7_406_153_002
)

// OpenPostgres opens the PostgreSQL database at the given address, a URL or
// key=value text as libpq has them, and brings its schema up to date.
func OpenPostgres(ctx context.Context, address string, options ...Option) (Store, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("store: postgres: %w", err) // pgx keeps the password out of it
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	pool.SetConnMaxLifetime(30 * time.Minute)
	d := &db{
		dialect: dialect{
			name: "postgres", dollar: true,
			serial: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
			lock:   " FOR UPDATE", skip: " FOR UPDATE SKIP LOCKED",
			// Sequence numbers are given before the commit. Without an order
			// of commits a reader that has seen number 8 would never see 7.
			order:   fmt.Sprintf(`pg_advisory_xact_lock(%d)`, eventLock),
			wake:    fmt.Sprintf(`pg_notify('%s', ?)`, channel),
			migrate: fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, migrateLock),
			retry:   conflict,
		},
		write: pool, read: pool, now: time.Now, watch: newWatchers(), id: rand.Text(),
	}
	for _, o := range options {
		o(d)
	}
	if err := d.migrate(ctx); err != nil {
		d.close = func() error { return nil }
		d.Close()
		return nil, fmt.Errorf("postgres %s/%s: %w", config.Host, config.Database, err)
	}
	l := &listener{config: config, connected: d.watch.wakeAll, heard: d.heard}
	l.start()
	d.close = l.stop
	return d, nil
}

// conflict reports whether the transaction lost against another one and may be
// tried again: serialization_failure and deadlock_detected (PostgreSQL manual,
// appendix A).
func conflict(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// duplicate reports the error of two sessions running CREATE TABLE IF NOT EXISTS
// at the same moment: unique_violation in the catalogue, or that the table or its row
// type is there by now (duplicate_table, duplicate_object).
func (d *db) duplicate(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "23505" || pg.Code == "42P07" || pg.Code == "42710")
}

// announcement is what other processes are told of a change: who made it, and
// the song.
func (d *db) announcement(id definition.Song) string {
	return d.id + " " + string(id.Choir) + "+" + string(id.Song)
}

// heard wakes who watches the song of another handle's announcement; the watchers
// of our own changes are awake already.
func (d *db) heard(announcement string) {
	who, song, _ := strings.Cut(announcement, " ")
	choir, song, _ := strings.Cut(song, "+") // no id holds a '+'
	if who != d.id {
		d.watch.wake(definition.Song{Choir: definition.ChoirID(choir), Song: definition.SongID(song)})
	}
}

// listener keeps a connection that hears announcements, and makes a new one when
// it breaks.
type listener struct {
	config    *pgx.ConnConfig
	connected func()
	heard     func(announcement string)
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

func (l *listener) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.done.Go(func() {
		pause := 50 * time.Millisecond
		for ctx.Err() == nil {
			if heard, _ := l.listen(ctx); heard { // a broken connection is what the loop is for
				pause = 50 * time.Millisecond
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, 5*time.Second)
		}
	})
}

// listen hears until the connection breaks. What happened while there was none
// is announced by waking everybody after connecting.
func (l *listener) listen(ctx context.Context) (heard bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, l.config.Copy())
	if err != nil {
		return false, err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(stop) // nothing to save
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return false, err
	}
	l.connected()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, err
		}
		l.heard(n.Payload)
	}
}

func (l *listener) stop() error {
	l.cancel()
	l.done.Wait()
	return nil
}
