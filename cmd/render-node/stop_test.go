package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/internal/health"
	"github.com/choirless/render/internal/spot"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// held is a bucket whose objects come only when it is let go.
type held struct {
	bucket.Bucket
	asked, free chan struct{}
}

func (b held) Get(ctx context.Context, key string, rng bucket.Range) (io.ReadCloser, bucket.Info, error) {
	select {
	case b.asked <- struct{}{}:
	default:
	}
	select {
	case <-b.free:
		return b.Bucket.Get(ctx, key, rng)
	case <-ctx.Done():
		return nil, bucket.Info{}, ctx.Err()
	}
}

// busy is a service that has one assignment, which waits for an object.
type busy struct {
	*testing.T
	*service
	objects     held
	assignments *queue.Memory
	url         string
	stop        context.CancelFunc
	done        chan error
}

func newBusy(t *testing.T, drain time.Duration, imds string) *busy {
	t.Helper()
	dir, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	b := &busy{
		T: t, objects: held{dir, make(chan struct{}, 1), make(chan struct{})},
		assignments: queue.NewMemory(queue.MemoryOptions{}), done: make(chan error, 1),
	}
	n := node.New(node.Config{
		Name: "test", Buckets: bucket.Buckets{"b": b.objects}, Slots: 1,
		Assignments: b.assignments, Reports: queue.NewMemory(queue.MemoryOptions{}), Scratch: t.TempDir(),
	})
	log := slog.New(slog.DiscardHandler)
	b.service = &service{node: n, drain: drain, log: log, handler: health.Handler(drainCheck(n))}
	if b.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	b.url = "http://" + b.listener.Addr().String()
	if imds != "" {
		b.spot = &spot.Watcher{Address: imds, Every: 5 * time.Millisecond, Log: log}
	}
	body, err := json.Marshal(plan.Assignment{
		Kind: plan.KindStack, Key: "k",
		Stack: &plan.Stack{Out: plan.Ref{Bucket: "b", Key: "out"}, Stripes: []plan.StackStripe{{Source: plan.Ref{Bucket: "b", Key: "in"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.assignments.Send(t.Context(), body, 0); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	go func() { b.done <- b.run(ctx) }()
	<-b.objects.asked
	return b
}

// ended waits until the service has ended.
func (b *busy) ended() {
	b.Helper()
	select {
	case err := <-b.done:
		if err != nil {
			b.Error(err)
		}
	case <-time.After(30 * time.Second):
		b.Fatal("it does not end")
	}
}

func (b *busy) waiting(want int) {
	b.Helper()
	visible, leased, err := b.assignments.Depth(context.WithoutCancel(b.Context()))
	if err != nil || visible != want || leased != 0 {
		b.Errorf("%d assignments visible, %d leased, %v; want %d, 0", visible, leased, err, want)
	}
}

func (b *busy) status(path string) int {
	b.Helper()
	resp, err := http.Get(b.url + path)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Asked to stop, a node takes no more, says so, and ends what it has begun.
func TestDrains(t *testing.T) {
	b := newBusy(t, time.Hour, "")
	if code := b.status("/readyz"); code != http.StatusOK {
		t.Errorf("ready: %d", code)
	}
	b.stop()
	for end := time.Now().Add(30 * time.Second); b.status("/readyz") != http.StatusServiceUnavailable; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still ready")
		}
	}
	if code := b.status("/healthz"); code != http.StatusOK {
		t.Errorf("healthy while draining: %d", code)
	}
	close(b.objects.free) // the object is missing, so the assignment fails and is settled
	b.ended()
	b.waiting(0)
}

// What is not done when the time for it is over is handed back.
func TestHandsBackAfterDraining(t *testing.T) {
	b := newBusy(t, 10*time.Millisecond, "")
	b.stop()
	b.ended()
	b.waiting(1)
}

// An interruption notice hands everything back at once, a recommendation does not.
func TestSpotInterruption(t *testing.T) {
	var path atomic.Value
	path.Store("none")
	imds := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			fmt.Fprint(w, "token")
		case strings.HasSuffix(r.URL.Path, path.Load().(string)):
			fmt.Fprint(w, `{"action": "terminate", "time": "2026-11-25T12:00:00Z", "noticeTime": "2026-11-25T11:00:00Z"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer imds.Close()
	b := newBusy(t, time.Hour, imds.URL)
	path.Store("/rebalance")
	for end := time.Now().Add(30 * time.Second); !b.node.Draining(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a recommendation does not drain")
		}
	}
	select {
	case err := <-b.done:
		t.Fatalf("a recommendation ended it: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	path.Store("/instance-action")
	b.ended()
	b.waiting(1)
}
