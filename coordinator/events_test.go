package coordinator

import (
	"encoding/json"
	"testing"

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
