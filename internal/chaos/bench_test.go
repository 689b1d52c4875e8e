package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// The times by which the services notice that something is gone, as short as they
// can be: what is not noticed by a message must be noticed by them.
const (
	lease     = 2 * time.Second // of a node on an assignment
	claim     = 2 * time.Second // of a coordinator on a step or a message
	silent    = 3 * time.Second // of a node that may have died
	resend    = 3 * time.Second // of a message that may be lost
	reconcile = time.Second
	debounce  = 300 * time.Millisecond
)

// patience is how long a song may take to its final, all disturbance included.
const patience = 3 * time.Minute

// settings of every song: small, but with more than one stripe and segment.
const settings = `{"output":{"size":[320,240],"fps":20}}`

// bench is a cluster to be disturbed.
type bench struct {
	*cluster.Cluster
	store  store.Store
	s3     *s3Proxy
	sqs    *sqsProxy
	events *eventsHook
	queue  *queue.SQS // of events
	// takes are the recordings: of the three parts, and a fourth that takes the place
	// of the last part's.
	takes [][]byte
	calm  map[string]final // of undisturbed songs, by their history

	mu    sync.Mutex
	names map[string]*sync.Mutex // one disturbs a process at a time
}

// node and coordinator are the processes that are disturbed.
var (
	nodes        = []string{"node-1", "node-2"}
	coordinators = []string{"coordinator-1", "coordinator-2"}
)

// newBench starts a cluster of two nodes and two coordinators, of which the second
// is asleep, and makes the undisturbed finals.
func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := t.Context()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/coordinator", "./cmd/render-node", "./scripts/choirgen")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	b := &bench{events: newEventsHook(), names: map[string]*sync.Mutex{}, calm: map[string]final{}}
	b.record(t, bin)
	c, err := cluster.Start(ctx, cluster.Options{
		Bin: bin, Coordinators: len(coordinators), Nodes: len(nodes),
		CoordinatorArgs: []string{
			"--debounce", debounce.String(), "--reconcile", reconcile.String(), "--claim", claim.String(),
			"--silent", silent.String(), "--resend", resend.String(), "--segment", "2s",
		},
		NodeArgs: []string{"--lease", lease.String(), "--software"},
		S3Proxy:  func(to string) (at string, err error) { b.s3, at, err = newS3Proxy(to); return at, err },
		SQSProxy: func(to string) (at string, err error) { b.sqs, at, err = newSQSProxy(to); return at, err },
		Event:    b.events.message,
	})
	if err != nil {
		testserver.Missing(t, err)
	}
	b.Cluster = c
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		b.s3.close() // last: the services stop over them
		b.sqs.close()
	})
	b.scratch(t)
	if b.store, err = store.OpenPostgres(ctx, c.Database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	if b.queue, err = c.Queue(ctx, cluster.EventsQueue); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.queue.Close() })
	b.events.connect(b.queue)
	if _, err := c.Terminate("coordinator-2"); err != nil {
		t.Fatal(err)
	}
	b.undisturbed(t)
	return b
}

// record makes the recordings of all songs.
func (b *bench) record(t *testing.T, bin string) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command(filepath.Join(bin, "choirgen"), "--out", dir, "--tiny", "--parts", "4", "--seconds", "4", "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("choirgen: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.webm")) // in the order of the parts
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		take, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.takes = append(b.takes, take)
	}
}

// scratchSize is the size of a node's scratch folder.
const scratchSize = 4 << 20

// scratch puts the nodes' scratch folders on file systems of their own, so that
// they can run full.
func (b *bench) scratch(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return // then disks do not run full
	}
	for _, n := range nodes {
		dir := b.scratchOf(n)
		if err := syscall.Mount("choir", dir, "tmpfs", 0, fmt.Sprintf("size=%d", scratchSize)); err != nil {
			t.Fatalf("mounting %s: %v", dir, err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
}

func (b *bench) scratchOf(node string) string { return filepath.Join(b.Dir, "scratch", node) }

// song is a song of a test.
type song struct {
	id definition.Song

	mu    sync.Mutex
	takes takes     // the recordings that count
	order [3][]int  // of every part, all that were uploaded, in order
	etags [3]string // and their ETags
}

func (b *bench) song(name string) *song {
	return &song{id: definition.Song{Choir: "choir", Song: definition.SongID(name)}}
}

func (s *song) etag(part int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.etags[part]
}

// expect says which recording of a part counts from now on, and its ETag once that
// is known.
func (s *song) expect(part, take int, etag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes[part], s.etags[part] = take, etag
	if n := len(s.order[part]); n == 0 || s.order[part][n-1] != take {
		s.order[part] = append(s.order[part], take)
	}
}

// upload makes a song and uploads its parts.
func (b *bench) upload(ctx context.Context, name string) (*song, error) {
	s := b.song(name)
	if err := b.retry(ctx, func() error { return b.store.PutSong(ctx, s.id, []byte(settings)) }); err != nil {
		return s, err
	}
	for i := range s.takes {
		if err := b.uploadPart(ctx, s, i, i+1); err != nil {
			return s, err
		}
	}
	return s, nil
}

// uploadPart uploads a recording, again while the object store does not answer.
func (b *bench) uploadPart(ctx context.Context, s *song, part, take int) error {
	s.expect(part, take, "")
	key := definition.RawKey{Song: s.id, Part: partID(part), Ext: "webm"}.String()
	return b.retry(ctx, func() error {
		if err := b.Upload(ctx, key, b.takes[take-1]); err != nil {
			return err
		}
		info, err := b.Buckets[definition.BucketRaw].Stat(ctx, key)
		s.expect(part, take, info.ETag)
		return err
	})
}

func partID(i int) definition.PartID { return definition.PartID(fmt.Sprint("p", i)) }

// retry calls f until it succeeds.
func (b *bench) retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// await waits until the song has a final of all its recordings, and returns it.
func (b *bench) await(ctx context.Context, s *song) (final, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		st, err := status.Read(ctx, b.store, s.id, "")
		if err == nil {
			done, err := b.settled(ctx, s, st)
			if err != nil {
				return final{}, err
			}
			if done {
				f, err := b.final(ctx, s, st)
				if !errors.Is(err, errMoved) {
					return f, err
				}
			}
		}
		select {
		case <-ctx.Done():
			return final{}, fmt.Errorf("song %s is lost: after %v it is %s, %.0f %%, %s; stages %+v; last error %v",
				s.id.Song, patience, st.State, st.Percent, st.Error, st.Stages, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settled tells whether the song is done with all the recordings that count. The
// error is of what never becomes right again.
func (b *bench) settled(ctx context.Context, s *song, st status.Song) (bool, error) {
	for _, p := range st.Parts {
		if p.Error+p.Dropped != "" {
			return false, fmt.Errorf("song %s lost part %s: %s%s", s.id.Song, p.Part, p.Error, p.Dropped)
		}
	}
	if st.State == store.TaskFailed {
		return false, fmt.Errorf("song %s failed: %s", s.id.Song, st.Error)
	}
	s.mu.Lock()
	want := 0
	for _, take := range s.takes {
		want += min(1, take)
	}
	s.mu.Unlock()
	if len(st.Parts) != want || !st.Settled {
		return false, nil
	}
	for i, take := range s.takes {
		if take == 0 {
			continue
		}
		p, err := b.store.Part(ctx, store.PartID{Song: s.id, Part: partID(i)})
		if err != nil || p.Raw.ETag != s.etag(i) {
			return false, nil // the database may be away
		}
	}
	return st.State == store.TaskDone, nil
}

// object reads an object.
func (b *bench) object(ctx context.Context, role, key string) (bucket.Info, *os.File, error) {
	r, info, err := b.Buckets[role].Get(ctx, key, bucket.Range{})
	if err != nil {
		return info, nil, err
	}
	defer r.Close()
	f, err := os.CreateTemp("", "choir-final-*.mp4")
	if err != nil {
		return info, nil, err
	}
	os.Remove(f.Name())
	if _, err := f.ReadFrom(r); err != nil {
		f.Close()
		return info, nil, err
	}
	_, err = f.Seek(0, 0)
	return info, f, err
}
