package coordinator

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// Of two recordings of one part under different extensions the newer counts, in
// whatever order they are announced.
func TestNotificationsOutOfOrder(t *testing.T) {
	b := newBench(t)
	c, err := New(b.config()) // which does not run, so that nothing but the notifications counts
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(short(1))
	if err != nil {
		t.Fatal(err)
	}
	older := b.putRaw("p1", short(0))
	newer := b.putOnly(definition.BucketRaw, definition.RawKey{Song: testSong, Part: "p1", Ext: "mp4"}.String(), text)
	raw := func() string {
		p, err := b.store.Part(t.Context(), store.PartID{Song: testSong, Part: "p1"})
		if err != nil {
			t.Fatal(err)
		}
		return p.Raw.Key
	}
	for _, info := range []struct {
		key, want string
	}{{newer.Key, newer.Key}, {older.Key, newer.Key}} {
		if err := c.Announce(t.Context(), definition.BucketRaw, info.key); err != nil {
			t.Fatal(err)
		}
		if got := raw(); got != info.want {
			t.Errorf("after %s the recording is %s, want %s", info.key, got, info.want)
		}
	}
	if err := b.buckets[definition.BucketRaw].Delete(t.Context(), newer.Key); err != nil {
		t.Fatal(err)
	}
	if err := c.Announce(t.Context(), definition.BucketRaw, older.Key); err != nil {
		t.Fatal(err)
	}
	if got := raw(); got != older.Key {
		t.Errorf("with the newer one deleted the recording is %s, want %s", got, older.Key)
	}
}

// between is a store in which something happens after a part is read, once.
type between struct {
	store.Store
	happens func()
}

func (s *between) Part(ctx context.Context, id store.PartID) (store.Part, error) {
	p, err := s.Store.Part(ctx, id)
	if f := s.happens; f != nil {
		s.happens = nil
		f()
	}
	return p, err
}

// beside returns two coordinators of one store, the second with something happening in
// between.
func (b *bench) beside() (c, second *Coordinator, s *between) {
	b.Helper()
	s = &between{Store: b.store}
	cfg := b.config()
	c, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Store = s
	if second, err = New(cfg); err != nil {
		b.Fatal(err)
	}
	return c, second, s
}

// A person turns a part while a notification of its recording is dealt with: it stays
// turned.
func TestTurnedDuringNotification(t *testing.T) {
	b := newBench(t)
	c, second, s := b.beside()
	info := b.putRaw("p1", short(0))
	if err := c.Announce(t.Context(), definition.BucketRaw, info.Key); err != nil {
		t.Fatal(err)
	}
	id := store.PartID{Song: testSong, Part: "p1"}
	task := func() string {
		t.Helper()
		p, err := b.store.Part(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return p.Task
	}
	before, turned := task(), ""
	s.happens = func() {
		if err := c.PutPart(t.Context(), testSong, definition.Part{PartID: "p1", Rotate: definition.Some(90)}); err != nil {
			t.Fatal(err)
		}
		turned = task()
	}
	if err := second.Announce(t.Context(), definition.BucketRaw, info.Key); err != nil {
		t.Fatal(err)
	}
	if turned == before || task() != turned {
		t.Errorf("tasks %q, turned %q, then %q", before, turned, task())
	}
}

// A part is recorded again while a reconciliation goes through its list: the newer
// recording stays.
func TestRecordedDuringReconciliation(t *testing.T) {
	b := newBench(t)
	c, second, _ := b.beside()
	old := b.putRaw("p1", short(0))
	if err := c.Announce(t.Context(), definition.BucketRaw, old.Key); err != nil {
		t.Fatal(err)
	}
	b.putRaw("p1", short(1)) // that event is lost
	var newest string
	second.cfg.Buckets = maps.Clone(second.cfg.Buckets)
	second.cfg.Buckets[definition.BucketRaw] = listedThen{second.cfg.Buckets[definition.BucketRaw], func() {
		newest = b.putRaw("p1", short(2)).ETag
		if err := c.Announce(t.Context(), definition.BucketRaw, old.Key); err != nil {
			t.Fatal(err)
		}
	}}
	if err := second.reconcileRaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := b.store.Part(t.Context(), store.PartID{Song: testSong, Part: "p1"})
	if err != nil || p.Raw.ETag != newest {
		t.Errorf("the recording is %s (%v), want %s", p.Raw.ETag, err, newest)
	}
}

// listedThen is a bucket in which something happens after it was listed.
type listedThen struct {
	bucket.Bucket
	then func()
}

func (b listedThen) List(ctx context.Context, prefix string) iter.Seq2[bucket.Info, error] {
	return func(yield func(bucket.Info, error) bool) {
		b.Bucket.List(ctx, prefix)(yield)
		b.then()
	}
}
