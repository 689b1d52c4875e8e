package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/choirless/render/store"
)

// fault is something that is done to the cluster while a song is made. It undoes
// what it did before it returns. who is the node that the step which set it off
// was taken on, or "".
type fault struct {
	name string
	do   func(ctx context.Context, b *bench, r *rand.Rand, who string) (what string, _ error)
}

var (
	killsNode        = fault{"kill a node", killNode}
	killsCoordinator = fault{"kill the coordinator", killCoordinator}
)

// faults are those that hit a process or a server.
var faults = []fault{
	killsNode,
	killsCoordinator,
	{"freeze a node past its lease", freezeNode},
	{"restart PostgreSQL", restart("postgres")},
	{"restart S3", restart("minio")},
	{"restart SQS", restart("fauxqs")},
	{"disk full on a node", fillDisk},
}

// lock lets one fault at a time at a process.
func (b *bench) lock(name string) (unlock func()) {
	b.mu.Lock()
	m := b.names[name]
	if m == nil {
		m = &sync.Mutex{}
		b.names[name] = m
	}
	b.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// up starts a process that is not running, again and again as a supervisor does:
// what it depends on may be away.
func (b *bench) up(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.retry(ctx, func() error {
		if b.Running(name) {
			return nil
		}
		return b.Restart(ctx, name)
	})
}

// down is how long a killed process stays away.
func down(ctx context.Context, r *rand.Rand) {
	sleep(ctx, time.Duration(r.Float64()*float64(1500*time.Millisecond)))
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func someNode(r *rand.Rand, who string) string {
	if who != "" && r.Float64() < 0.8 { // the one that works on it
		return who
	}
	return nodes[r.IntN(len(nodes))]
}

func killNode(ctx context.Context, b *bench, r *rand.Rand, who string) (string, error) {
	name := someNode(r, who)
	defer b.lock(name)()
	if err := b.Kill(name); err != nil {
		return name, err
	}
	down(ctx, r)
	return name, b.up(ctx, name)
}

func killCoordinator(ctx context.Context, b *bench, r *rand.Rand, _ string) (string, error) {
	var awake []string
	for _, c := range coordinators {
		if b.Running(c) {
			awake = append(awake, c)
		}
	}
	if len(awake) == 0 {
		return "none", nil
	}
	name := awake[r.IntN(len(awake))]
	defer b.lock(name)()
	if err := b.Kill(name); err != nil {
		return name, err
	}
	down(ctx, r)
	return name, b.up(ctx, name)
}

func freezeNode(ctx context.Context, b *bench, r *rand.Rand, who string) (string, error) {
	name := someNode(r, who)
	defer b.lock(name)()
	if err := b.Stop(name); err != nil {
		return name, err
	}
	d := lease + time.Duration(r.Float64()*float64(2*silent))
	sleep(ctx, d)
	return fmt.Sprintf("%s for %v", name, d.Round(time.Millisecond)), b.Continue(name)
}

// restart ends a server, by its own means or at once, and starts it again.
func restart(name string) func(context.Context, *bench, *rand.Rand, string) (string, error) {
	return func(ctx context.Context, b *bench, r *rand.Rand, _ string) (string, error) {
		defer b.lock(name)()
		how := "stopped"
		if r.Float64() < 0.5 {
			how = "killed"
			if err := b.Kill(name); err != nil {
				return how, err
			}
		} else if _, err := b.Terminate(name); err != nil {
			return how, err
		}
		down(ctx, r)
		return how, b.up(ctx, name)
	}
}

// fillDisk fills the file system of a node's scratch folder to its last byte.
func fillDisk(ctx context.Context, b *bench, r *rand.Rand, who string) (string, error) {
	if os.Getuid() != 0 {
		return "not root, nothing filled", nil
	}
	name := someNode(r, who)
	defer b.lock(name + " disk")()
	path := filepath.Join(b.scratchOf(name), "ballast")
	f, err := os.Create(path)
	if err != nil {
		return name, err
	}
	_, err = io.CopyN(f, zeros{}, 2*scratchSize) // ends with "no space left on device"
	err = errors.Join(f.Close(), full(err))
	d := time.Duration((1 + 9*r.Float64()) * float64(time.Second))
	sleep(ctx, d)
	return fmt.Sprintf("%s for %v", name, d.Round(time.Millisecond)), errors.Join(err, os.Remove(path))
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// full is nil when err says that the disk is full.
func full(err error) error {
	if err == nil {
		return errors.New("the disk did not run full")
	}
	return nil
}

// heal ends what may still be going on, so that the next song begins on a whole
// cluster.
func (b *bench) heal(ctx context.Context) error {
	b.s3.set(noTrouble, 0)
	b.sqs.set(false, false, 0)
	b.events.set(false, false, false, 0)
	var errs []error
	for _, n := range nodes {
		errs = append(errs, b.Continue(n))
		if err := os.Remove(filepath.Join(b.scratchOf(n), "ballast")); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, name := range append([]string{"postgres", "minio", "fauxqs", "coordinator-1"}, nodes...) {
		errs = append(errs, b.up(ctx, name))
	}
	if b.Running("coordinator-2") {
		_, err := b.Terminate("coordinator-2")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// step waits until the song's n-th step is taken and returns the node it was taken
// on, if one was. It also returns when the song is finished.
func (b *bench) step(ctx context.Context, s *song, n int) (who string) {
	for ctx.Err() == nil {
		events, err := b.store.Events(ctx, s.id, 0, max(n, 1))
		if err == nil && len(events) >= n {
			if n == 0 {
				return ""
			}
			if last := events[len(events)-1]; last.State == store.TaskRunning && len(last.Text) > 3 {
				return last.Text[3:] // "on node-1"
			}
			return ""
		}
		sleep(ctx, 5*time.Millisecond)
	}
	return ""
}
