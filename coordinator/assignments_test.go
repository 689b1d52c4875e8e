package coordinator

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// rows of a song of so many stripes and segments, one after the other, as
// "stripe:segment+segment…".
func rows(t *testing.T, stripes, segments int, nodes []store.Node, change func(*store.Message)) string {
	t.Helper()
	var out []store.Message
	add := func(a plan.Assignment) {
		m := store.Message{Assignment: a}
		if change != nil {
			change(&m)
		}
		out = append(out, m)
	}
	add(plan.Assignment{Key: "sound", Kind: plan.KindSound, Run: "r", Attempt: 1, Sound: &plan.Sound{}})
	for k := range segments {
		for s := range stripes {
			add(plan.Assignment{Key: fmt.Sprint(s, k), Kind: plan.KindPicture, Run: "r", Attempt: 1, Picture: &plan.Picture{
				Stripe: s, Segment: plan.Segment{Index: k, First: 50 * k, Count: 50},
			}})
		}
	}
	bodies, refused := inRows(out, nodes)
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	var all []string
	seen := map[string]bool{}
	for _, b := range bodies {
		if len(b) > queue.MaxBody {
			t.Errorf("a body of %d bytes", len(b))
		}
		var a plan.Assignment
		if err := queue.Decode(b, &a); err != nil {
			t.Fatal(err)
		}
		var row []string
		for _, one := range append([]plan.Assignment{a}, a.Then...) {
			if seen[one.Key] {
				t.Errorf("%s goes out twice", one.Key)
			}
			seen[one.Key] = true
			if one.Picture == nil {
				continue
			}
			if one.Picture.Stripe != a.Picture.Stripe {
				t.Errorf("stripe %d goes on in stripe %d", a.Picture.Stripe, one.Picture.Stripe)
			}
			row = append(row, fmt.Sprint(one.Picture.Segment.Index))
		}
		if row != nil {
			all = append(all, fmt.Sprintf("%d:%s", a.Picture.Stripe, strings.Join(row, "+")))
		}
	}
	if len(seen) != len(out) {
		t.Errorf("%d of %d went out", len(seen), len(out))
	}
	return strings.Join(all, " ")
}

// Where several nodes work, a message asks for a row of segments of one stripe, as
// long as there is enough for all to do.
func TestRowsOfCells(t *testing.T) {
	node := func(slots int) store.Node { return store.Node{Node: plan.Node{Slots: slots}} }
	two := []store.Node{node(1), node(1)}
	large := noise(queue.MaxBody / 2)
	for _, c := range []struct {
		name      string
		nodes     []store.Node
		stripes   int
		segments  int
		change    func(*store.Message)
		want      string
		wantBegin bool
	}{
		{name: "nobody is known", stripes: 1, segments: 4, want: "0:0 0:1 0:2 0:3"},
		{name: "one node", nodes: []store.Node{node(2)}, stripes: 1, segments: 4, want: "0:0 0:1 0:2 0:3"},
		{name: "another stops", nodes: []store.Node{node(1), node(0)}, stripes: 1, segments: 4, want: "0:0 0:1 0:2 0:3"},
		{
			name: "two nodes", nodes: two, stripes: 2, segments: 10,
			want: "0:0 1:0 0:1+2+3+4 1:1+2+3 1:4+5 0:5+6 1:6 0:7 1:7 0:8 1:8 0:9 1:9",
		},
		{name: "many nodes", nodes: []store.Node{node(8), node(8)}, stripes: 2, segments: 3, want: "0:0 1:0 0:1 1:1 0:2 1:2"},
		{name: "one has failed before", nodes: two, stripes: 1, segments: 12, change: func(a *store.Message) {
			if a.Picture != nil && a.Picture.Segment.Index == 2 {
				a.Faults = 1
			}
		}, want: "0:0 0:1 0:2 0:3+4 0:5 0:6 0:7 0:8 0:9 0:10 0:11"},
		{name: "of two renders", nodes: two, stripes: 2, segments: 12, change: func(a *store.Message) {
			if a.Picture != nil && a.Picture.Stripe == 1 {
				a.Run = "other"
			}
		}, want: "0:0 1:0 0:1+2 1:1+2 0:3+4 1:3+4 0:5 1:5 0:6 1:6 0:7 1:7 0:8 1:8 0:9 1:9 0:10 1:10 0:11 1:11"},
		{name: "large", nodes: two, stripes: 1, segments: 21, change: func(a *store.Message) {
			if a.Picture != nil && a.Picture.Segment.Index < 6 {
				a.Picture.Tiles = []plan.PictureTile{{Name: large}}
			}
		}, wantBegin: true, want: "0:0 0:1+2 0:3+4 0:5"},
	} {
		if got := rows(t, c.stripes, c.segments, c.nodes, c.change); got != c.want && !(c.wantBegin && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// noise is text that does not compress to less than five eighths.
func noise(length int) string {
	var b strings.Builder
	for b.Len() < length {
		b.WriteString(rand.Text())
	}
	return b.String()
}

// A name that holds what queues refuse is sent all the same.
func TestNameThatIsNoText(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	if err := c.PutPart(t.Context(), testSong, definition.Part{PartID: "p1", Name: "Ada\uffff"}); err != nil {
		t.Fatal(err)
	}
	b.song(2)
	b.done(c, "")
}

// What cannot be sent ends its own render, with the reason, and nobody else's.
func TestUnsendable(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	other := definition.Song{Choir: "choir", Song: "other"}
	if err := c.PutPart(t.Context(), testSong, definition.Part{PartID: "p1", Name: noise(2 * queue.MaxBody)}); err != nil {
		t.Fatal(err)
	}
	b.song(2)
	b.put(definition.BucketRaw, definition.RawKey{Song: other, Part: "q", Ext: "webm"}.String(), []byte(`{"Take":1,"Seconds":0.4,"Width":64,"Height":48,"Silent":true}`))
	if r := b.await(c, ""); r.State != store.TaskFailed || !strings.Contains(r.Error, `song "song": stripe 0, segment 0, of 2 parts cannot be sent`) {
		t.Errorf("the song is %s: %s", r.State, r.Error)
	}
	if r, err := c.Await(t.Context(), other, ""); err != nil || r.State != store.TaskDone {
		t.Errorf("the other song is %s: %s (%v)", r.State, r.Error, err)
	}
}

// A song whose cells come in rows is made whole, also when one of a row is lost and
// one fails.
func TestSongInRows(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	inRow, failed := 0, map[string]bool{}
	b.node(func(a plan.Assignment) course {
		mu.Lock()
		defer mu.Unlock()
		inRow += len(a.Then)
		if a.Picture == nil || failed[a.Key] {
			return course{}
		}
		failed[a.Key] = true
		switch a.Picture.Segment.Index {
		case 2:
			return course{fail: "out of luck"}
		case 3:
			return course{lose: true}
		}
		return course{}
	})
	for _, name := range []string{"n1", "n2"} {
		if err := b.store.PutNode(t.Context(), name, &plan.Node{Slots: 1}); err != nil {
			t.Fatal(err)
		}
	}
	cfg := b.config()
	cfg.Segment, cfg.Resend = time.Second, 300*time.Millisecond
	c, _ := b.start(cfg)
	var all []recording
	for i := range 4 {
		r := short(i)
		r.Seconds = 7
		all = append(all, r)
	}
	b.recordings(all...)
	r := b.done(c, definition.AutoName)
	mu.Lock()
	defer mu.Unlock()
	if inRow == 0 || len(failed) == 0 {
		t.Errorf("%d cells came in rows, %d failed", inRow, len(failed))
	}
	for _, p := range r.Parts {
		if p.Dropped != "" {
			t.Errorf("part %+v", p)
		}
	}
}

// The sound of a choir of a thousand that is only heard, gated by forty rests, goes in
// one message.
func TestThousandVoicesFit(t *testing.T) {
	id := func(i int) string { return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i))) }
	def := &definition.Definition{Version: 1, ChoirID: definition.ChoirID(id(-1)[:32]), SongID: definition.SongID(id(-2)[:32])}
	o := plan.Options{Run: id(-3)[:16], Parts: map[definition.PartID]plan.Part{}}
	var rests []media.Span
	for k := range 40 {
		from := time.Duration(k)*6*time.Second + time.Duration(k*k)*time.Millisecond
		rests = append(rests, media.Span{From: from, To: from + 2345*time.Millisecond})
	}
	for i := range 1000 {
		part := definition.PartID(id(i)[:32])
		sum := id(1000 + i)
		def.Inputs = append(def.Inputs, definition.Input{
			PartID: part, Cleanup: []string{"gate"},
			Offset: definition.Some(float64(i*i%97) / 7), Volume: definition.Some(1 / float64(i+2)), Pan: definition.Some(float64(i)/1000 - 0.5),
		})
		o.Parts[part] = plan.Part{
			SHA256: sum, GateDB: -50 - 1/float64(i+1), Rests: rests,
			Facts: media.Facts{
				Duration: 270 * time.Second,
				Audio:    &media.AudioFacts{Codec: "opus", Rate: 48000, Channels: 1, End: 270 * time.Second},
			},
			Converted: plan.Ref{Bucket: definition.BucketConverted, Key: definition.ConvertedKey(def.Ref(), part, sum)},
		}
	}
	p, err := plan.New(def, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []store.Message
	for _, a := range p.Assignments(0) {
		out = append(out, store.Message{Assignment: a})
	}
	bodies, refused := inRows(out, nil)
	if len(refused) > 0 {
		t.Fatal(refused[0].err)
	}
	for i, b := range bodies {
		if len(b) > queue.MaxBody*3/4 {
			t.Errorf("message %d has %d bytes", i, len(b))
		}
		var a plan.Assignment
		err := queue.Decode(b, &a)
		got, _ := json.Marshal(a)
		if want, _ := json.Marshal(out[i].Assignment); err != nil || !bytes.Equal(got, want) {
			t.Errorf("message %d of %d bytes came out differently: %v", i, len(want), err)
		}
	}
}
