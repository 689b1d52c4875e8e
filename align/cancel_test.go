package align

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/choirless/render/internal/cores"
)

// fewLooks is a context that ends when it has been looked at so often.
type fewLooks struct {
	context.Context
	most int64
	many atomic.Int64 // looks
}

func (c *fewLooks) Err() error {
	if c.many.Add(1) <= c.most {
		return nil
	}
	return context.Canceled
}

// Wherever in its work a choir is told to stop, it does at once, and keeps nothing that
// is only half measured.
func TestChoirStops(t *testing.T) {
	// The backing is heard in the second: what is looked at longest is its bleed.
	parts := []*Features{
		extracted(t, refSong), extracted(t, record(plucked, tune, songSeconds, 0.2, 0, 9)),
		extracted(t, record(sung, human(tune, 1, 0.02), songSeconds, -0.3, 0, 2)),
	}
	whole := &fewLooks{Context: t.Context(), most: 1 << 40}
	want, err := Choir(whole, 0, parts, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	looks := whole.many.Load()
	for stop := int64(0); stop < looks; stop += 1 + looks/20 {
		o := Options{Cache: &Cache{}}
		ctx := &fewLooks{Context: t.Context(), most: stop}
		if _, err := Choir(ctx, 0, parts, nil, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at look %d of %d: %v", stop, looks, err)
		}
		if after := ctx.many.Load() - stop; after > int64(8*cores.Count()) {
			t.Errorf("stopped at look %d of %d: looked %d times more", stop, looks, after)
		}
		if got, err := Choir(t.Context(), 0, parts, nil, o); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("stopped at look %d of %d, then begun again: %+v, %v; want %+v", stop, looks, got, err, want)
		}
	}
	if pairs := len(parts) * (len(parts) - 1) / 2; looks < int64(20*pairs) {
		t.Errorf("it looks %d times in %d pairs: it would go on for a long pair", looks, pairs)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	c := &choir{cache: &Cache{}}
	if err := c.measure(stopped, []pair{{parts[0], parts[1], true, new(*measurement)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped before a pair: %v", err)
	}
	if n := len(c.cache.ready); n != 0 {
		t.Errorf("stopped before a pair: %d parts were made ready for it", n)
	}
}
