package coordinator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

func TestSong(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	c, _ := b.start(b.config())
	b.recordings(take(0), take(1), take(2), take(3), take(4))
	r := b.done(c, "")
	if len(r.Parts) != 5 || r.Percent != 100 || r.Legacy != definition.StatusDone {
		t.Errorf("status %+v", r.SongStatus)
	}
	for _, p := range r.Parts {
		if math.Abs(p.OffsetMS) > 0.2 || p.NeedsReview {
			t.Errorf("part %+v", p)
		}
	}
	if r.Output.TruePeak > -1+0.02 || r.Output.LUFS < -16.5 || r.Output.LUFS > -15.5 {
		t.Errorf("loudness %v LUFS, %v dBTP", r.Output.LUFS, r.Output.TruePeak)
	}
	if got := b.puts.of(definition.BucketFinal, r.Output.Final); got != 1 {
		t.Errorf("%d finals, want 1", got)
	}
	events, err := b.store.Events(t.Context(), testSong, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var legacy []string
	for _, e := range events {
		if e.Legacy != "" && (len(legacy) == 0 || legacy[len(legacy)-1] != string(e.Legacy)) {
			legacy = append(legacy, string(e.Legacy))
		}
	}
	if all := strings.Join(legacy, " "); !strings.HasPrefix(all, "new ") || !strings.HasSuffix(all, " aligned rendered composited done") {
		t.Errorf("old statuses %s", all)
	}
	for key, times := range n.did {
		if times != 1 {
			t.Errorf("task %s was done %d times", key, times)
		}
	}
}

// Stripes that cannot be joined are stacked by nodes.
func TestStack(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	n.stackable = true
	c, _ := b.start(b.config())
	b.song(5)
	r := b.done(c, "")
	if r.Output.Stacked == 0 || n.done(plan.KindStack) != r.Output.Stacked {
		t.Errorf("stacked is %v with %d stacks", r.Output.Stacked, n.done(plan.KindStack))
	}
}

// One stripe that cannot be joined costs its segment, not the song: the others
// are joined as they are.
func TestOneSegmentStacked(t *testing.T) {
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
	for _, boast := range []bool{false, true} { // found out by the node, and by the finish
		b := newBench(t)
		n, _ := b.node(nil)
		n.leaky = func(p *plan.Picture) bool { return p.Stripe == 1 && p.Segment.Index == 1 }
		n.boast = boast
		cfg := b.config()
		cfg.Verify = true
		c, _ := b.start(cfg)
		b.recordings(five(0), five(1), five(2), five(3), five(4))
		r := b.done(c, "")
		if r.Output.Stacked != 1 || n.done(plan.KindStack) != 1 || !r.Output.Verified {
			t.Errorf("boast %t: %d segments stacked, %d stacks, verified %t, want 1, 1, true",
				boast, r.Output.Stacked, n.done(plan.KindStack), r.Output.Verified)
		}
		if pictures := n.done(plan.KindPicture); pictures < 4 {
			t.Errorf("only %d cells: the song has no segment to spare", pictures)
		}
	}
}

// five is a recording of some segments.
func five(n int) recording {
	return recording{Take: n, Seconds: 5, Width: 64, Height: 48, Silent: true}
}

// A final that does not decode to its stripes is not published: its segment is
// stacked.
func TestVerify(t *testing.T) {
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
	b := newBench(t)
	n, _ := b.node(nil)
	n.liar = func(p *plan.Picture) bool { return p.Stripe == 0 && p.Segment.Index == 0 }
	cfg := b.config()
	cfg.Verify = true
	c, _ := b.start(cfg)
	b.recordings(five(0), five(1), five(2), five(3), five(4))
	r := b.done(c, "")
	if r.Output.Stacked != 1 || !r.Output.Verified {
		t.Errorf("%d segments stacked, verified %t, want 1, true", r.Output.Stacked, r.Output.Verified)
	}
}

// A node that says its stripes can be joined when they cannot is found out.
func TestRefusedStripes(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	n.boast = true
	c, _ := b.start(b.config())
	b.song(5)
	if r := b.done(c, ""); r.Output.Stacked == 0 {
		t.Error("stripes without a promise were joined")
	}
}

// canvases are the shapes a video is asked for in.
var canvases = []definition.Pair{{1920, 1080}, {1080, 1920}, {1080, 1080}}

// spread returns the counts of parts to try: every one to CHOIR_COUNTS, or a few
// where the grid takes another shape.
func spread(t *testing.T) []int {
	t.Helper()
	counts := []int{1, 2, 3, 4, 5, 7, 10, 13, 20}
	if testing.Short() {
		counts = counts[:5]
	}
	if s := os.Getenv("CHOIR_COUNTS"); s != "" {
		most, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		counts = nil
		for n := range most {
			counts = append(counts, n+1)
		}
	}
	return counts
}

// Every count finishes on every canvas, as one song that grows.
func TestEveryCount(t *testing.T) {
	counts := spread(t)
	for _, size := range canvases {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			began, finished := time.Now(), 0
			defer func() {
				t.Logf("%d of %d plans finished, in %v", finished, len(counts), time.Since(began).Round(time.Millisecond))
			}()
			b := newBench(t)
			b.node(nil)
			cfg := b.config()
			cfg.Output.Size = definition.Some(size)
			c, _ := b.start(cfg)
			for _, count := range counts {
				b.grow(count)
				r := b.done(c, "")
				checkTiles(t, r, count, size)
				finished++
			}
			if got, want := b.runs(), strings.TrimSpace(strings.Repeat("done ", len(counts))); got != want {
				t.Errorf("renders %s", got)
			}
		})
	}
}

// grow uploads what the song lacks of count parts, and none is ingested before
// all are known.
func (b *bench) grow(count int) {
	b.Helper()
	b.gate.Lock()
	defer b.gate.Unlock()
	parts := func() int {
		parts, err := b.store.Parts(b.Context(), testSong)
		if err != nil {
			b.Fatal(err)
		}
		return len(parts)
	}
	for i := parts(); i < count; i++ {
		b.upload(fmt.Sprintf("p%03d", i), short(i))
	}
	b.eventually("parts noted", func() bool { return parts() == count })
}

// checkTiles wants a tile of its own on the canvas for each part, and no
// problem with any.
func checkTiles(t *testing.T, r Result, count int, size definition.Pair) {
	t.Helper()
	var p plan.Plan
	if err := json.Unmarshal(r.Render.Plan, &p); err != nil {
		t.Fatal(err)
	}
	def, err := definition.Parse(r.Render.Definition)
	if err != nil {
		t.Fatal(err)
	}
	canvas, shown := image.Rect(0, 0, size[0], size[1]), []image.Rectangle(nil)
	for _, in := range def.Inputs {
		if !in.Shown() {
			continue
		}
		at, s := in.Position.Or(definition.Pair{}), in.Size.Or(definition.Pair{})
		tile := image.Rect(at[0], at[1], at[0]+s[0], at[1]+s[1])
		if tile.Empty() || !tile.In(canvas) {
			t.Errorf("%d parts: tile %v on %v", count, tile, canvas)
		}
		for _, other := range shown {
			if tile.Overlaps(other) {
				t.Errorf("%d parts: tiles %v and %v overlap", count, tile, other)
			}
		}
		shown = append(shown, tile)
	}
	if len(r.Parts) != count || len(shown) != count || p.Width != size[0] || p.Height != size[1] {
		t.Fatalf("%d parts, %d tiles on %dx%d, want %d on %v", len(r.Parts), len(shown), p.Width, p.Height, count, size)
	}
}

// Hidden and silent parts, and one without picture, are no obstacle.
func TestOddParts(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	err := c.PutSong(t.Context(), testSong, &definition.SongFile{Parts: []definition.Part{
		{PartID: "p1", Hidden: true},
		{PartID: "p2", Offset: definition.Some(120.0), OffsetLocked: true},
		{PartID: "p3", Offset: definition.Some(-40.0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.recordings(take(0), take(1), take(2), recording{Seconds: 2, Width: 64, Height: 48, Silent: true},
		recording{Seconds: 2, NoVideo: true})
	r := b.done(c, "")
	if p := r.Parts[2]; p.OffsetMS != 120 || p.Method != "locked" {
		t.Errorf("the offset a person locked is %v (%s)", p.OffsetMS, p.Method)
	}
	if p := r.Parts[3]; p.OffsetMS != -40 || !p.NeedsReview || len(p.Warnings) == 0 {
		t.Errorf("the part that cannot be aligned is %+v", p)
	}
	def, err := definition.Parse(r.Render.Definition)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []definition.PartID{"p1", "p4"} {
		if in := def.Input(id); in == nil || in.Shown() {
			t.Errorf("part %s in the definition: %+v", id, in)
		}
	}
}

// A changed gain costs no picture, a replaced part its own row.
func TestReuse(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	c, _ := b.start(b.config())
	b.song(9)
	first := b.done(c, "")
	pictures, sounds := n.done(plan.KindPicture), n.done(plan.KindSound)
	if err := c.PutPart(t.Context(), testSong, definition.Part{PartID: "p3", Volume: definition.Some(0.5)}); err != nil {
		t.Fatal(err)
	}
	second := b.done(c, "")
	if second.Run == first.Run {
		t.Fatal("a changed gain made no new render")
	}
	if n.done(plan.KindPicture) != pictures || n.done(plan.KindSound) != sounds+1 {
		t.Errorf("a changed gain cost %d cells and %d sounds, want 0 and 1", n.done(plan.KindPicture)-pictures, n.done(plan.KindSound)-sounds)
	}
	b.upload("p3", short(100)) // the definition stays the same to the byte
	b.eventually("another render", func() bool { return strings.Count(b.runs(), " ") == 2 })
	third := b.done(c, "")
	if !bytes.Equal(third.Render.Definition, second.Render.Definition) {
		t.Errorf("another take changed the definition")
	}
	if got := n.done(plan.KindPicture) - pictures; got != 1 {
		t.Errorf("another take cost %d cells, want 1", got)
	}
	if b.runs() != "done done done" {
		t.Errorf("renders %s", b.runs())
	}
}

// A definition made by a person renders, with and without an automatic one.
func TestDefinitionByHand(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	cfg := b.config()
	cfg.Reconcile = time.Hour
	c, _ := b.start(cfg)
	if err := c.SetAuto(t.Context(), testSong, false); err != nil {
		t.Fatal(err)
	}
	old := `{"choir_id":"choir","song_id":"song","output":{"size":[320,180],"reverb":0.1,"reverb_type":"hall","panning":true},
		"inputs":[{"part_id":"p0","size":["150",100],"position":[10,"10"],"volume":1,"panning":0,"pan":-0.4,"offset":"0"},
		{"part_id":"p1","volume":1,"offset":-40},{"part_id":"never uploaded","size":[100,100],"position":[200,10],"offset":0}]}`
	key := definition.NameKey{Song: testSong, Name: "mine"}
	for i := range 2 { // their notifications come too late
		b.putRaw(fmt.Sprint("p", i), short(i))
	}
	b.put(definition.BucketDefinition, key.DefinitionKey(), []byte(old))
	r := b.done(c, "mine")
	if r.Output.Final != key.FinalKey() {
		t.Errorf("final %q", r.Output.Final)
	}
	if !warned(r, "never uploaded", "not found") {
		t.Errorf("warnings %+v", r.Warnings)
	}
	if b.runs() != "done" {
		t.Errorf("renders %s, want only the one asked for", b.runs())
	}
	b.put(definition.BucketDefinition, key.DefinitionKey(), []byte(`{"version":1,"choir_id":"choir","song_id":"song","inputs":[],"typo":1}`))
	b.eventually("another render", func() bool { return strings.Contains(b.runs(), " ") })
	if r = b.await(c, "mine"); r.State != store.TaskFailed || !strings.Contains(r.Error, "typo") {
		t.Errorf("a broken definition is %s: %s", r.State, r.Error)
	}
}

func warned(r Result, part definition.PartID, text string) bool {
	for _, w := range r.Warnings {
		if w.Part == part && strings.Contains(w.Text, text) {
			return true
		}
	}
	return false
}

// A setting that is changed renders the song again, as a changed part does; one that
// changes nothing to see or hear does not.
func TestSettings(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	set := definition.Settings{Name: "Old Hundredth", Output: definition.Output{Size: definition.Some(definition.Pair{192, 96})}}
	if err := c.PutSettings(t.Context(), testSong, set); err != nil {
		t.Fatal(err)
	}
	b.song(3)
	first := b.done(c, "")
	if first.Output.Width != 192 || first.Output.Height != 96 || first.Title != set.Name {
		t.Errorf("%q is %dx%d", first.Title, first.Output.Width, first.Output.Height)
	}
	edit := func(f func(*definition.Settings)) Result {
		t.Helper()
		err := c.EditSettings(t.Context(), testSong, func(s definition.Settings) (definition.Settings, error) {
			f(&s)
			return s, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.done(c, "")
	}
	if r := edit(func(s *definition.Settings) { s.Name = "Another" }); r.Run != first.Run || r.Title != "Another" {
		t.Errorf("another name: run %s, was %s", r.Run, first.Run)
	}
	r := edit(func(s *definition.Settings) { s.Output.Size = definition.Some(definition.Pair{160, 96}) })
	if r.Run == first.Run || r.Output.Width != 160 {
		t.Errorf("another size: run %s, was %s, %d wide", r.Run, first.Run, r.Output.Width)
	}
	edit(func(s *definition.Settings) { s.Auto = definition.Some(false) })
	if r := edit(func(s *definition.Settings) { s.Output.Size = set.Output.Size }); r.Output.Width != 160 {
		t.Errorf("without an automatic definition: %d wide", r.Output.Width)
	}
	if r := edit(func(s *definition.Settings) { s.Auto = definition.Some(true) }); r.Output.Width != 192 {
		t.Errorf("with one again: %d wide", r.Output.Width)
	}
}
