package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/node"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// local is the whole product in one process: the coordinator and one render
// node over queues in memory, folders as buckets, and SQLite.
type local struct {
	buckets bucket.Buckets
	store   store.Store
	events  *queue.Memory
	coord   *coordinator.Coordinator
	node    *node.Node
	group   *errgroup.Group
	ctx     context.Context // of what runs in group; ends when one of it fails
	stop    context.CancelFunc
}

// localOptions say where things are. data holds a folder per bucket and the
// database; raw and misc replace two of the folders when set.
type localOptions struct {
	data, raw, misc string
	database        string // "" is data/choirless.db
	noSync          bool   // results can be made again: do not wait for the disk
	config          func(*coordinator.Config)
	node            func(*node.Config)
	log             *slog.Logger
}

// openLocal wires the process. Nothing runs yet.
func openLocal(ctx context.Context, o localOptions) (_ *local, err error) {
	l := &local{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.buckets, err = openBuckets(o); err != nil {
		return nil, err
	}
	if o.database == "" {
		o.database = filepath.Join(o.data, "choirless.db")
	}
	if l.store, err = store.OpenSQLite(ctx, o.database); err != nil {
		return nil, err
	}
	l.events = queue.NewMemory(queue.MemoryOptions{})
	assignments, reports := queue.NewMemory(queue.MemoryOptions{}), queue.NewMemory(queue.MemoryOptions{})
	scratch := filepath.Join(o.data, "scratch")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	cfg := coordinator.Config{
		Store: l.store, Buckets: l.buckets, Events: l.events, Assignments: assignments, Reports: reports,
		Volatile: true, Scratch: scratch, Log: o.log,
	}
	if o.config != nil {
		o.config(&cfg)
	}
	if l.coord, err = coordinator.New(cfg); err != nil {
		return nil, err
	}
	ncfg := node.Config{
		Name: "local", Buckets: l.buckets, Assignments: assignments, Reports: reports,
		Scratch: scratch, Log: o.log,
	}
	if o.node != nil {
		o.node(&ncfg)
	}
	l.node = node.New(ncfg)
	return l, nil
}

func openBuckets(o localOptions) (bucket.Buckets, error) {
	b := bucket.Buckets{}
	for _, role := range definition.Buckets() {
		dir := filepath.Join(o.data, role)
		switch {
		case role == definition.BucketRaw && o.raw != "":
			dir = o.raw
		case role == definition.BucketMisc && o.misc != "":
			dir = o.misc
		}
		d, err := bucket.OpenDir(dir, bucket.DirOptions{NoSync: o.noSync})
		if err != nil {
			return nil, fmt.Errorf("bucket %s: %w", role, err)
		}
		b[role] = d
	}
	return b, nil
}

// start runs coordinator and node until ctx ends or close.
func (l *local) start(ctx context.Context) {
	ctx, l.stop = context.WithCancel(ctx)
	l.group, l.ctx = errgroup.WithContext(ctx)
	l.group.Go(func() error { return l.coord.Run(l.ctx) })
	l.group.Go(func() error { return l.node.Run(l.ctx) })
}

// wait waits until all that was started has ended, by itself or by its context.
func (l *local) wait() error { return l.group.Wait() }

// close stops what runs, waits for it and releases everything.
func (l *local) close() error {
	var errs []error
	if l.stop != nil {
		l.stop()
		errs = append(errs, l.wait())
		l.stop = nil
	}
	if l.store != nil {
		errs = append(errs, l.store.Close())
		l.store = nil
	}
	return errors.Join(errs...)
}

// newLog writes what a person may want to see to w: warnings and errors, and
// everything when verbose.
func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelError
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
