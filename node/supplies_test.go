package node

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// flaky is a bucket whose Get fails from the nth call on, until it is mended.
type flaky struct {
	bucket.Bucket
	gets  atomic.Int64
	fails int64
}

var errAway = errors.New("503 slow down")

func (f *flaky) Get(ctx context.Context, key string, rng bucket.Range) (io.ReadCloser, bucket.Info, error) {
	if f.gets.Add(1) >= f.fails {
		return nil, bucket.Info{}, errAway
	}
	return f.Bucket.Get(ctx, key, rng)
}

func TestNothingIsStoredAfterTrouble(t *testing.T) {
	dir, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{Bucket: dir, fails: 2}
	written := 0
	s := supply(bucket.Buckets{"b": f}, func(_, out int) { written += out })
	put := func(key string) error {
		_, err := s.Buckets["b"].Put(t.Context(), key, strings.NewReader("content"), bucket.PutOptions{})
		return err
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Buckets["b"].Get(t.Context(), "missing", bucket.Range{}); !errors.Is(err, bucket.ErrNotFound) || s.trouble() != nil {
		t.Fatalf("missing object: %v, trouble %v; that is no trouble", err, s.trouble())
	}
	if _, _, err := s.Buckets["b"].Get(t.Context(), "before", bucket.Range{}); !errors.Is(err, errAway) {
		t.Fatalf("error %v", err)
	}
	if err := put("after"); !errors.Is(err, errAway) {
		t.Errorf("put after trouble: %v", err)
	}
	if _, err := dir.Stat(t.Context(), "after"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("stored after trouble: %v", err)
	}
	if written != 14 {
		t.Errorf("%d bytes written, want 14", written)
	}
}

// A cell whose tiles cannot be read because the object store is away is handed back;
// a placeholder must not become its result. It is said to be, so that it is not taken
// for lost while it waits. When the store is back, it is made.
func TestCellIsHandedBackWhileTheStoreIsAway(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(30)
	body, err := json.Marshal(plan.Assignment{Kind: plan.KindPicture, Key: "key", Picture: p})
	if err != nil {
		t.Fatal(err)
	}
	// The first Get looks for the note of an earlier time, those after read the film.
	for _, c := range []struct {
		fails int64
		want  outcome
	}{{1, outcomeHanded}, {2, outcomeHanded}, {1 << 40, outcomeDone}} {
		b.node.cfg.Buckets["b"] = &flaky{Bucket: b.objects, fails: c.fails}
		q := queue.NewMemory(queue.MemoryOptions{})
		if err := q.Send(t.Context(), body, 0); err != nil {
			t.Fatal(err)
		}
		leases, err := q.Receive(t.Context(), 1, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if how := b.node.handle(t.Context(), leases[0]); how != c.want {
			t.Errorf("store away from get %d on: %s, want %s", c.fails, how, c.want)
		}
		last := plan.ReportReturned
		if c.want == outcomeDone {
			last = plan.ReportDone
		}
		for r := b.next(); r.State != last; r = b.next() {
			if r.State != plan.ReportStarted && r.State != plan.ReportProgress {
				t.Errorf("store away from get %d on: report %+v", c.fails, r)
				break
			}
		}
		_, err = b.objects.Stat(t.Context(), p.Out.Key)
		if there := err == nil; there != (c.want == outcomeDone) {
			t.Errorf("store away from get %d on: %s is there: %v (%v)", c.fails, p.Out.Key, there, err)
		}
	}
}

// A report that cannot be sent is not taken for sent: the assignment comes again and
// is answered from the note beside its result.
func TestUnsentReportIsSaidAgain(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	deaf := queue.NewMemory(queue.MemoryOptions{})
	if err := deaf.Close(); err != nil {
		t.Fatal(err)
	}
	ears := b.node.cfg.Reports
	for _, c := range []struct {
		reports queue.Queue
		want    outcome
	}{{deaf, outcomeHanded}, {ears, outcomeReused}} {
		b.node.cfg.Reports = c.reports
		q := queue.NewMemory(queue.MemoryOptions{})
		body, err := json.Marshal(stackAssignment(30))
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Send(t.Context(), body, 0); err != nil {
			t.Fatal(err)
		}
		leases, err := q.Receive(t.Context(), 1, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if how := b.node.handle(t.Context(), leases[0]); how != c.want {
			t.Errorf("%s, want %s", how, c.want)
		}
	}
}
