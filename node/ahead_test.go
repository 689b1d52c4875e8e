package node

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/plan"
)

// TestAheadShowsWhatAtShows: decoding ahead gives every output frame the pictures
// that asking frame by frame gives, and they are still there when they are drawn.
func TestAheadShowsWhatAtShows(t *testing.T) {
	b := newBench(t)
	p := &plan.Picture{Segment: plan.Segment{First: 10, Count: 50}, Width: 160, Height: 96, Rate: testRate}
	for i, fps := range []float64{30, 25, 11, 60} {
		movie := avtest.Movie{Container: "matroska", Video: "libvpx", Times: avtest.Steady(100, fps)}
		key := string(rune('a'+i)) + ".mkv"
		if _, err := b.objects.Put(t.Context(), key, bytes.NewReader(movie.Bytes(t)), bucket.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		p.Tiles = append(p.Tiles, plan.PictureTile{Source: plan.Ref{Bucket: "b", Key: key}, W: 160, H: 96, End: time.Hour})
	}
	type picture struct{ tile, number int }
	read := func(updates []engine.Update) (l []picture) {
		for _, u := range updates {
			l = append(l, picture{u.Tile, avtest.ReadNumber(u.Frame)})
		}
		return l
	}

	tiles := OpenTiles(t.Context(), b.node.cfg.Buckets, p)
	defer tiles.Close()
	var want [][]picture
	for i := range p.Segment.Count {
		want = append(want, read(tiles.At(p.Rate.Time(p.Segment.First+i))))
	}

	ahead := OpenTiles(t.Context(), b.node.cfg.Buckets, p)
	defer ahead.Close()
	batches := make(chan [][]engine.Update, batchesReady)
	var g errgroup.Group
	g.Go(func() error {
		defer close(batches)
		return ahead.ahead(t.Context(), p, batches)
	})
	var got [][]picture
	largest := 0
	for batch := range batches {
		largest = max(largest, len(batch))
		time.Sleep(time.Millisecond) // the next one is being decoded
		for _, updates := range batch {
			got = append(got, read(updates))
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if largest != batchFrames {
		t.Errorf("batches of %d frames, want %d", largest, batchFrames)
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]picture]) {
		t.Errorf("ahead %v\nwant %v", got, want)
	}
}
