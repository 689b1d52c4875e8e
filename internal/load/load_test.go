package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
	"github.com/choirless/render/store/storetest"
)

const prefix = "choirless-"

// TestLoad announces many songs at once and waits until every one has its final.
// It checks that nothing was lost and nothing done twice. With LOAD_SONGS set it
// is the measurement of `make load`: it prints figures and judges them.
func TestLoad(t *testing.T) {
	songs, parts, wait := number(t, "LOAD_SONGS", 12), number(t, "LOAD_PARTS", 9), number(t, "LOAD_WAIT_MS", 50)
	l := newLoad(t, songs, parts)
	l.upload()
	stand := l.standIn(time.Duration(wait) * time.Millisecond)
	l.announce()
	began := time.Now()
	coordinator := l.coordinator()
	figures := l.measure(coordinator)
	l.await(figures)
	figures.stop(time.Since(began))
	stand.check(l)
	l.check()
	if os.Getenv("LOAD_SONGS") != "" {
		figures.judge(t, l)
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

// load is the servers of one run, and what is known of its songs.
type load struct {
	*testing.T
	songs, parts int
	database     string
	store        store.Store
	s3           testserver.S3
	sqsAt        string
	sqs          *queue.SQSServer
	buckets      bucket.Buckets
	address      string // of the coordinator
}

func newLoad(t *testing.T, songs, parts int) *load {
	t.Helper()
	ctx := t.Context()
	l := &load{T: t, songs: songs, parts: parts, buckets: bucket.Buckets{}}
	// With fsync, as in production.
	socket := storetest.Postgres(t, "fsync=on")(t)
	st, err := store.OpenPostgres(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	var dir, name string
	if _, err := fmt.Sscanf(socket, "host=%s user=choirless dbname=%s", &dir, &name); err != nil {
		t.Fatal(err)
	}
	l.store, l.database = st, fmt.Sprintf("postgres:///%s?host=%s&user=choirless", name, dir)
	l.s3, l.sqsAt = testserver.MinIO(t), testserver.Fauxqs(t)
	s3, err := bucket.DialS3(ctx, bucket.S3Options{
		Endpoint: l.s3.Endpoint, Region: l.s3.Region, AccessKey: l.s3.AccessKey, SecretKey: l.s3.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range definition.Buckets() {
		b, err := s3.Create(ctx, prefix+role)
		if err != nil {
			t.Fatal(err)
		}
		l.buckets[role] = b
	}
	l.sqs, err = queue.DialSQS(ctx, queue.SQSOptions{
		Endpoint: l.sqsAt, Region: "us-east-1", AccessKey: "test", SecretKey: "test", Poll: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"choirless-events", "choirless-assignments", "choirless-reports"} {
		q, err := l.sqs.Create(ctx, name, 50)
		if err != nil {
			t.Fatal(err)
		}
		q.Close()
	}
	return l
}

// queue opens a queue that is closed with the test.
func (l *load) queue(name string) *queue.SQS {
	l.Helper()
	q, err := l.sqs.Open(l.Context(), "choirless-"+name)
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

// upload puts the recordings, which nobody decodes, and makes the songs known with
// a canvas that costs next to nothing.
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
					_, err = l.buckets[definition.BucketRaw].Put(ctx, key, bytes.NewReader([]byte("recording "+key)), bucket.PutOptions{})
				}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		l.Fatal(err)
	}
}

// announce fills the queue of events before anybody reads it.
func (l *load) announce() {
	l.Helper()
	var bodies [][]byte
	for i := range l.songs {
		for p := range l.parts {
			bodies = append(bodies, bucket.EncodeEvents(bucket.Event{
				Name: "ObjectCreated:Put", Bucket: prefix + definition.BucketRaw, Key: l.raw(i, p).String(),
			}))
		}
	}
	if err := queue.SendAll(l.Context(), l.queue("events"), bodies); err != nil {
		l.Fatal(err)
	}
}

// coordinator builds and starts the command, with the defaults of its settings.
func (l *load) coordinator() *exec.Cmd {
	l.Helper()
	binary := filepath.Join(l.TempDir(), "coordinator")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/coordinator").CombinedOutput(); err != nil {
		l.Fatalf("building the coordinator: %v\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.Fatal(err)
	}
	l.address = free.Addr().String()
	free.Close()
	log, err := os.Create(filepath.Join(l.TempDir(), "coordinator.log"))
	if err != nil {
		l.Fatal(err)
	}
	cmd := exec.Command(binary, "--database", l.database, "--listen", l.address, "--region", "us-east-1",
		"--s3-endpoint", l.s3.Endpoint, "--sqs-endpoint", l.sqsAt, "--access-key", l.s3.AccessKey, "--secret-key", l.s3.SecretKey)
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err := cmd.Wait()
		said, _ := os.ReadFile(log.Name())
		if keep := os.Getenv("LOAD_LOG"); keep != "" {
			_ = os.WriteFile(keep, said, 0o644)
		}
		if err != nil || l.Failed() {
			l.Errorf("coordinator: %v\n%s", err, tail(said, 100))
		}
	})
	return cmd
}

// tail returns the last lines of a text.
func tail(text []byte, lines int) []byte {
	for i := len(text) - 1; i > 0; i-- {
		if text[i] == '\n' {
			if lines--; lines < 0 {
				return text[i+1:]
			}
		}
	}
	return text
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.address+path, nil)
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
