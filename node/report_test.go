package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// stuckBucket answers nothing until its channel is closed.
type stuckBucket struct {
	bucket.Bucket
	until chan struct{}
}

func (s stuckBucket) Get(ctx context.Context, key string, r bucket.Range) (io.ReadCloser, bucket.Info, error) {
	select {
	case <-s.until:
	case <-ctx.Done():
	}
	return s.Bucket.Get(ctx, key, r)
}

// A node that waits says that it is there, until the work is over.
func TestWaitingNodeGivesSignsOfLife(t *testing.T) {
	b := newBench(t)
	until := make(chan struct{})
	b.node.cfg.Buckets = bucket.Buckets{"b": stuckBucket{b.objects, until}}
	b.node.cfg.Visibility = time.Second
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	b.run()
	b.send(stackAssignment(30))
	for signs := 0; signs < 3; {
		if b.next().State == plan.ReportProgress {
			signs++
		}
	}
	close(until)
	if r := b.final(); r.State != plan.ReportDone {
		t.Errorf("report %+v", r)
	}
}

// fullBucket stands for whatever writes into the scratch folder.
type fullBucket struct{ bucket.Bucket }

func (fullBucket) Put(context.Context, string, io.Reader, bucket.PutOptions) (bucket.Info, error) {
	return bucket.Info{}, fmt.Errorf("write scratch/converted-1.mkv: %w", syscall.ENOSPC)
}

// A full disk is not the fault of the part: the work goes back to the queue.
func TestFullDiskIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.node.cfg.Buckets = bucket.Buckets{"b": fullBucket{b.objects}}
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	stop := b.run()
	b.send(stackAssignment(30))
	if r := b.next(); r.State != plan.ReportStarted {
		t.Fatalf("report %+v", r)
	}
	ls, err := b.assignments.Receive(t.Context(), 1, time.Minute) // the node does not take it again at once
	if err != nil || len(ls) != 1 || ls[0].Deliveries() != 2 {
		t.Fatalf("%d assignments came back, %v", len(ls), err)
	}
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for {
		ls, err := b.reports.Receive(ctx, queue.MaxBatch, time.Minute)
		if err != nil {
			return
		}
		for _, l := range ls {
			var r plan.Report
			if err := json.Unmarshal(l.Body(), &r); err != nil || r.State != plan.ReportNode {
				t.Errorf("one more report: %+v, %v", r, err)
			}
		}
	}
}

// next returns the next report about an assignment.
func (b *bench) next() plan.Report {
	b.t.Helper()
	for {
		if r := b.report(); r.State != plan.ReportNode {
			return r
		}
	}
}

// report returns the next report.
func (b *bench) report() plan.Report {
	b.t.Helper()
	var r plan.Report
	ls, err := b.reports.Receive(b.t.Context(), 1, time.Minute)
	if err == nil && len(ls) == 1 {
		err = errors.Join(json.Unmarshal(ls[0].Body(), &r), ls[0].Ack(b.t.Context()))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}
