package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// awayBucket answers nothing while it is away, and counts what it is asked.
type awayBucket struct {
	bucket.Bucket
	back         chan struct{} // closed when it answers
	stats, other *atomic.Int32
}

func (a awayBucket) is(n *atomic.Int32) error {
	select {
	case <-a.back:
		return nil
	default:
		n.Add(1)
		return errors.New("503 slow down")
	}
}

func (a awayBucket) Stat(ctx context.Context, key string) (bucket.Info, error) {
	if err := a.is(a.stats); err != nil {
		return bucket.Info{}, err
	}
	return a.Bucket.Stat(ctx, key)
}

func (a awayBucket) Get(ctx context.Context, key string, r bucket.Range) (io.ReadCloser, bucket.Info, error) {
	if err := a.is(a.other); err != nil {
		return nil, bucket.Info{}, err
	}
	return a.Bucket.Get(ctx, key, r)
}

// While the object store is away nothing is taken from the queue but what showed it;
// when it is back all of it is done.
func TestNoWorkIsTakenInAnOutage(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	away := awayBucket{b.objects, make(chan struct{}), &atomic.Int32{}, &atomic.Int32{}}
	b.node.cfg.Buckets = bucket.Buckets{"b": away}
	b.node.outage.pause = 5 * time.Millisecond
	const sent = 5
	for i := range sent {
		a := stackAssignment(30)
		a.Key = fmt.Sprint("k", i)
		b.send(a)
	}
	b.run()
	for away.stats.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	if n := away.other.Load(); n != 1 {
		t.Errorf("%d assignments were begun in the outage, want 1", n)
	}
	close(away.back)
	for range sent {
		if r := b.final(); r.State != plan.ReportDone {
			t.Errorf("report %+v", r)
		}
	}
}

// unheld is a queue whose leases cannot be extended.
type unheld struct{ queue.Queue }

func (q unheld) Receive(ctx context.Context, n int, visibility time.Duration) ([]queue.Lease, error) {
	all, err := q.Queue.Receive(ctx, n, visibility)
	for i, l := range all {
		all[i] = unheldLease{l}
	}
	return all, err
}

type unheldLease struct{ queue.Lease }

func (unheldLease) Extend(context.Context, time.Duration) error {
	return errors.New("500 internal error")
}

// That the queue does not answer is no failure of the work that it has handed out.
func TestLeaseThatCannotBeHeld(t *testing.T) {
	b := newBench(t)
	b.node.outage.pause = 0
	b.send(stackAssignment(30))
	leases, err := unheld{b.assignments}.Receive(t.Context(), 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if how := b.node.handle(t.Context(), leases[0]); how != outcomeHanded {
		t.Errorf("%s, want it handed back", how)
	}
	if visible, leased, err := b.assignments.Depth(t.Context()); visible != 1 || leased != 0 || err != nil {
		t.Errorf("%d assignments wait, %d leased, %v; want one", visible, leased, err)
	}
	if first, last := b.next(), b.next(); first.State != plan.ReportStarted || last.State != plan.ReportReturned {
		t.Errorf("reports %+v, %+v", first, last)
	}
}
