package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/metrics"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
	"github.com/choirless/render/web"
)

const slowKey = "choir+song+part.webm"

// held is a bucket that says nothing of one object until it is let go.
type held struct {
	bucket.Bucket
	asked, free chan struct{}
}

func (b held) Stat(ctx context.Context, key string) (bucket.Info, error) {
	if key == slowKey {
		b.asked <- struct{}{}
		select {
		case <-b.free:
		case <-ctx.Done():
			return bucket.Info{}, ctx.Err()
		}
	}
	return b.Bucket.Stat(ctx, key)
}

// Asked to stop, a coordinator ends what it has begun, and says meanwhile that it is
// alive and takes no more.
func TestNotReadyWhileStopping(t *testing.T) {
	st, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	buckets, names := bucket.Buckets{}, map[string]string{}
	for _, role := range definition.Buckets() {
		names[role] = role
		if buckets[role], err = bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true}); err != nil {
			t.Fatal(err)
		}
	}
	raw := held{buckets[definition.BucketRaw], make(chan struct{}, 1), make(chan struct{})}
	buckets[definition.BucketRaw] = raw
	events := queue.NewMemory(queue.MemoryOptions{})
	log := slog.New(slog.DiscardHandler)
	registry := metrics.New()
	coord, err := coordinator.New(coordinator.Config{
		Store: st, Buckets: buckets, BucketNames: names, Events: events, Log: log, Metrics: registry,
		Assignments: queue.NewMemory(queue.MemoryOptions{}), Reports: queue.NewMemory(queue.MemoryOptions{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := service{
		coord: coord, pages: web.Config{Store: st, Coordinator: coord, Buckets: buckets, Log: log},
		metrics: metrics.Handler(registry),
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	status := func(path string) int {
		t.Helper()
		resp, err := http.Get("http://" + s.listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	message := bucket.EncodeEvents(bucket.Event{Name: "ObjectCreated:Put", Bucket: definition.BucketRaw, Key: slowKey})
	if err := events.Send(t.Context(), message, 0); err != nil {
		t.Fatal(err)
	}
	<-raw.asked
	if code := status("/readyz"); code != http.StatusOK {
		t.Errorf("at work: /readyz is %d", code)
	}
	stop()
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK, "/metrics": http.StatusOK} {
		if code := status(path); code != want {
			t.Errorf("stopping: %s is %d, want %d", path, code, want)
		}
	}
	select {
	case err := <-done:
		t.Fatalf("it ended before what it had begun: %v", err)
	default:
	}
	close(raw.free)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if visible, leased, err := events.Depth(context.Background()); err != nil || visible+leased != 0 {
		t.Errorf("%d events wait, %d leased, %v; want none", visible, leased, err)
	}
}
