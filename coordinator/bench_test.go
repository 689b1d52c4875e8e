package coordinator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

var testSong = definition.Song{Choir: "choir", Song: "song"}

// limit is how long anything may take before a test gives up; nothing is
// expected to come near it.
const limit = 2 * time.Minute

// bench is one machine without a coordinator: buckets, queues, a database.
type bench struct {
	*testing.T
	buckets                      bucket.Buckets
	events, assignments, reports *queue.Memory
	open                         func() (store.Store, error)
	store                        store.Store
	log                          *slog.Logger
	puts                         *counter
	gate                         sync.RWMutex // held while uploads are not to be ingested
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{T: t, buckets: bucket.Buckets{}, puts: &counter{n: map[string]int{}}}
	b.open = func() (store.Store, error) {
		return store.OpenSQLite(context.Background(), filepath.Join(dir, "choir.db"))
	}
	b.log = slog.New(slog.NewTextHandler(&testWriter{t: t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, role := range definition.Buckets() {
		d, err := bucket.OpenDir(filepath.Join(dir, role), bucket.DirOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		b.buckets[role] = &countingBucket{Bucket: d, role: role, puts: b.puts}
	}
	b.newQueues()
	b.store = b.openStore()
	return b
}

// newQueues is what remains of in-process queues after a restart: nothing.
func (b *bench) newQueues() {
	o := queue.MemoryOptions{Poll: 50 * time.Millisecond}
	b.events, b.assignments, b.reports = queue.NewMemory(o), queue.NewMemory(o), queue.NewMemory(o)
}

func (b *bench) openStore() store.Store {
	b.Helper()
	s, err := b.open()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func (b *bench) config() Config {
	return Config{
		Store: b.store, Buckets: b.buckets, Events: b.events, Assignments: b.assignments, Reports: b.reports,
		Output:  definition.Output{Size: definition.Some(definition.Pair{320, 180}), FPS: definition.Some(definition.FPS{Num: 5, Den: 1})},
		Segment: 2 * time.Second, Backoff: 5 * time.Millisecond, Debounce: 20 * time.Millisecond,
		Poll: 50 * time.Millisecond, Reconcile: 200 * time.Millisecond, Claim: 5 * time.Second,
		Silent: 20 * time.Second, Scratch: b.TempDir(), Log: b.log,
	}
}

// start runs a coordinator until stop is called or the test ends.
func (b *bench) start(cfg Config) (c *Coordinator, stop func()) {
	b.Helper()
	c, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return c, b.background(c.Run)
}

func (b *bench) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				b.Errorf("run: %v", err)
			}
		})
	}
	b.Cleanup(stop)
	return stop
}

// upload puts a recording into raw and announces it as an object store does.
func (b *bench) upload(part string, r recording) {
	b.Helper()
	b.announce(definition.BucketRaw, b.putRaw(part, r))
}

// putRaw only puts it.
func (b *bench) putRaw(part string, r recording) bucket.Info {
	b.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	return b.putOnly(definition.BucketRaw, definition.RawKey{Song: testSong, Part: definition.PartID(part), Ext: "webm"}.String(), text)
}

func (b *bench) putOnly(role, key string, content []byte) bucket.Info {
	b.Helper()
	info, err := b.buckets[role].Put(b.Context(), key, bytes.NewReader(content), bucket.PutOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return info
}

func (b *bench) put(role, key string, content []byte) {
	b.Helper()
	b.announce(role, b.putOnly(role, key, content))
}

func (b *bench) announce(role string, info bucket.Info) {
	b.Helper()
	body := bucket.EncodeEvents(bucket.Event{Name: "ObjectCreated:Put", Bucket: role, Key: info.Key, Size: info.Size, ETag: info.ETag})
	if err := b.events.Send(b.Context(), body, 0); err != nil {
		b.Fatal(err)
	}
}

// await waits for the song to settle.
func (b *bench) await(c *Coordinator, name string) Result {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), limit)
	defer cancel()
	r, err := c.Await(ctx, testSong, name)
	if err != nil {
		s, _ := c.Status(b.Context(), testSong, name)
		b.Fatalf("%v; status %+v", err, s)
	}
	return r
}

// done waits for the song and checks its final.
func (b *bench) done(c *Coordinator, name string) Result {
	b.Helper()
	r := b.await(c, name)
	if r.State != store.TaskDone {
		b.Fatalf("song is %s: %s", r.State, r.Error)
	}
	b.checkFinal(r)
	return r
}

// checkFinal decodes the final and compares it with what the render says of it.
func (b *bench) checkFinal(r Result) {
	b.Helper()
	file, info, err := bucket.Open(b.Context(), b.buckets[definition.BucketFinal], r.Output.Final)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if info.ETag != r.Output.ETag || info.Size != r.Output.Bytes {
		b.Errorf("the final is %+v, its render says %+v", info, r.Output)
	}
	facts, err := decode.Probe(b.Context(), file)
	if err != nil {
		b.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal(r.Render.Plan, &p); err != nil {
		b.Fatal(err)
	}
	if facts.Video.Frames != p.Frames || r.Output.Frames != p.Frames || facts.Video.Width != p.Width || facts.Video.Height != p.Height {
		b.Errorf("the final has %d frames of %dx%d, want %d of %dx%d", facts.Video.Frames, facts.Video.Width, facts.Video.Height,
			p.Frames, p.Width, p.Height)
	}
	if len(p.Sounds) > 0 && (facts.Audio == nil || facts.Audio.Rate != media.MixRate) {
		b.Errorf("the sound of the final is %+v", facts.Audio)
	}
}

// recording is what the raw objects of these tests hold.
type recording struct {
	Take    int
	Seconds float64
	Width   int
	Height  int
	Silent  bool   // no features
	Strange bool   // belongs nowhere
	NoVideo bool   // sound only
	Reject  string // can never be used
}

func take(n int) recording { return recording{Take: n, Seconds: 2, Width: 64, Height: 48} }

// short is a recording that costs next to nothing to finish and to align.
func short(n int) recording {
	return recording{Take: n, Seconds: 0.4, Width: 64, Height: 48, Silent: true}
}

// song uploads n short recordings, p0 being the backing, all at once: no node
// ingests the first before the last is known.
func (b *bench) song(n int) {
	b.Helper()
	var all []recording
	for i := range n {
		all = append(all, short(i))
	}
	b.recordings(all...)
}

func (b *bench) recordings(all ...recording) {
	b.Helper()
	b.gate.Lock()
	defer b.gate.Unlock()
	for i, r := range all {
		b.upload(fmt.Sprint("p", i), r)
	}
	b.eventually("all parts are known", func() bool {
		known, err := b.store.Recordings(b.Context())
		return err == nil && len(known) >= len(all)
	})
}

// eventually waits for something that nothing announces.
func (b *bench) eventually(what string, is func() bool) {
	b.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("still not: %s", what)
		}
	}
}

// runs returns the states of the song's renders, oldest first.
func (b *bench) runs() string {
	b.Helper()
	all, err := b.store.Renders(b.Context(), testSong, 1000)
	if err != nil {
		b.Fatal(err)
	}
	var states []string
	for _, r := range all {
		states = append([]string{string(r.State)}, states...)
	}
	return strings.Join(states, " ")
}

// counter counts what was put into the buckets.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) of(role, key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[role+"/"+key]
}

type countingBucket struct {
	bucket.Bucket
	role string
	puts *counter
}

func (c *countingBucket) Put(ctx context.Context, key string, r io.Reader, o bucket.PutOptions) (bucket.Info, error) {
	info, err := c.Bucket.Put(ctx, key, r, o)
	if err == nil {
		c.puts.mu.Lock()
		c.puts.n[c.role+"/"+key]++
		c.puts.mu.Unlock()
	}
	return info, err
}

// testWriter writes the log where go test shows it.
type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
