package coordinator

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
)

// awayBucket takes and tells nothing until it has refused often enough.
type awayBucket struct {
	bucket.Bucket
	refuse, refused *atomic.Int32
}

var errAway = errors.New("503 slow down")

func (a awayBucket) away() bool {
	return a.refused.Load() < a.refuse.Load()
}

func (a awayBucket) Put(ctx context.Context, key string, r io.Reader, o bucket.PutOptions) (bucket.Info, error) {
	if a.away() {
		a.refused.Add(1)
		return bucket.Info{}, errAway
	}
	return a.Bucket.Put(ctx, key, r, o)
}

func (a awayBucket) Stat(ctx context.Context, key string) (bucket.Info, error) {
	if a.away() {
		return bucket.Info{}, errAway
	}
	return a.Bucket.Stat(ctx, key)
}

// An outage of the object store, however long, is not a failure of the render.
func TestOutageIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	final := awayBucket{b.buckets[definition.BucketFinal], &atomic.Int32{}, &atomic.Int32{}}
	final.refuse.Store(6)
	b.buckets[definition.BucketFinal] = final
	cfg := b.config()
	cfg.Steps = 2
	c, _ := b.start(cfg)
	b.song(2)
	b.done(c, "")
	if n := final.refused.Load(); n != 6 {
		t.Errorf("refused %d times, want 6", n)
	}
}
