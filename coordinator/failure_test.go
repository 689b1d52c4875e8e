package coordinator

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

func TestRetries(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	seen := map[string]int{}
	n, _ := b.node(func(a plan.Assignment) course {
		mu.Lock()
		defer mu.Unlock()
		seen[a.Key]++
		if a.Attempt != seen[a.Key] {
			t.Errorf("attempt %d of %s comes as number %d", a.Attempt, a.Key, seen[a.Key])
		}
		if a.Attempt < 3 {
			return course{fail: "out of luck", twice: true}
		}
		return course{}
	})
	c, _ := b.start(b.config())
	b.song(3)
	b.done(c, "")
	for key := range n.did {
		task, err := b.store.Task(t.Context(), testSong, key)
		if err != nil || task.Failures != 2 || task.Attempt != 3 {
			t.Errorf("task %s: %d failures, attempt %d, %v", key, task.Failures, task.Attempt, err)
		}
	}
}

func TestRefusedRecording(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course {
		if a.Ingest != nil && a.Ingest.Part == "p1" {
			return course{fail: "not a media file", permanent: true, blame: "p1"}
		}
		return course{}
	})
	c, _ := b.start(b.config())
	b.song(3)
	r := b.done(c, "")
	if r.Parts[1].State != store.PartFailed || r.Parts[1].Error != "not a media file" || !warned(r, "p1", "not a media file") {
		t.Errorf("part %+v, warnings %+v", r.Parts[1], r.Warnings)
	}
}

func TestNothingLeft(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course { return course{fail: "empty file", permanent: true} })
	c, _ := b.start(b.config())
	b.song(2)
	r := b.await(c, "")
	if r.State != store.TaskFailed || !strings.Contains(r.Error, `part "p0": dropped: empty file`) || !strings.Contains(r.Error, `"p1"`) {
		t.Errorf("the song is %s: %s", r.State, r.Error)
	}
}

// What cannot be laid out is said once, not tried for ever.
func TestNoRoomOnTheCanvas(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	err := c.PutSong(t.Context(), testSong, &definition.SongFile{Settings: definition.Settings{Output: definition.Output{Size: definition.Some(definition.Pair{16, 16})}}})
	if err != nil {
		t.Fatal(err)
	}
	b.song(20)
	r := b.await(c, "")
	if r.State != store.TaskFailed || !strings.Contains(r.Error, "20 tiles do not fit 16x16") {
		t.Errorf("the song is %s: %s", r.State, r.Error)
	}
}

// A part that breaks its cells is left out, and the song finishes without it.
func TestBrokenPart(t *testing.T) {
	for name, c := range map[string]course{
		"after three failures": {fail: "picture 3: no reference", blame: "p2"},
		"for good":             {fail: "picture 3: no reference", blame: "p2", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var mended atomic.Bool
			b.node(func(a plan.Assignment) course {
				if a.Picture != nil && !mended.Load() {
					for _, tile := range a.Picture.Tiles {
						if tile.Part == "p2" {
							return c
						}
					}
				}
				return course{}
			})
			co, _ := b.start(b.config())
			b.song(4)
			r := b.done(co, "")
			if !warned(r, "p2", "no reference") || r.Parts[2].Dropped == "" {
				t.Errorf("part %+v, warnings %+v", r.Parts[2], r.Warnings)
			}
			if def, err := definition.Parse(r.Render.Definition); err != nil || def.Input("p2") != nil {
				t.Errorf("the part is still in the definition (%v)", err)
			}
			// A person repairs the node and asks for another try.
			mended.Store(true)
			if _, err := co.Retry(t.Context(), testSong, ""); err != nil {
				t.Fatal(err)
			}
			if r = b.done(co, ""); warned(r, "p2", "no reference") || r.Parts[2].Dropped != "" {
				t.Errorf("after another try: part %+v", r.Parts[2])
			}
			def, err := definition.Parse(r.Render.Definition)
			if err != nil || def.Input("p2") == nil {
				t.Errorf("the part is not back in the definition (%v)", err)
			}
		})
	}
}

func TestBrokenPartByHand(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course {
		if a.Sound != nil {
			for _, v := range a.Sound.Voices {
				if v.Part == "p1" {
					return course{fail: "noise", blame: "p1", permanent: true}
				}
			}
		}
		return course{}
	})
	c, _ := b.start(b.config())
	if err := c.SetAuto(t.Context(), testSong, false); err != nil {
		t.Fatal(err)
	}
	b.song(2)
	b.put(definition.BucketDefinition, definition.NameKey{Song: testSong, Name: "mine"}.DefinitionKey(),
		[]byte(`{"version":1,"choir_id":"choir","song_id":"song","output":{"size":[320,180],"fps":5},"inputs":[
		{"part_id":"p0","size":[100,80],"position":[0,0]},{"part_id":"p1","size":[100,80],"position":[110,0]}]}`))
	r := b.done(c, "mine")
	if !warned(r, "p1", "noise") || b.runs() != "done" {
		t.Errorf("renders %s, warnings %+v", b.runs(), r.Warnings)
	}
}

func TestRenderFails(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course {
		if a.Picture != nil && len(a.Picture.Tiles) > 1 {
			return course{fail: "no GL context"}
		}
		return course{}
	})
	c, _ := b.start(b.config())
	b.song(5)
	r := b.await(c, "")
	if r.State != store.TaskFailed || r.Error != "no GL context" {
		t.Errorf("the song is %s: %s", r.State, r.Error)
	}
}

func TestDuplicateAndLateReports(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course { return course{twice: true, alien: true} })
	c, _ := b.start(b.config())
	b.song(4)
	r := b.done(c, "")
	if got := b.puts.of(definition.BucketFinal, r.Output.Final); got != 1 {
		t.Errorf("%d finals, want 1", got)
	}
}

// Messages that nobody reads and nodes that go silent are waited for, not for ever.
func TestLostWork(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	lost := map[string]bool{}
	b.node(func(a plan.Assignment) course {
		mu.Lock()
		defer mu.Unlock()
		first := !lost[a.Key]
		lost[a.Key] = true
		return course{lose: first}
	})
	cfg := b.config()
	cfg.Resend, cfg.Silent = 200*time.Millisecond, 400*time.Millisecond
	c, _ := b.start(cfg)
	b.song(3)
	b.done(c, "")
}

func TestSilentNode(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course {
		if a.Attempt == 1 { // begun, and never heard of again
			return course{silent: true}
		}
		return course{}
	})
	cfg := b.config()
	cfg.Silent = 400 * time.Millisecond
	c, _ := b.start(cfg)
	b.song(2)
	b.done(c, "")
}

// Work that nodes hand back, as in an outage of the object store, is not taken for lost
// however long it waits.
func TestHandedBackIsNotLost(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	back := map[string]int{}
	b.node(func(a plan.Assignment) course {
		mu.Lock()
		defer mu.Unlock()
		back[a.Key]++
		return course{back: a.Picture != nil && back[a.Key] < 2}
	})
	cfg := b.config()
	cfg.Silent, cfg.Losses = handBack/4, 1 // the message waits twice as long
	c, _ := b.start(cfg)
	b.song(2)
	r := b.done(c, "")
	tasks, err := b.store.Tasks(t.Context(), r.Run)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if task.Losses > 0 || task.Failures > 0 || task.Attempt != 1 {
			t.Errorf("%s task: attempt %d, %d losses, %d failures", task.Kind, task.Attempt, task.Losses, task.Failures)
		}
	}
}

// A newer definition ends the render of the older one.
func TestNewerCancelsOlder(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	var held atomic.Int32
	b.node(func(a plan.Assignment) course {
		if a.Picture != nil && held.Add(1) == 1 {
			<-release
		}
		return course{}
	})
	cfg := b.config()
	c, _ := b.start(cfg)
	b.song(3)
	b.eventually("a cell is being made", func() bool { return held.Load() > 0 })
	if err := c.PutPart(t.Context(), testSong, definition.Part{PartID: "p1", Hidden: true}); err != nil {
		t.Fatal(err)
	}
	b.eventually("another render", func() bool { return b.runs() == "cancelled rendering" })
	close(release)
	r := b.done(c, "")
	if b.runs() != "cancelled done" || b.puts.of(definition.BucketFinal, r.Output.Final) != 1 {
		t.Errorf("renders %s", b.runs())
	}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	var held atomic.Bool
	b.node(func(a plan.Assignment) course {
		if a.Picture != nil && !held.Swap(true) {
			<-release
		}
		return course{}
	})
	c, _ := b.start(b.config())
	b.song(2)
	b.eventually("a cell is being made", held.Load)
	last, err := b.store.LatestRender(t.Context(), testSong, "auto")
	if err != nil {
		t.Fatal(err)
	}
	if ended, err := c.Cancel(t.Context(), last.Run); err != nil || !ended {
		t.Fatalf("cancelled: %v, %v", ended, err)
	}
	close(release)
	if r := b.await(c, ""); r.State != store.TaskCancelled {
		t.Errorf("the song is %s", r.State)
	}
	if _, err := c.Rerender(t.Context(), testSong, ""); err != nil {
		t.Fatal(err)
	}
	b.done(c, "")
}

// What no event told is found by looking.
func TestReconcile(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	b.putRaw("p0", short(0))
	b.putRaw("p1", short(1))
	first := b.await(c, "")
	for first.State != store.TaskDone || len(first.Parts) < 2 { // a song of one part may have come first
		time.Sleep(20 * time.Millisecond)
		first = b.await(c, "")
	}
	// Somebody who had lost his claim wakes up and overwrites the final.
	final := b.buckets[definition.BucketFinal]
	if _, err := final.Put(t.Context(), first.Output.Final, strings.NewReader("an older final"), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	b.eventually("the final is its own again", func() bool {
		info, err := final.Stat(t.Context(), first.Output.Final)
		return err == nil && info.Size == first.Output.Bytes
	})
	b.done(c, "")
}

// Objects that were swept away are made again.
func TestLostObjects(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	c, _ := b.start(b.config())
	b.song(3)
	first := b.done(c, "")
	dir := b.buckets[definition.BucketFinalParts].(*countingBucket).Bucket.(*bucket.Dir).Path()
	cells, err := filepath.Glob(dir + "/*.h264")
	if err != nil || len(cells) == 0 {
		t.Fatal(cells, err)
	}
	pictures, ingests := n.done(plan.KindPicture), n.done(plan.KindIngest)
	if err := os.Remove(cells[0]); err != nil {
		t.Fatal(err)
	}
	converted := b.buckets[definition.BucketConverted]
	if err := converted.Delete(t.Context(), definition.ConvertedKey(testSong, "p1", b.take("p1"))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rerender(t.Context(), testSong, ""); err != nil {
		t.Fatal(err)
	}
	second := b.done(c, "")
	if second.Run == first.Run || n.done(plan.KindPicture) != pictures+1 || n.done(plan.KindIngest) != ingests+1 {
		t.Errorf("%d cells and %d recordings made again, want 1 and 1", n.done(plan.KindPicture)-pictures, n.done(plan.KindIngest)-ingests)
	}
}

// Notifications that mean nothing are dropped, and do not stop the others.
func TestStrangeEvents(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	for _, body := range []string{
		"{", "[]", `{"Service":"Amazon S3","Event":"s3:TestEvent"}`,
		`{"Records":[{"eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"elsewhere"},"object":{"key":"a"}}}]}`,
		`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"raw"},"object":{"key":"choir%2Bsong%2Bgone.webm"}}}]}`,
		`{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"raw"},"object":{"key":"choir%2Bsong%2Bp0.webm"}}}]}`,
	} {
		if err := b.events.Send(t.Context(), []byte(body), 0); err != nil {
			t.Fatal(err)
		}
	}
	b.put(definition.BucketRaw, "holiday photo.jpg", []byte("x"))
	b.put(definition.BucketDefinition, "readme.txt", []byte("x"))
	b.song(2)
	b.done(c, "")
	b.eventually("all notifications dealt with", func() bool {
		visible, leased, err := b.events.Depth(t.Context())
		return err == nil && visible+leased == 0
	})
}
