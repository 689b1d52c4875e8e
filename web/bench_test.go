package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

var testSong = definition.Song{Choir: "my choir", Song: "old 100th%"}

const songAPI = "/api/songs/my%20choir/old%20100th%25"

// asked is a coordinator that does not run: it stores documents and notes the rest.
type asked struct {
	*coordinator.Coordinator
	store store.Store
	mu    sync.Mutex
	calls []string
}

func (a *asked) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, fmt.Sprintf(format, args...))
}

func (a *asked) Cancel(ctx context.Context, run string) (bool, error) {
	a.note("cancel %s", run)
	return a.store.CancelRender(ctx, run, "cancelled")
}

func (a *asked) Rerender(_ context.Context, song definition.Song, name string) (string, error) {
	a.note("render %s %s", song.Song, name)
	return "newrun", nil
}

func (a *asked) Retry(_ context.Context, song definition.Song, name string) (string, error) {
	a.note("retry %s %s", song.Song, name)
	return "", nil
}

type bench struct {
	*testing.T
	*asked
	server  *httptest.Server
	buckets bucket.Buckets
}

func newBench(t *testing.T) *bench {
	st, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	return newBenchOn(t, st)
}

func newBenchOn(t *testing.T, st store.Store) *bench {
	dir := t.TempDir()
	b := &bench{T: t, asked: &asked{store: st}, buckets: bucket.Buckets{}}
	for _, role := range definition.Buckets() {
		var err error
		if b.buckets[role], err = bucket.OpenDir(filepath.Join(dir, role), bucket.DirOptions{NoSync: true}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := coordinator.New(coordinator.Config{
		Store: st, Buckets: b.buckets, Assignments: queue.NewMemory(queue.MemoryOptions{}), Reports: queue.NewMemory(queue.MemoryOptions{}),
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.asked.Coordinator = c
	b.server = httptest.NewServer(New(Config{
		Store: st, Coordinator: b.asked, Buckets: b.buckets,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}))
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.server.Close()
		st.Close()
	})
	return b
}

// do sends a request and returns status and body.
func (b *bench) do(method, path, body string, header ...string) (int, string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	return r.StatusCode, string(text)
}

func (b *bench) want(method, path, body string, code int, contains ...string) string {
	b.Helper()
	got, text := b.do(method, path, body)
	if got != code {
		b.Fatalf("%s %s: %d %s, want %d", method, path, got, text, code)
	}
	for _, c := range contains {
		if !strings.Contains(text, c) {
			b.Errorf("%s %s: %s\nhas no %s", method, path, text, c)
		}
	}
	return text
}

// fill puts a song with a part that is ready and one that was refused, and a
// render that is done.
func (b *bench) fill() {
	b.Helper()
	ctx := b.Context()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range []definition.PartID{"anna", "<b>evil"} {
		must(b.PutPart(ctx, testSong, definition.Part{PartID: p, Volume: definition.Some(0.5)}))
		_, err := b.store.Uploaded(ctx, store.Upload{
			PartID: store.PartID{Song: testSong, Part: p}, Raw: store.Raw{Key: "raw " + string(p), ETag: "1"},
			Task: func(store.Part) (store.NewTask, error) {
				return store.NewTask{Part: p, Assignment: plan.Assignment{Key: "ingest " + string(p), Kind: plan.KindIngest}}, nil
			},
		})
		must(err)
	}
	result, err := json.Marshal(plan.IngestResult{Snapshot: true, Facts: media.Facts{Warnings: []string{"cut short"}}})
	must(err)
	_, err = b.store.CompleteTask(ctx, store.Done{Song: testSong, Key: "ingest anna", Result: result})
	must(err)
	_, err = b.store.FailTask(ctx, store.Failure{Song: testSong, Key: "ingest <b>evil", Attempt: 1, Permanent: true, Reason: "<script>alert(1)"})
	must(err)
	song, err := b.store.ClaimSong(ctx, "me", 1e12)
	must(err)
	must(b.store.SongPlanned(ctx, song, ""))
	_, _, err = b.store.AddRender(ctx, store.NewRender{
		Run: "run1", Song: testSong, Name: "auto", Key: "k", ETag: "e",
		Definition: json.RawMessage(`{"version":1}`),
	})
	must(err)
	r, err := b.store.ClaimRender(ctx, "me", 1e12, store.Queued)
	must(err)
	must(b.store.PlanRender(ctx, r.Claim(), store.Planned{
		Plan:     json.RawMessage(`{}`),
		Warnings: []store.Warning{{Part: "<b>evil", Text: "dropped"}},
	}))
	for _, s := range []store.RenderState{store.Checking, store.Finishing} {
		r, err = b.store.ClaimRender(ctx, "me", 1e12, s)
		must(err)
		if s == store.Checking {
			must(b.store.StackRender(ctx, r.Claim(), nil))
		}
	}
	out, err := json.Marshal(status.Output{Final: "a+b-final.mp4", Frames: 3, LUFS: -16})
	must(err)
	must(b.store.FinishRender(ctx, r.Claim(), out, []store.Warning{{Part: "<b>evil", Text: "dropped"}}))
}
