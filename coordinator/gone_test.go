package coordinator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// A converted part that is deleted after the plan was made is made again: no part is
// left out, no attempt counted.
func TestSourceDeletedAfterPlanning(t *testing.T) {
	b := newBench(t)
	converted := b.buckets[definition.BucketConverted]
	var deleted atomic.Bool
	n, _ := b.node(func(a plan.Assignment) course {
		for _, ref := range sources(a) {
			if !strings.Contains(ref.Key, "+p1") {
				continue
			}
			if !deleted.Swap(true) {
				if err := converted.Delete(context.Background(), ref.Key); err != nil {
					t.Error(err)
				}
			}
			if _, err := converted.Stat(context.Background(), ref.Key); errors.Is(err, bucket.ErrNotFound) {
				return course{fail: `part "p1": gone`, gone: true, blame: "p1", twice: true}
			}
		}
		return course{}
	})
	cfg := b.config()
	cfg.Attempts = 1
	c, _ := b.start(cfg)
	b.song(3)
	r := b.done(c, "")
	if !deleted.Load() {
		t.Fatal("nothing was deleted")
	}
	if r.Parts[1].Dropped != "" || warned(r, "p1", "gone") || b.runs() != "done" {
		t.Errorf("renders %s, part %+v, warnings %+v", b.runs(), r.Parts[1], r.Warnings)
	}
	if got := n.done(plan.KindIngest); got != 4 {
		t.Errorf("%d recordings read, want 4: three and the deleted one again", got)
	}
	tasks, err := b.store.Tasks(t.Context(), r.Run)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if task.Failures > 0 || task.State != store.TaskDone {
			t.Errorf("%s task: %s, %d failures", task.Kind, task.State, task.Failures)
		}
	}
}

// The same where the part is there again before the coordinator hears of it.
func TestSourceMadeAgainBeforeTheReport(t *testing.T) {
	b := newBench(t)
	converted := b.buckets[definition.BucketConverted]
	var again atomic.Bool
	b.node(func(a plan.Assignment) course {
		for _, ref := range sources(a) {
			if strings.Contains(ref.Key, "+p1") && !again.Swap(true) {
				r, _, err := converted.Get(context.Background(), ref.Key, bucket.Range{})
				if err != nil {
					t.Error(err)
					continue
				}
				content, err := io.ReadAll(r)
				_, perr := converted.Put(context.Background(), ref.Key, bytes.NewReader(content), bucket.PutOptions{})
				if err := errors.Join(err, r.Close(), perr); err != nil {
					t.Error(err)
				}
				return course{fail: `part "p1": gone`, gone: true, blame: "p1"}
			}
		}
		return course{}
	})
	cfg := b.config()
	cfg.Attempts = 1
	c, _ := b.start(cfg)
	b.song(3)
	r := b.done(c, "")
	if !again.Load() {
		t.Fatal("nothing was made again")
	}
	if r.Parts[1].Dropped != "" || warned(r, "p1", "gone") {
		t.Errorf("part %+v, warnings %+v", r.Parts[1], r.Warnings)
	}
}
