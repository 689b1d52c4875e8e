package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

var testRate = media.FrameRate{Num: 25, Den: 1}

// bench is a node with its queues and one bucket.
type bench struct {
	t                    *testing.T
	assignments, reports *queue.Memory
	objects              *bucket.Dir
	node                 *Node
}

func newBench(t *testing.T) *bench {
	t.Helper()
	d, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, assignments: queue.NewMemory(queue.MemoryOptions{}), reports: queue.NewMemory(queue.MemoryOptions{}), objects: d}
	b.node = New(Config{Name: "test", Buckets: bucket.Buckets{"b": d}, Assignments: b.assignments, Reports: b.reports, Slots: 1, Scratch: t.TempDir()})
	t.Cleanup(func() { b.node.parking.clear(time.Time{}) }) // as the end of Run does; other tests count what is open
	return b
}

// run runs the node until the test ends or stop is called.
func (b *bench) run() (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- b.node.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("run: %v", err)
		}
	}
	b.t.Cleanup(stop)
	return stop
}

func (b *bench) send(a plan.Assignment) {
	b.t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.assignments.Send(b.t.Context(), body, 0); err != nil {
		b.t.Fatal(err)
	}
}

// final waits for the report that ends an assignment.
func (b *bench) final() plan.Report {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for {
		ls, err := b.reports.Receive(ctx, 1, time.Minute)
		if err != nil {
			b.t.Fatalf("no report: %v", err)
		}
		for _, l := range ls {
			var r plan.Report
			if err := json.Unmarshal(l.Body(), &r); err != nil {
				b.t.Fatal(err)
			}
			if err := l.Ack(ctx); err != nil {
				b.t.Fatal(err)
			}
			if r.State == plan.ReportDone || r.State == plan.ReportFailed {
				return r
			}
		}
	}
}

// stripe stores a cell of n pictures, whose luma is base + picture number.
func (b *bench) stripe(key string, width, height, n int, base uint8) {
	b.t.Helper()
	var buf bytes.Buffer
	c, err := encode.NewCell(&buf, encode.CellOptions{Width: width, Height: height, Rate: testRate, Preset: "veryfast", CRF: 10, GOP: 25, CanvasHeight: 1080, Threads: 1})
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range n {
		f := media.NewFrame(width, height)
		for p := range f.Planes {
			v := uint8(128)
			if p == 0 {
				v = base + uint8(i)
			}
			for k := range f.Planes[p].Data {
				f.Planes[p].Data[k] = v
			}
		}
		f.Time = testRate.Time(i)
		if err := c.Write(f); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.objects.Put(b.t.Context(), key, &buf, bucket.PutOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

func stackAssignment(frames int) plan.Assignment {
	return plan.Assignment{
		Key: "k1", Kind: plan.KindStack, Attempt: 1, Run: "r1",
		Stack: &plan.Stack{
			Segment: plan.Segment{Count: frames}, Width: 96, Height: 80, Rate: testRate,
			Stripes: []plan.StackStripe{{Source: plan.Ref{Bucket: "b", Key: "top"}, Height: 48}, {Source: plan.Ref{Bucket: "b", Key: "bottom"}, Height: 32}},
			Encoder: plan.Encoder{Preset: "veryfast", CRF: 10, GOP: 25, CanvasHeight: 1080},
			Out:     plan.Ref{Bucket: "b", Key: "out.h264"},
		},
	}
}

func TestStackPutsStripesOnTopOfEachOther(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	b.run()
	b.send(stackAssignment(30))
	r := b.final()
	if r.State != plan.ReportDone || r.Key != "k1" || r.Attempt != 1 || r.Node != "test" {
		t.Fatalf("report %+v", r)
	}
	var res plan.CellResult
	if err := json.Unmarshal(r.Result, &res); err != nil {
		t.Fatal(err)
	}
	if res.Frames != 30 || !res.Stitchable || res.Bytes == 0 || res.CPUSeconds <= 0 {
		t.Errorf("result %+v", res)
	}
	rd, _, err := b.objects.Get(t.Context(), "out.h264", bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	v, err := decode.OpenStripe(t.Context(), rd, testRate)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for n := 0; ; n++ {
		f, err := v.Read()
		if errors.Is(err, io.EOF) {
			if n != 30 {
				t.Errorf("%d pictures, want 30", n)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		y := f.Planes[0]
		for row, want := range map[int]int{4: 60 + n, 44: 60 + n, 52: 160 + n, 76: 160 + n} {
			if got := int(y.Data[row*y.Stride+48]); got < want-2 || got > want+2 {
				t.Errorf("picture %d, row %d: luma %d, want %d ±2", n, row, got, want)
			}
		}
	}
}

func TestShortStripeFailsWithItsNumber(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 20, 160)
	b.run()
	b.send(stackAssignment(30))
	r := b.final()
	if want := "segment 0: stripe 1 ends after 20 frames, want 30"; r.State != plan.ReportFailed || r.Error != want || r.Permanent {
		t.Errorf("report %s %q permanent %v, want %q", r.State, r.Error, r.Permanent, want)
	}
	if _, err := b.objects.Stat(t.Context(), "out.h264"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("a result was left behind: %v", err)
	}
}

func TestKnownWorkIsNotDoneAgain(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	b.run()
	b.send(stackAssignment(30))
	first := b.final()
	for _, key := range []string{"top", "bottom"} { // without its sources it could not be done
		if err := b.objects.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	b.send(stackAssignment(30))
	second := b.final()
	if second.State != plan.ReportDone || !bytes.Equal(first.Result, second.Result) {
		t.Errorf("second report %s %s %q, want the first's result %s", second.State, second.Result, second.Error, first.Result)
	}
	other := stackAssignment(30)
	other.Key = "k2"
	b.send(other)
	if r := b.final(); r.State != plan.ReportFailed {
		t.Errorf("another key was answered from the note: %+v", r)
	}
}

// A row of assignments is done one after the other, each reported for itself, and the
// message is gone after the last; one that fails does not keep the others.
func TestRowOfAssignments(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	stop := b.run()
	a := stackAssignment(30)
	for i, frames := range []int{31, 29, 30} {
		then := stackAssignment(frames)
		then.Key = fmt.Sprint("then", i)
		a.Then = append(a.Then, then)
	}
	b.send(a)
	for _, want := range []struct {
		key   string
		state plan.ReportState
	}{{"k1", plan.ReportDone}, {"then0", plan.ReportFailed}, {"then1", plan.ReportDone}, {"then2", plan.ReportDone}} {
		if r := b.final(); r.Key != want.key || r.State != want.state {
			t.Errorf("report of %s: %s %q, want %s %s", r.Key, r.State, r.Error, want.key, want.state)
		}
	}
	stop()
	if visible, leased, err := b.assignments.Depth(t.Context()); err != nil || visible+leased != 0 {
		t.Errorf("%d messages are left, %v", visible+leased, err)
	}
}

// A node that is to stop ends what it is at and hands the rest of the row back.
func TestDrainingInARow(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	a := stackAssignment(30)
	then := a
	then.Key = "then"
	a.Then = []plan.Assignment{then}
	b.send(a)
	leases, err := b.assignments.Receive(t.Context(), 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b.node.Drain()
	if how := b.node.handle(t.Context(), leases[0]); how != outcomeHanded {
		t.Errorf("the row ends as %s", how)
	}
	if r := b.final(); r.Key != "k1" || r.State != plan.ReportDone {
		t.Errorf("report %+v", r)
	}
	if visible, _, err := b.assignments.Depth(t.Context()); err != nil || visible != 1 {
		t.Errorf("%d messages wait, %v, want the rest of the row", visible, err)
	}
}

func TestAssignmentWithoutBodyIsPermanent(t *testing.T) {
	b := newBench(t)
	b.run()
	b.send(plan.Assignment{Key: "k", Kind: plan.KindPicture})
	if r := b.final(); r.State != plan.ReportFailed || !r.Permanent {
		t.Errorf("report %+v, want a permanent failure", r)
	}
}

func TestStoppingHandsBack(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	const sent = 300
	for i := range sent {
		a := stackAssignment(30)
		a.Key = fmt.Sprint("k", i) // so that none is known already
		b.send(a)
	}
	stop := b.run()
	b.final()
	stop()
	visible, leased, err := b.assignments.Depth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if leased != 0 || visible == 0 || visible >= sent {
		t.Errorf("after the stop %d leased and %d visible of %d, want none leased, the rest visible", leased, visible, sent)
	}
}

// brokenBucket is an object store that does not answer.
type brokenBucket struct{ bucket.Bucket }

func (brokenBucket) Put(context.Context, string, io.Reader, bucket.PutOptions) (bucket.Info, error) {
	return bucket.Info{}, errors.New("503 slow down")
}

func TestTroubleOfTheObjectStoreIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.stripe("top", 96, 48, 30, 60)
	b.stripe("bottom", 96, 32, 30, 160)
	b.node.cfg.Buckets["broken"] = brokenBucket{b.objects}
	a := stackAssignment(30)
	a.Stack.Out.Bucket = "broken"
	_, err := b.node.do(t.Context(), a, b.node.cfg.Buckets, func(float64) {}, func() {})
	if !errors.As(err, new(*transferError)) {
		t.Errorf("error %v is not marked as the object store's", err)
	}
}
