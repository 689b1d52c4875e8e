// Package local is the whole product on one machine: a folder of recordings, and
// coordinator and render node in one process over folders as buckets, queues in
// memory and SQLite. The command choirless and render-local are made of it.
package local

import (
	"context"
	"errors"
	"fmt"
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

// Process is the whole product in one process: the coordinator and one render
// node over queues in memory, folders as buckets, and SQLite.
type Process struct {
	Buckets     bucket.Buckets
	Store       store.Store
	Events      *queue.Memory
	Coordinator *coordinator.Coordinator
	// Group is what runs from Start on, Context its context: it ends when one of it fails.
	Group   *errgroup.Group
	Context context.Context
	node    *node.Node
	stop    context.CancelFunc
}

// Options say where things are. Data holds a folder per bucket and the
// database; Raw and Misc replace two of the folders when set.
type Options struct {
	Data, Raw, Misc string
	Database        string // "" is Data/choirless.db
	NoSync          bool   // results can be made again: do not wait for the disk
	Config          func(*coordinator.Config)
	Node            func(*node.Config)
	Log             *slog.Logger
}

// Open wires the process. Nothing runs yet.
func Open(ctx context.Context, o Options) (_ *Process, err error) {
	l := &Process{}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if l.Buckets, err = openBuckets(o); err != nil {
		return nil, err
	}
	if o.Database == "" {
		o.Database = filepath.Join(o.Data, "choirless.db")
	}
	if l.Store, err = store.OpenSQLite(ctx, o.Database); err != nil {
		return nil, err
	}
	l.Events = queue.NewMemory(queue.MemoryOptions{})
	assignments, reports := queue.NewMemory(queue.MemoryOptions{}), queue.NewMemory(queue.MemoryOptions{})
	scratch := filepath.Join(o.Data, "scratch")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	cfg := coordinator.Config{
		Store: l.Store, Buckets: l.Buckets, Events: l.Events, Assignments: assignments, Reports: reports,
		Volatile: true, Scratch: scratch, Log: o.Log,
	}
	if o.Config != nil {
		o.Config(&cfg)
	}
	if l.Coordinator, err = coordinator.New(cfg); err != nil {
		return nil, err
	}
	ncfg := node.Config{
		Name: "local", Buckets: l.Buckets, Assignments: assignments, Reports: reports,
		Scratch: scratch, Alone: true, Log: o.Log,
	}
	if o.Node != nil {
		o.Node(&ncfg)
	}
	l.node = node.New(ncfg)
	return l, nil
}

func openBuckets(o Options) (bucket.Buckets, error) {
	b := bucket.Buckets{}
	for _, role := range definition.Buckets() {
		dir := filepath.Join(o.Data, role)
		switch {
		case role == definition.BucketRaw && o.Raw != "":
			dir = o.Raw
		case role == definition.BucketMisc && o.Misc != "":
			dir = o.Misc
		}
		d, err := bucket.OpenDir(dir, bucket.DirOptions{NoSync: o.NoSync})
		if err != nil {
			return nil, fmt.Errorf("bucket %s: %w", role, err)
		}
		b[role] = d
	}
	return b, nil
}

// Start runs coordinator and node until ctx ends or Close.
func (l *Process) Start(ctx context.Context) {
	ctx, l.stop = context.WithCancel(ctx)
	l.Group, l.Context = errgroup.WithContext(ctx)
	l.Group.Go(func() error { return l.Coordinator.Run(l.Context) })
	l.Group.Go(func() error { return l.node.Run(l.Context) })
}

// Wait waits until all that was started has ended, by itself or by its context.
func (l *Process) Wait() error { return l.Group.Wait() }

// Halt stops what runs and waits for it. Buckets and store stay open.
func (l *Process) Halt() error {
	if l.stop == nil {
		return nil
	}
	l.stop()
	l.stop = nil
	return l.Wait()
}

// Close stops what runs, waits for it and releases everything.
func (l *Process) Close() error {
	errs := []error{l.Halt()}
	if l.Store != nil {
		errs = append(errs, l.Store.Close())
		l.Store = nil
	}
	return errors.Join(errs...)
}
