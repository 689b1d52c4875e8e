// Bench-scaling measures how much faster two render nodes are than one: the cells
// and sounds of one song on the local cluster, by one node process and by two, each
// kept to a core of its own, in turns. It prints the wall time of every turn, the CPU
// time that nodes, coordinator and servers took meanwhile, and the ratio of the medians.
//
//	bench-scaling --song FOLDER [--turns 3] [--segment 2s] [--share 0.75]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/internal/servers"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	fs := pflag.NewFlagSet("bench-scaling", pflag.ContinueOnError)
	song := fs.String("song", "demo/song", "folder of recordings")
	turns := fs.Int("turns", 3, "how often each is measured")
	segment := fs.Duration("segment", 2*time.Second, "length of a segment")
	share := fs.Float64("share", 1, "how much of its core a node may use; below 1 needs root")
	err := fs.Parse(os.Args[1:])
	if err == nil && (*share <= 0 || *share > 1) {
		err = fmt.Errorf("--share: %g, want above 0 to 1", *share)
	}
	if err == nil {
		err = run(ctx, *song, *turns, *segment, *share)
	}
	stop()
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "bench-scaling: error: %v\n", err)
		os.Exit(1)
	}
}

// pinned is a render-node that keeps itself to the core of its number. Its
// variables are the real one, and the control groups of both nodes.
const pinned = `#!/bin/sh
case "$*" in *"--name node-1 "*) core=0 group=%[2]q ;; *) core=1 group=%[3]q ;; esac
[ -z "$group" ] || echo $$ >"$group/cgroup.procs"
exec taskset -c $core %[1]s/render-node "$@"
`

// settings give cells enough to do for the servers beside them not to matter.
const settings = `{"output":{"size":[1920,1080],"fps":25}}`

type bench struct {
	*cluster.Cluster
	store store.Store
	song  definition.Song
	last  int64 // number of the newest step
}

func run(ctx context.Context, folder string, turns int, segment time.Duration, share float64) (err error) {
	if _, err := exec.LookPath("taskset"); err != nil {
		return fmt.Errorf("taskset (Debian: util-linux): %w", err)
	}
	bin, err := os.MkdirTemp("", "choir-scaling-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	dirs := []string{"", ""}
	if share < 1 {
		var remove func() error
		if dirs, remove, err = groups(2, share); err != nil {
			return fmt.Errorf("a share of a core: %w", err)
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	real := filepath.Join(servers.Root(), "bin")
	if err := errors.Join(
		os.WriteFile(filepath.Join(bin, "render-node"), fmt.Appendf(nil, pinned, real, dirs[0], dirs[1]), 0o755),
		os.Symlink(filepath.Join(real, "coordinator"), filepath.Join(bin, "coordinator")),
	); err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Bin: bin, NodeArgs: []string{"--slots", "1", "--software"}, CoordinatorArgs: []string{"--segment", segment.String(), "--debounce", "5s"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	b := &bench{Cluster: c, song: definition.Song{Choir: "choir", Song: "scaling"}}
	if b.store, err = store.OpenPostgres(ctx, c.Database); err != nil {
		return err
	}
	defer b.store.Close()
	if err := b.upload(ctx, folder); err != nil {
		return err
	}
	wall := map[int][]float64{}
	cpu := map[int][]float64{}
	for turn := range turns {
		for _, nodes := range []int{1, 2} {
			t, err := b.turn(ctx, nodes)
			if err != nil {
				return err
			}
			u := t.used["nodes"]
			fmt.Printf("turn %d, %d node(s): %d tasks in %.2f s, %.2f s CPU of the nodes, %.0f %% of their cores; %s\n",
				turn+1, nodes, t.tasks, t.wall, u, 100*u/t.wall/float64(nodes), t.used)
			wall[nodes], cpu[nodes] = append(wall[nodes], t.wall), append(cpu[nodes], u)
		}
	}
	fmt.Printf("two nodes are %.2f times as fast as one by the median (CPU %.2f s and %.2f s)\n",
		median(wall[1])/median(wall[2]), median(cpu[1]), median(cpu[2]))
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// upload has the song made once, so that everything is read and measured.
func (b *bench) upload(ctx context.Context, folder string) error {
	if err := b.store.PutSong(ctx, b.song, []byte(settings)); err != nil {
		return err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		k, err := definition.ParseRawKey(f.Name())
		if err != nil {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return err
		}
		k.Song = b.song
		if err := b.Upload(ctx, k.String(), content); err != nil {
			return err
		}
	}
	return b.done(ctx, "")
}

// done waits until the song has a final of another run than the one given.
func (b *bench) done(ctx context.Context, not string) error {
	for ctx.Err() == nil {
		s, err := b.Song(ctx, b.song, definition.AutoName)
		switch {
		case err == nil && s.Settled && s.State != store.TaskDone:
			return fmt.Errorf("the song is %s: %s", s.State, s.Error)
		case err == nil && s.Settled && s.Run != not:
			return nil
		}
		time.Sleep(time.Second) // the steps say when it was
	}
	return ctx.Err()
}

// measured is what one turn took, from the first beginning of a task to the last end.
type measured struct {
	tasks int
	wall  float64 // seconds
	used  usage   // of "nodes" and everything else by name
}

// turn has all cells and sounds made again, by so many nodes.
func (b *bench) turn(ctx context.Context, nodes int) (m measured, err error) {
	if nodes == 1 {
		_, err = b.Terminate("node-2")
	} else if !b.Running("node-2") {
		err = b.Restart(ctx, "node-2")
	}
	if err != nil {
		return m, err
	}
	parts := b.Buckets[definition.BucketFinalParts]
	for info, err := range parts.List(ctx, "") {
		if err == nil {
			err = parts.Delete(ctx, info.Key)
		}
		if err != nil {
			return m, err
		}
	}
	if err := b.skip(ctx); err != nil {
		return m, err
	}
	stop := b.watch()
	run, err := b.again(ctx)
	if err == nil {
		err = b.done(ctx, run)
	}
	samples := stop()
	if err != nil {
		return m, err
	}
	var first, last time.Time
	events, err := b.store.Events(ctx, b.song, b.last, 100_000)
	for _, e := range events {
		if k := plan.Kind(e.Stage); k != plan.KindPicture && k != plan.KindSound && k != plan.KindStack {
			continue
		}
		if e.State == store.TaskRunning && first.IsZero() {
			first = e.At
		}
		if e.State == store.TaskDone && e.Attempt > 0 {
			m.tasks++
			last = e.At
		}
	}
	m.wall, m.used = last.Sub(first).Seconds(), between(samples, first, last)
	return m, err
}

// skip goes to the end of the steps.
func (b *bench) skip(ctx context.Context) error {
	events, err := b.store.Events(ctx, b.song, b.last, 100_000)
	if len(events) > 0 {
		b.last = events[len(events)-1].Seq
	}
	return err
}

// again asks for the song to be rendered again and returns the run before.
func (b *bench) again(ctx context.Context) (string, error) {
	s, err := b.Song(ctx, b.song, definition.AutoName)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		fmt.Sprintf("%s/api/songs/%s/%s/render", b.URL("coordinator-1"), b.song.Choir, b.song.Song), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || !answer.OK {
		return "", fmt.Errorf("rendering again: %s %s %w", resp.Status, answer.Error, err)
	}
	return s.Run, nil
}
