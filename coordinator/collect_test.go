package coordinator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// keys lists a bucket by what follows the last '+'.
func (b *bench) keys(role string) (all []string) {
	b.Helper()
	for info, err := range b.buckets[role].List(b.Context(), "") {
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, info.Key[strings.LastIndex(info.Key, "+")+1:])
	}
	return all
}

// age makes everything in a bucket look that old.
func (b *bench) age(role string, old time.Duration) {
	b.Helper()
	dir := b.buckets[role].(*countingBucket).Bucket.(*bucket.Dir).Path()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		when := time.Now().Add(-old)
		if err := os.Chtimes(f, when, when); err != nil {
			b.Fatal(err)
		}
	}
}

// What a render has used lately stays however old it is, as does what is young;
// the rest goes. Recordings and finals are nobody's to remove.
func TestCollect(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	cfg := b.config()
	cfg.NoGrowing = true // what is in the preview is put there here
	cfg.Keep = time.Hour
	c, _ := b.start(cfg)
	b.song(3)
	first := b.done(c, "")
	used := b.keys(definition.BucketFinalParts)
	for _, stale := range []string{"00000000000000000000000000000000.h264", "00000000000000000000000000000001.wav"} {
		b.putOnly(definition.BucketFinalParts, "choir+song+"+stale, []byte("of an older render"))
	}
	strange := definition.CellKey{Song: definition.Song{Choir: "no", Song: "body"}, Hash: "00", Ext: "h264"}.String()
	b.putOnly(definition.BucketFinalParts, strange, []byte("of a song of another database"))
	b.putOnly(definition.BucketFinalParts, "choir+song+by hand", []byte("not ours"))
	growing := definition.RunKey{Song: testSong, Name: "auto", Run: first.Run, What: "x-0000.m4s"}.String()
	b.putOnly(definition.BucketPreview, growing, []byte("x"))
	all := []string{definition.BucketFinalParts, definition.BucketConverted, definition.BucketPreview, definition.BucketRaw, definition.BucketFinal}
	before := map[string][]string{}
	collect := func() map[string][]string {
		t.Helper()
		for _, role := range all {
			before[role] = b.keys(role)
		}
		if err := c.collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		gone := map[string][]string{}
		for _, role := range all {
			left := b.keys(role)
			for _, k := range before[role] {
				if !slices.Contains(left, k) {
					gone[role] = append(gone[role], k)
				}
			}
		}
		return gone
	}
	if gone := collect(); len(gone) != 0 {
		t.Errorf("young objects are gone: %v", gone)
	}
	for _, role := range all {
		b.age(role, 2*time.Hour)
	}
	gone := collect()
	for _, k := range gone[definition.BucketFinalParts] {
		if slices.Contains(used, k) && !strings.Contains(k, ".aac") {
			t.Errorf("%s is gone, which the newest render is made of", k)
		}
	}
	if n := len(gone[definition.BucketFinalParts]); n != 4 { // two strangers, and the mastered sound with its note
		t.Errorf("gone from final-parts: %v, want 4", gone[definition.BucketFinalParts])
	}
	if len(gone[definition.BucketConverted]) != 0 || fmt.Sprint(gone[definition.BucketPreview]) != "[x-0000.m4s]" {
		t.Errorf("gone: %v", gone)
	}
	// Nothing used within Keep: all of it goes but what is not ours.
	c.cfg.Keep = time.Nanosecond
	// Of the sound's mastering a last word may still be on its way: that is use too.
	var left []string
	b.eventually("the collection of everything", func() bool {
		gone = collect()
		left = b.keys(definition.BucketFinalParts)
		slices.Sort(left)
		return fmt.Sprint(left) == "[00.h264 by hand]" && len(b.keys(definition.BucketConverted)) == 0 && len(b.keys(definition.BucketPreview)) == 0
	})
	if len(gone[definition.BucketRaw])+len(gone[definition.BucketFinal]) != 0 {
		t.Errorf("gone: %v", gone)
	}
	// The song can be rendered again all the same.
	run, err := c.Rerender(t.Context(), testSong, "")
	if err != nil {
		t.Fatal(err)
	}
	if r := b.done(c, ""); r.Run != run {
		t.Errorf("run %s, want %s", r.Run, run)
	}
}

// A collection that takes everything it may, all the time, never takes what a
// render needs.
func TestCollectWhileRendering(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	cfg := b.config()
	cfg.Keep = time.Nanosecond
	c, _ := b.start(cfg)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := c.collect(ctx); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	b.song(4)
	run := b.done(c, "").Run
	cells := n.done(plan.KindPicture)
	for i := range 4 {
		if i == 3 { // of a song at rest it takes everything, given the time
			b.eventually("a collection", func() bool { return len(b.keys(definition.BucketFinalParts)) == 0 })
		}
		if err := c.PutPart(t.Context(), testSong, definition.Part{PartID: "p1", Volume: definition.Some(0.5 + float64(i)/10)}); err != nil {
			t.Fatal(err)
		}
		b.eventually("another render", func() bool {
			last, err := b.store.LatestRender(t.Context(), testSong, definition.AutoName)
			return err == nil && last.Run != run
		})
		r := b.done(c, "")
		if r.Run == run {
			t.Fatal("no new render")
		}
		run = r.Run
		if len(r.Warnings) != 0 && warned(r, "p1", "placeholder") {
			t.Errorf("warnings %v", r.Warnings)
		}
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	notDone := func(state string) bool { return state != string(store.Finished) }
	if runs := strings.Fields(b.runs()); len(runs) == 0 || slices.ContainsFunc(runs, notDone) { // older ones are taken too
		t.Errorf("renders %v, want the newest, and all done", runs)
	}
	if n.done(plan.KindPicture) == cells { // only the sound has changed
		t.Error("no cell was made again: nothing was collected")
	}
}

// unlisted is a bucket that cannot be listed.
type unlisted struct{ bucket.Bucket }

func (unlisted) List(context.Context, string) iter.Seq2[bucket.Info, error] {
	return func(yield func(bucket.Info, error) bool) { yield(bucket.Info{}, errors.New("no list")) }
}

// Of the renders that are over and old only the newest is left in the database, also when
// the objects cannot be collected.
func TestCollectRenders(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	cfg := b.config()
	cfg.Keep = time.Nanosecond
	c, stop := b.start(cfg)
	b.song(2)
	first := b.done(c, "")
	if _, err := c.Rerender(t.Context(), testSong, ""); err != nil {
		t.Fatal(err)
	}
	second := b.done(c, "")
	stop()
	c.cfg.Buckets = maps.Clone(c.cfg.Buckets)
	c.cfg.Buckets[definition.BucketConverted] = unlisted{c.cfg.Buckets[definition.BucketConverted]}
	if err := c.collect(t.Context()); err == nil || !strings.Contains(err.Error(), "converted: no list") {
		t.Errorf("error %v, want that of the list", err)
	}
	if _, err := b.store.Render(t.Context(), first.Run); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the first render: %v, want %v", err, store.ErrNotFound)
	}
	if _, err := b.store.Render(t.Context(), second.Run); err != nil {
		t.Errorf("the second render: %v", err)
	}
}
