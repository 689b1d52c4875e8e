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

// However long its leases are, a node is not taken for dead.
func TestSignsOfLifeUnderLongLeases(t *testing.T) {
	for lease, want := range map[time.Duration]time.Duration{
		6 * time.Second: 2 * time.Second, time.Minute: 20 * time.Second, 12 * time.Hour: 20 * time.Second,
	} {
		if got := New(Config{Visibility: lease}).signOfLife(); got != want {
			t.Errorf("with leases of %v every %v, want %v", lease, got, want)
		}
	}
}

// slowReports is a queue that takes a report about progress only as long as nobody
// gives up.
type slowReports struct {
	queue.Queue
	entered, left chan string
}

func (q slowReports) Send(ctx context.Context, body []byte, delay time.Duration) error {
	var r plan.Report
	if err := json.Unmarshal(body, &r); err != nil || r.State != plan.ReportProgress {
		return q.Queue.Send(ctx, body, delay)
	}
	q.entered <- fmt.Sprint(r.Percent)
	<-ctx.Done()
	q.left <- fmt.Sprint(r.Percent)
	return ctx.Err()
}

// A queue that hangs keeps nobody from composing: a percentage is noted at once, and
// what is being said of it ends with the work.
func TestProgressWaitsForNobody(t *testing.T) {
	b := newBench(t)
	q := slowReports{b.reports, make(chan string, 9), make(chan string, 9)}
	b.node.cfg.Reports = q
	r := &reporter{node: b.node, log: b.node.cfg.Log, news: make(chan struct{}, 1)}
	stop := r.tell(t.Context(), time.Minute)
	r.progress(10)
	r.progress(20)
	if got := <-q.entered; got != "20" {
		t.Errorf("%s %% is said, want the newest, 20", got)
	}
	for percent := range 100 {
		r.progress(float64(percent))
	}
	select {
	case <-q.left:
		t.Error("progress has waited for the queue")
	default:
	}
	stop()
	if got := <-q.left; got != "20" || len(q.entered) != 0 {
		t.Errorf("%s %% was said, and %d more", got, len(q.entered))
	}
}

// fullBucket stands for whatever writes into the scratch folder.
type fullBucket struct{ bucket.Bucket }

func (fullBucket) Put(context.Context, string, io.Reader, bucket.PutOptions) (bucket.Info, error) {
	return bucket.Info{}, fmt.Errorf("write scratch/converted-1.mkv: %w", syscall.ENOSPC)
}

// A full disk is not the fault of the part: the work goes back to the queue, and who
// waits for this machine alone is told.
func TestFullDiskIsNoFailure(t *testing.T) {
	b := newBench(t)
	told := make(chan error, 9)
	b.node.cfg.Full = func(err error) { told <- err }
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
	if r := b.next(); r.State != plan.ReportReturned || r.Key != "k1" {
		t.Errorf("report %+v, want that it was handed back", r)
	}
	stop()
	if len(told) != 1 || !errors.Is(<-told, syscall.ENOSPC) {
		t.Error("nobody was told once that the disk is full")
	}
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
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	var r plan.Report
	ls, err := b.reports.Receive(ctx, 1, time.Minute)
	if err == nil && len(ls) == 1 {
		err = errors.Join(json.Unmarshal(ls[0].Body(), &r), ls[0].Ack(b.t.Context()))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}
