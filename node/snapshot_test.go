package node

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
)

// then is a bucket with which something happens right after the first look at an object.
type then struct {
	bucket.Bucket
	do func()
}

func (b *then) Stat(ctx context.Context, key string) (bucket.Info, error) {
	info, err := b.Bucket.Stat(ctx, key)
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
	return info, err
}

// A recording is replaced, and the new one read by another node, in the moment between
// the look whether it is still the newest and its snapshot being put: the snapshot stays
// that of the new one, whether there was an older one before or none.
func TestSnapshotIsOfTheNewestRecording(t *testing.T) {
	for _, before := range []bool{false, true} {
		b := newTakes(t)
		other := &Ingester{Buckets: bucket.Buckets{}, Scratch: t.TempDir()}
		for role, objects := range b.node.cfg.Buckets {
			other.Buckets[role] = objects
		}
		if before {
			if _, err := other.Run(t.Context(), b.upload(20), nil); err != nil {
				t.Fatal(err)
			}
		}
		raw := &then{Bucket: other.Buckets[definition.BucketRaw]}
		one := &Ingester{Buckets: bucket.Buckets{
			definition.BucketRaw: raw, definition.BucketSnapshots: other.Buckets[definition.BucketSnapshots],
			definition.BucketConverted: other.Buckets[definition.BucketConverted],
		}, Scratch: t.TempDir()}
		older := b.upload(60)
		var newest []byte
		raw.do = func() {
			a := b.upload(180)
			if _, err := other.Run(t.Context(), a, nil); err != nil {
				t.Error(err)
			}
			newest = content(t, other.Buckets[definition.BucketSnapshots], a.Ingest.Snapshot.Key)
		}
		if _, err := one.Run(t.Context(), older, nil); err != nil {
			t.Fatal(err)
		}
		if raw.do != nil || !bytes.Equal(newest, content(t, other.Buckets[definition.BucketSnapshots], older.Ingest.Snapshot.Key)) {
			t.Errorf("a snapshot before %v: it is now of the older recording", before)
		}
	}
}

func content(t *testing.T, b bucket.Bucket, key string) []byte {
	t.Helper()
	r, _, err := b.Get(t.Context(), key, bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
