package coordinator

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// reborn is a coordinator with an empty database over the buckets as they are. It
// finds the recordings there, and no node ingests one before all are known.
func (b *bench) reborn(docs ...definition.Part) (c *Coordinator, stop func()) {
	b.Helper()
	b.gate.Lock()
	defer b.gate.Unlock()
	file := filepath.Join(b.TempDir(), "choir.db")
	b.open = func() (store.Store, error) { return store.OpenSQLite(context.Background(), file) }
	b.store = b.openStore()
	b.newQueues()
	_, stopNode := b.node(nil)
	c, stopCoordinator := b.start(b.config())
	b.eventually("all parts are known", func() bool {
		known, err := b.store.Recordings(b.Context())
		return err == nil && len(known) == 3
	})
	for _, d := range docs {
		if err := c.PutPart(b.Context(), testSong, d); err != nil {
			b.Fatal(err)
		}
	}
	return c, func() { stopCoordinator(); stopNode() }
}

// What was measured and looked for is kept beside the objects: a coordinator that
// starts with nothing else places no part and looks for no snapshot again, unless
// something changed that they depend on.
func TestKeptWithoutDatabase(t *testing.T) {
	b := newBench(t)
	_, stopNode := b.node(nil)
	c, stop := b.start(b.config())
	b.recordings(take(0), take(1), take(2))
	r := b.done(c, "")
	snapshot := definition.SnapshotKey(r.Output.Final)
	if got := b.puts.of(definition.BucketSnapshots, snapshot); r.Output.Snapshot != snapshot || got != 1 {
		t.Fatalf("snapshot %q, put %d times", r.Output.Snapshot, got)
	}
	stop()
	stopNode()

	// What the note says can only come from the note.
	key := definition.AlignmentKey(testSong, "p0")
	note := b.alignmentNote(key)
	note.Found[1].Offset += 123_000_000
	text, err := json.Marshal(note)
	if err != nil {
		t.Fatal(err)
	}
	b.putOnly(definition.BucketConverted, key, text)
	c, stop = b.reborn(definition.Part{PartID: "p2", Volume: definition.Some(0.5)})
	r = b.done(c, "")
	if got := r.Parts[1].OffsetMS; math.Abs(got-123) > 0.2 {
		t.Errorf("the offset is %g ms, kept was 123: measured again", got)
	}
	if got := b.puts.of(definition.BucketSnapshots, snapshot); got != 2 { // offset 123: other pictures
		t.Errorf("the snapshot was put %d times, want again for other pictures", got)
	}
	stop()

	// Only a gain: the same pictures, so the same snapshot.
	c, stop = b.reborn(definition.Part{PartID: "p2", Volume: definition.Some(0.25)})
	r = b.done(c, "")
	if got := b.puts.of(definition.BucketSnapshots, snapshot); got != 2 || r.Output.Snapshot != snapshot {
		t.Errorf("the snapshot %q was put %d times, want no more than before", r.Output.Snapshot, got)
	}
	stop()

	// Another recording: all are placed anew.
	b.putRaw("p2", take(3))
	c, stop = b.reborn()
	r = b.done(c, "")
	if got := r.Parts[1].OffsetMS; math.Abs(got) > 0.2 {
		t.Errorf("the offset is %g ms although another part has changed, want it measured", got)
	}
	stop()

	// Another one, while p1 would move by less than anybody hears: it stays.
	note = b.alignmentNote(key)
	note.Found[1].Offset += 3_000_000
	if text, err = json.Marshal(note); err != nil {
		t.Fatal(err)
	}
	b.putOnly(definition.BucketConverted, key, text)
	b.putRaw("p2", take(4))
	c, _ = b.reborn()
	r = b.done(c, "")
	if got := r.Parts[1].OffsetMS; math.Abs(got-3) > 0.3 {
		t.Errorf("the offset is %g ms, want 3, where it was, so that its cells stay", got)
	}
}

func (b *bench) alignmentNote(key string) (note alignmentNote) {
	b.Helper()
	c := Coordinator{cfg: b.config()}
	text, _, err := c.read(b.Context(), definition.BucketConverted, key)
	if err == nil {
		err = json.Unmarshal(text, &note)
	}
	if err != nil {
		b.Fatal(err)
	}
	return note
}
