package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// TestLoad announces many songs at once and waits until every one has its final.
// It checks that nothing was lost and nothing done twice. With LOAD_SONGS set it
// is the measurement of `make load`: it prints figures and judges them.
func TestLoad(t *testing.T) {
	songs, parts, wait := number(t, "LOAD_SONGS", 8), number(t, "LOAD_PARTS", 9), number(t, "LOAD_WAIT_MS", 50)
	l := newLoad(t, songs, parts)
	l.upload()
	stand := l.standIn(time.Duration(wait) * time.Millisecond)
	began := time.Now()
	f := l.measure(l.coordinator())
	l.await(f)
	f.stop(time.Since(began))
	stand.check(l)
	l.check()
	if os.Getenv("LOAD_SONGS") != "" {
		f.judge(t, l)
	}
}

func number(t *testing.T, name string, def int) int {
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s: %q, want a number from 1", name, s)
	}
	return n
}

// load is the cluster of one run, and what is known of its songs.
type load struct {
	*testing.T
	*cluster.Cluster
	songs, parts int
	store        store.Store
}

// newLoad starts a cluster without coordinators and nodes, its database with fsync
// as in production.
func newLoad(t *testing.T, songs, parts int) *load {
	t.Helper()
	// Not t.TempDir, whose parent PostgreSQL's user may not enter.
	dir, err := os.MkdirTemp("", "choir-load-")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "../../cmd/coordinator")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the coordinator: %v\n%s", err, out)
	}
	c, err := cluster.Start(t.Context(), cluster.Options{
		Dir: dir, Bin: bin, Coordinators: cluster.None, Nodes: cluster.None,
		// Its own defaults, in place of the cluster's shorter ones.
		CoordinatorArgs: []string{"--debounce", "2s", "--reconcile", "1m"},
	})
	if err != nil {
		os.RemoveAll(dir)
		testserver.Missing(t, err)
	}
	l := &load{T: t, Cluster: c, songs: songs, parts: parts}
	t.Cleanup(func() {
		for _, name := range c.Names() {
			said, err := os.ReadFile(c.Log(name))
			if keep := os.Getenv("LOAD_LOGS"); keep != "" {
				err = errors.Join(err, os.WriteFile(filepath.Join(keep, name+".log"), said, 0o644))
			}
			if t.Failed() || err != nil {
				t.Logf("%s said:\n%s%v", name, said[max(0, len(said)-6000):], err)
			}
		}
		if err := errors.Join(c.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	if l.store, err = store.OpenPostgres(t.Context(), c.Database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.store.Close() })
	return l
}

// queue opens a queue that is closed with the test.
func (l *load) queue(name string) *queue.SQS {
	l.Helper()
	q, err := l.Queue(l.Context(), name)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { q.Close() })
	return q
}

func (l *load) song(i int) definition.Song {
	return definition.Song{Choir: "choir", Song: definition.SongID(fmt.Sprintf("song%04d", i))}
}

func (l *load) raw(song, part int) definition.RawKey {
	return definition.RawKey{Song: l.song(song), Part: definition.PartID(fmt.Sprint("p", part)), Ext: "webm"}
}

// upload puts the recordings, which nobody decodes, into songs with a canvas that
// costs next to nothing, and waits until the queue holds all their notifications.
func (l *load) upload() {
	l.Helper()
	g, ctx := errgroup.WithContext(l.Context())
	g.SetLimit(8)
	for i := range l.songs {
		g.Go(func() error {
			err := l.store.PutSong(ctx, l.song(i), json.RawMessage(`{"output":{"size":[96,72],"fps":5}}`))
			for p := range l.parts {
				key := l.raw(i, p).String()
				if err == nil {
					_, err = l.Buckets[definition.BucketRaw].Put(ctx, key, strings.NewReader("recording "+key), bucket.PutOptions{})
				}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		l.Fatal(err)
	}
	events := l.queue(cluster.EventsQueue)
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		visible, _, err := events.Depth(l.Context())
		if err != nil {
			l.Fatal(err)
		}
		if visible >= l.songs*l.parts {
			return
		}
		if time.Since(began) > limit {
			l.Fatalf("%d notifications of %d recordings", visible, l.songs*l.parts)
		}
	}
}

// coordinator starts the coordinator.
func (l *load) coordinator() (pid int) {
	l.Helper()
	name, err := l.AddCoordinator(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	return l.Pid(name)
}

// limit is how long a song may take to move before the test gives up.
const limit = 3 * time.Minute

// await waits until every song has its final.
func (l *load) await(f *figures) {
	l.Helper()
	last, moved := int64(0), time.Now()
	for f.finals() < l.songs {
		if n := f.last(); n != last {
			last, moved = n, time.Now()
		}
		if time.Since(moved) > limit {
			l.Fatalf("%d of %d songs are done, and nothing has moved for %v", f.finals(), l.songs, limit)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// check reads the database: every song done once, and every step there.
func (l *load) check() {
	l.Helper()
	for i := range l.songs {
		id := l.song(i)
		events, err := l.store.Events(l.Context(), id, 0, 10_000)
		if err != nil {
			l.Fatal(err)
		}
		steps := map[string]int{}
		done := map[string]int{}
		for _, e := range events {
			steps[string(e.Stage)+" "+string(e.State)]++
			if e.Stage == store.StageFinish && e.State == store.TaskDone {
				done[e.Run]++
			}
		}
		for _, step := range []string{"upload done", "ingest running", "ingest done"} {
			if steps[step] != l.parts {
				l.Errorf("song %s: %d times %q, want %d", id.Song, steps[step], step, l.parts)
			}
		}
		// A song whose recordings are read slowly may be defined more than once.
		renders, err := l.store.Renders(l.Context(), id, 100)
		if err != nil {
			l.Fatal(err)
		}
		if n := len(renders); steps["define done"] != n || steps["align done"] < l.parts {
			l.Errorf("song %s: %d renders, steps %v", id.Song, n, steps)
		}
		for k, r := range renders {
			want := 0
			if r.State == store.Finished {
				want = 1
			}
			if done[r.Run] != want || (k == 0 && want == 0) || (k > 0 && !r.State.Over()) {
				l.Errorf("song %s: run %s, %d from the newest, is %s and was finished %d times", id.Song, r.Run, k, r.State, done[r.Run])
			}
		}
		if l.Failed() {
			return
		}
	}
}

// get asks the coordinator over HTTP.
func (l *load) get(ctx context.Context, client *http.Client, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL("coordinator-1")+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return body, err
}
