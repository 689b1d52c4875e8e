package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"runtime"
	"time"

	"modernc.org/sqlite"
)

// OpenSQLite opens or creates the database in the file at path.
//
// The file is in WAL mode with synchronous=NORMAL: a killed process loses
// nothing; after a power cut the last transactions may be missing, and the
// reconciliation of the coordinator does them again from the buckets.
// Several processes may open one file, but watchers only hear of changes made
// through the same handle.
func OpenSQLite(ctx context.Context, path string, options ...Option) (_ Store, err error) {
	const pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"
	name := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: pragmas}).String()
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fmt.Errorf("store: sqlite %q: %w", path, err)
	}
	write, read := sql.OpenDB(keeper{connector}), sql.OpenDB(keeper{connector})
	// One writer: a transaction waits for its turn here, not in the busy loop of
	// the library.
	write.SetMaxOpenConns(1)
	readers := max(2, runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers) // opening one reads the schema
	d := &db{
		dialect: dialect{name: "sqlite", serial: "INTEGER PRIMARY KEY AUTOINCREMENT"},
		write:   write, read: read, now: time.Now, watch: newWatchers(),
		close: func() error { return nil },
	}
	for _, o := range options {
		o(d)
	}
	if err := d.migrate(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("sqlite %q: %w", path, err)
	}
	return d, nil
}
