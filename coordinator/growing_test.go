package coordinator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/golden"
	"github.com/choirless/render/plan"
)

// While nodes work the song so far can be played, picture and sound, and what is
// played is the final's beginning.
func TestGrowingPreview(t *testing.T) {
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
	b := newBench(t)
	var states [][]byte // the movie after each segment
	playlist := definition.NameKey{Song: testSong}.GrowingKey()
	n, _ := b.node(func(a plan.Assignment) course {
		if a.Picture == nil || a.Picture.Segment.Index == 0 || a.Picture.Stripe > 0 {
			return course{}
		}
		b.eventually(fmt.Sprintf("a preview of %d segments", a.Picture.Segment.Index), func() bool {
			r, err := b.store.Render(b.Context(), a.Run)
			return err == nil && r.Grown == a.Picture.Segment.Index
		})
		states = append(states, b.followPlaylist(playlist, false))
		return course{}
	})
	c, _ := b.start(b.config())
	b.recordings(eight(0), eight(1), eight(2), eight(3), eight(4))
	r := b.done(c, "")
	if n.done(plan.KindPicture) != 8 || len(states) != 3 {
		t.Fatalf("%d cells and %d states, want 8 and 3", n.done(plan.KindPicture), len(states))
	}
	states = append(states, b.followPlaylist(playlist, true))
	final, _, err := b.buckets[definition.BucketFinal].Get(t.Context(), r.Output.Final, bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer final.Close()
	movie, err := io.ReadAll(final)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := played(t, movie)
	for i, state := range states {
		got, seconds := played(t, state)
		if frames := 10 * (i + 1); len(got) != frames {
			t.Errorf("state %d: %d pictures, want %d", i, len(got), frames)
		} else if err := golden.CompareSums(0, got, want[:frames]); err != nil {
			t.Errorf("state %d: %v", i, err)
		}
		if whole := 2 * float64(i+1); seconds < whole-0.05 || seconds > whole+0.05 {
			t.Errorf("state %d: %.2f s of sound, want %.2f", i, seconds, whole)
		}
	}
	if s, err := c.Status(t.Context(), testSong, ""); err != nil || s.Growing != nil {
		t.Errorf("the finished song still grows: %+v, %v", s.Growing, err)
	}
}

// A playlist that is written late, when the finish has ended it, ends all the same.
func TestGrowingPreviewEndsLate(t *testing.T) {
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
	b := newBench(t)
	playlist := definition.NameKey{Song: testSong}.GrowingKey()
	late := &lateBucket{Bucket: b.buckets[definition.BucketPreview], key: playlist, begun: make(chan struct{}), release: make(chan struct{})}
	b.node(func(a plan.Assignment) course {
		if a.Picture != nil && a.Picture.Segment.Index == 3 {
			<-late.begun // the playlist of the first segments is being written
		}
		return course{}
	})
	cfg := b.config()
	cfg.Buckets = maps.Clone(cfg.Buckets)
	cfg.Buckets[definition.BucketPreview] = late
	c, _ := b.start(cfg)
	b.recordings(eight(0), eight(1))
	b.done(c, "")
	close(late.release)
	b.eventually("the end of the playlist", func() bool {
		r, _, err := late.Get(b.Context(), playlist, bucket.Range{})
		if err != nil {
			return false
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		return err == nil && bytes.Contains(text, []byte("#EXT-X-ENDLIST"))
	})
	if _, seconds := played(t, b.followPlaylist(playlist, true)); seconds < 7.9 {
		t.Errorf("it plays %.2f s", seconds)
	}
}

// lateBucket is slow with the first object under a key.
type lateBucket struct {
	bucket.Bucket
	key            string
	once           sync.Once
	begun, release chan struct{}
}

func (l *lateBucket) Put(ctx context.Context, key string, r io.Reader, o bucket.PutOptions) (bucket.Info, error) {
	if key == l.key {
		l.once.Do(func() {
			close(l.begun)
			<-l.release
		})
	}
	return l.Bucket.Put(ctx, key, r, o)
}

// eight is a recording of four segments.
func eight(n int) recording {
	return recording{Take: n, Seconds: 8, Width: 64, Height: 48, Silent: true}
}

// followPlaylist puts together what a playlist names.
func (b *bench) followPlaylist(key string, ended bool) []byte {
	b.Helper()
	get := func(key string) []byte {
		r, _, err := b.buckets[definition.BucketPreview].Get(b.Context(), key, bucket.Range{})
		if err != nil {
			b.Error(err)
			return nil
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		if err != nil {
			b.Error(err)
		}
		return data
	}
	named := func(address string) []byte {
		key, err := url.PathUnescape(address)
		if err != nil {
			b.Error(err)
		}
		return get(key)
	}
	text := string(get(key))
	if strings.Contains(text, "#EXT-X-ENDLIST") != ended {
		b.Errorf("playlist, ended %t:\n%s", ended, text)
	}
	match := regexp.MustCompile(`#EXT-X-MAP:URI="([^"]*)"`).FindStringSubmatch(text)
	if match == nil {
		b.Errorf("playlist without an initialisation segment:\n%s", text)
		return nil
	}
	movie := named(match[1])
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			movie = append(movie, named(line)...)
		}
	}
	return movie
}

// played decodes a movie: the sums of its pictures, and how long it sounds,
// without the priming.
func played(t *testing.T, movie []byte) (pictures []golden.Sum, seconds float64) {
	t.Helper()
	v, err := decode.OpenVideo(t.Context(), bytes.NewReader(movie), decode.VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var start time.Duration
	for {
		f, err := v.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(pictures) == 0 {
			start = f.Time
		}
		sum, err := golden.SumRows(f, 0, f.Height())
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, sum)
	}
	a, err := decode.OpenAudio(t.Context(), bytes.NewReader(movie))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	samples := 0
	for {
		block, err := a.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		samples += len(block.Channels[0])
	}
	return pictures, float64(samples)/48000 - start.Seconds()
}

// A preview that cannot grow, for want of stripes that can be joined, grows with
// the stacks.
func TestGrowingStacks(t *testing.T) {
	b := newBench(t)
	grown := 0
	n, _ := b.node(func(a plan.Assignment) course {
		if a.Stack != nil && a.Stack.Segment.Index == 3 {
			b.eventually("a preview of 3 stacks", func() bool {
				r, err := b.store.Render(b.Context(), a.Run)
				grown = r.Grown
				return err == nil && r.Grown == 3
			})
		}
		return course{}
	})
	n.stackable = true
	c, _ := b.start(b.config())
	b.recordings(eight(0), eight(1), eight(2), eight(3), eight(4))
	if r := b.done(c, ""); r.Output.Stacked != 4 || grown != 3 {
		t.Errorf("%d segments stacked, %d grown, want 4, 3", r.Output.Stacked, grown)
	}
}

// Where nobody watches the sound is mastered beside the pictures all the same, and
// the preview bucket stays empty until the finish.
func TestMasteredBesidePictures(t *testing.T) {
	b := newBench(t)
	var seen []string // in the preview bucket while nodes work
	n, _ := b.node(func(a plan.Assignment) course {
		if a.Picture != nil {
			b.eventually("the mastered sound", func() bool {
				return slices.ContainsFunc(b.keys(definition.BucketFinalParts), func(key string) bool {
					return strings.HasSuffix(key, "."+masterExt+noteExt)
				})
			})
			if a.Picture.Segment.Index == 3 { // a preview would have grown by now
				time.Sleep(200 * time.Millisecond)
			}
			seen = append(seen, b.keys(definition.BucketPreview)...)
		}
		return course{}
	})
	cfg := b.config()
	cfg.NoGrowing = true
	c, _ := b.start(cfg)
	b.recordings(eight(0), eight(1))
	r := b.done(c, "")
	if n.done(plan.KindPicture) < 2 || len(seen) > 0 {
		t.Errorf("%d cells; in the preview bucket before the finish: %v", n.done(plan.KindPicture), seen)
	}
	if r.Render.Grown != 0 {
		t.Errorf("%d segments in a preview that nobody watches", r.Render.Grown)
	}
}

// Two that want the sound of a render at once master it once.
func TestMasteredOnce(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	cfg := b.config()
	cfg.NoGrowing = true
	c, stop := b.start(cfg)
	b.recordings(eight(0), eight(1))
	r := b.done(c, "").Render
	stop()
	var p plan.Plan
	if err := json.Unmarshal(r.Plan, &p); err != nil {
		t.Fatal(err)
	}
	want := func() *finisher { return &finisher{c: c, render: r, plan: &p, dir: t.TempDir()} }
	key, err := want().masterKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{key, key + noteExt} {
		if err := c.cfg.Buckets[definition.BucketFinalParts].Delete(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	before := b.puts.of(definition.BucketFinalParts, key)
	var g errgroup.Group
	for range 2 {
		g.Go(func() error { _, err := want().sound(t.Context()); return err })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := b.puts.of(definition.BucketFinalParts, key) - before; n != 1 {
		t.Errorf("mastered %d times, want once", n)
	}
}

// A lock is held by one, per key; who waits for it in vain gives up.
func TestKeyedLock(t *testing.T) {
	var k keyedLock
	a, err := k.lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.lock(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.lock(ended, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("locked twice: %v", err)
	}
	next := make(chan struct{})
	go func() {
		defer close(next)
		if unlock, err := k.lock(t.Context(), "a"); err == nil {
			unlock()
		}
	}()
	a()
	b()
	<-next
	if len(k.held) > 0 {
		t.Errorf("still held: %v", k.held)
	}
}
