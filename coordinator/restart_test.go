package coordinator

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// A coordinator is killed at one of its deeds, before and after it (at every single
// one with CHOIR_EVERY_DEED=1), and another one takes over: in the same process with the queues lost, or
// elsewhere with the queues kept. The song must end in its one correct final.
func TestKilledAnywhere(t *testing.T) {
	for _, kept := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("queues kept %v, after the deed %v", kept, after), func(t *testing.T) {
				step := 7
				if os.Getenv("CHOIR_EVERY_DEED") == "1" {
					step = 1 // two minutes
				} else if testing.Short() {
					step = 23
				}
				lived := false
				for at := 1; !lived; at += step {
					t.Run(fmt.Sprint(at), func(t *testing.T) { lived = killedAt(t, at, after, kept) })
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}

// killedAt returns true when the coordinator was done before its time had come.
func killedAt(t *testing.T, at int, after, kept bool) bool {
	b := newBench(t)
	cfg := b.config()
	cfg.Claim, cfg.Resend, cfg.Silent = 400*time.Millisecond, 500*time.Millisecond, 2*time.Second
	cfg.Volatile = !kept
	for i := range 3 { // more than one row
		b.upload(fmt.Sprint("p", i), short(i))
	}
	n, stopNode := b.node(nil)
	n.stackable = at%2 == 0 // half of the lives have to stack
	life := newLife(at, after)
	first, stop := b.start(life.mortal(cfg))
	over := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(over)
		for s, err := range first.Follow(ctx, testSong, "") {
			if life.dead() || (err == nil && s.Settled && len(s.Parts) == 3) {
				return
			}
		}
	}()
	select {
	case <-life.died:
	case <-over:
	}
	stop()
	cancel()
	<-over
	if !kept { // the process is gone, and the node in it
		stopNode()
		b.newQueues()
		cfg.Events, cfg.Assignments, cfg.Reports = b.events, b.assignments, b.reports
		n, _ = b.node(nil)
		n.stackable = at%2 == 0
	}
	t.Logf("died in %q", life.last)
	second, _ := b.start(cfg)
	r := b.await(second, "")
	for len(r.Parts) < 3 || r.State != store.TaskDone { // a song of fewer parts may have settled in between
		if r.State == store.TaskFailed {
			t.Fatalf("song failed: %s", r.Error)
		}
		time.Sleep(20 * time.Millisecond)
		r = b.await(second, "")
	}
	b.checkFinal(r)
	b.checkOnce(r)
	return !life.dead()
}

// checkOnce checks that the render that counts was finished once and that all its
// tasks are done.
func (b *bench) checkOnce(r Result) {
	b.Helper()
	events, err := b.store.Events(b.Context(), testSong, 0, 10000)
	if err != nil {
		b.Fatal(err)
	}
	finished := 0
	for _, e := range events {
		if e.Run == r.Run && e.Stage == store.StageFinish && e.State == store.TaskDone {
			finished++
		}
	}
	if finished != 1 {
		b.Errorf("run %s was finished %d times", r.Run, finished)
	}
	tasks, err := b.store.Tasks(b.Context(), r.Run)
	if err != nil {
		b.Fatal(err)
	}
	for _, t := range tasks {
		if t.State != store.TaskDone {
			b.Errorf("task %s is %s", t.Key, t.State)
		}
	}
}

// Two coordinators on one database and the same queues do everything once.
func TestTwoCoordinators(t *testing.T) { twoCoordinators(t, newBench(t)) }

func TestTwoCoordinatorsOnPostgres(t *testing.T) {
	address := testserver.Postgres(t)(t)
	b := newBench(t)
	b.open = func() (store.Store, error) { return store.OpenPostgres(context.Background(), address) }
	b.store = b.openStore()
	twoCoordinators(t, b)
}

func twoCoordinators(t *testing.T, b *bench) {
	b.node(nil)
	b.node(func(plan.Assignment) course { return course{twice: true} })
	one := b.config()
	two := b.config()
	two.Store = b.openStore() // as another process would
	first, _ := b.start(one)
	second, _ := b.start(two)
	b.song(6)
	var both sync.WaitGroup
	for _, c := range []*Coordinator{first, second} {
		both.Go(func() {
			if r := b.await(c, ""); r.State != store.TaskDone {
				t.Errorf("song is %s: %s", r.State, r.Error)
			}
		})
	}
	both.Wait()
	r := b.done(first, "")
	b.checkOnce(r)
	if b.runs() != "done" {
		t.Errorf("renders %s, want one", b.runs())
	}
	if got := b.puts.of(definition.BucketFinal, r.Output.Final); got != 1 {
		t.Errorf("%d finals, want 1", got)
	}
}

// A coordinator that is told to stop hands back what it holds, so that the next
// one does not have to wait for its claims.
func TestStopHandsBack(t *testing.T) {
	b := newBench(t)
	cfg := b.config()
	cfg.Claim = time.Hour
	begun := make(chan struct{})
	var once sync.Once
	held := cfg
	held.Store = slowStore{cfg.Store, func() { once.Do(func() { close(begun) }) }}
	b.node(nil)
	_, stop := b.start(held)
	b.song(2)
	<-begun
	stop()
	c, _ := b.start(cfg)
	b.done(c, "")
}

// What is to be ended though we stop gets stopTime for it, and messageTime otherwise.
func TestToTheEndIsBounded(t *testing.T) {
	for _, c := range []struct {
		stop bool
		want time.Duration
	}{{false, messageTime}, {true, stopTime}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			longer, done := toTheEnd(ctx)
			defer done()
			began := time.Now()
			if c.stop {
				cancel()
				synctest.Wait()
				if longer.Err() != nil {
					t.Error("what was begun is cut off at once")
				}
			}
			<-longer.Done()
			if got := time.Since(began); got != c.want {
				t.Errorf("stopping %t: it lasts %v, want %v", c.stop, got, c.want)
			}
		})
	}
}
