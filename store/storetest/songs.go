package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

func testRows(t *testing.T, b *bench) {
	ctx := t.Context()
	_, err := b.Song(ctx, song)
	b.missing(err)
	_, err = b.Part(ctx, part("p"))
	b.missing(err)
	_, err = b.Task(ctx, song, "none")
	b.missing(err)
	_, err = b.Render(ctx, "none")
	b.missing(err)

	b.must(b.PutSong(ctx, song, json.RawMessage(`{"a": "ü?$1"}`)))
	b.must(b.SetAuto(ctx, song, false))
	s, err := b.Song(ctx, song)
	b.must(err)
	equal(t, "settings", string(s.Settings), `{"a": "ü?$1"}`)
	equal(t, "auto", s.Auto, false)
	b.must(b.PutSong(ctx, song, nil))
	if s, err = b.Song(ctx, song); err != nil || string(s.Settings) != `{"a": "ü?$1"}` {
		t.Fatalf("nil settings changed the settings: %s, %v", s.Settings, err)
	}

	for _, id := range []string{"b", "a", "C"} {
		b.must(b.PutPart(ctx, part(id), json.RawMessage(`{"partId":"`+id+`"}`)))
	}
	parts, err := b.Parts(ctx, song)
	b.must(err)
	equal(t, "parts", []definition.PartID{parts[0].Part, parts[1].Part, parts[2].Part}, []definition.PartID{"C", "a", "b"})
	equal(t, "state", parts[0].State, store.PartNew)
	equal(t, "document", string(parts[1].Doc), `{"partId":"a"}`)
	equal(t, "id", part("a").Document(), "choir:song:song:part:a")
	songs, err := b.Songs(ctx, "", 10)
	b.must(err)
	equal(t, "songs", len(songs), 1)

	b.ingest("a", "1")
	b.Advance(minute)
	c, err := b.ClaimSong(ctx, "me", minute)
	b.must(err)
	want := store.Alignment{
		Part: "a", ETag: "1", Offset: -12345678, Confidence: 0.75, DriftPPM: -3.5, Method: "m",
		NeedsReview: true, Reason: "two places fit", Candidates: []store.Candidate{{OffsetMS: 1.5, Confidence: 0.5}, {OffsetMS: -2}},
	}
	b.must(b.SaveAlignment(ctx, c, "hash", []store.Alignment{want, {Part: "b", ETag: "never uploaded"}}))
	got := b.part("a")
	equal(t, "alignment", got.Alignment, want)
	equal(t, "offset", got.Alignment.MediaOffset(), media.Offset(-12345678))
	equal(t, "aligned", got.Aligned, true)
	equal(t, "alignment of a recording that is not there", b.part("b").Aligned, false)
	if s, err = b.Song(ctx, song); err != nil || s.Aligned != "hash" {
		t.Fatalf("aligned from %q, %v", s.Aligned, err)
	}
}

func testIDs(t *testing.T, b *bench) {
	for _, id := range []store.PartID{
		{Part: "p"},
		{Song: definition.Song{Choir: "c"}, Part: "p"},
		{Song: definition.Song{Choir: "a+b", Song: "s"}, Part: "p"},
		{Song: song, Part: "p/q"},
		{Song: song},
	} {
		if err := b.PutPart(t.Context(), id, json.RawMessage(`{}`)); err == nil {
			t.Errorf("the ids %+v were taken", id)
		}
	}
	odd := store.PartID{Song: definition.Song{Choir: "c'h%o\"i", Song: "ü :?"}, Part: "$1;--"}
	b.must(b.PutPart(t.Context(), odd, json.RawMessage(`{}`)))
	p, err := b.Part(t.Context(), odd)
	b.must(err)
	equal(t, "id", p.PartID, odd)
}

func testUploads(t *testing.T, b *bench) {
	ctx := t.Context()
	equal(t, "the first upload counts", b.upload("p", "1"), true)
	equal(t, "state", b.part("p").State, store.PartIngesting)
	equal(t, "messages", b.send(), []string{"ingest-p-1#1"})
	equal(t, "the same upload counts", b.upload("p", "1"), false)
	equal(t, "messages", b.send(), nil)
	equal(t, "percent", b.part("p").Percent, 0.0)
	_, err := b.TaskNews(ctx, store.News{Song: song, Key: "ingest-p-1", Attempt: 1, Node: "node", Percent: 40})
	b.must(err)
	equal(t, "percent", b.part("p").Percent, 40.0)
	b.complete("ingest-p-1", plan.IngestResult{SHA256: "abc", Facts: media.Facts{Container: "webm"}})
	p := b.part("p")
	equal(t, "state", p.State, store.PartReady)
	equal(t, "result", p.Ingest.SHA256+p.Ingest.Facts.Container, "abcwebm")
	equal(t, "percent", p.Percent, 0.0)
	equal(t, "the same upload counts after ingest", b.upload("p", "1"), false)

	b.rendering("run", "mine", cells("cell")...)
	b.fail("cell", 1, func(f *store.Failure) { f.Permanent, f.Blame = true, "p" })
	equal(t, "dropped", b.part("p").Dropped, "it broke")
	equal(t, "another recording counts", b.upload("p", "2"), true)
	p = b.part("p")
	equal(t, "dropped", p.Dropped, "")
	equal(t, "state", p.State, store.PartIngesting)
	if p.Ingest != nil {
		t.Error("the result of the recording before is still there")
	}
	all, err := b.Recordings(ctx)
	b.must(err)
	equal(t, "recordings", all, map[string]string{"choir+song+p.webm": "2"})
	// Back to the first recording: what an ingest wrote is overwritten by now.
	b.complete("ingest-p-2", plan.IngestResult{})
	equal(t, "the first recording again counts", b.upload("p", "1"), true)
	b.taskIs("ingest-p-1", store.TaskQueued, 2)
}

// Many edit the settings at once, each what it finds; a change has the song planned again,
// and what stays the same does not.
func testEditSong(t *testing.T, b *bench) {
	ctx := t.Context()
	add := func(s store.Song) (json.RawMessage, bool, error) {
		return append(s.Settings, '1'), !s.Auto, nil
	}
	b.missing(b.EditSong(ctx, song, add))
	_, err := b.Song(ctx, song)
	b.missing(err) // nor is there a song by that
	b.must(b.PutSong(ctx, song, nil))
	g := errgroup.Group{}
	for range 19 {
		g.Go(func() error { return b.EditSong(ctx, song, add) })
	}
	b.must(g.Wait())
	s, err := b.Song(ctx, song)
	b.must(err)
	equal(t, "settings and auto", []any{string(s.Settings), s.Auto}, []any{strings.Repeat("1", 19), false})
	revision := s.Revision
	same := func(s store.Song) (json.RawMessage, bool, error) { return s.Settings, s.Auto, nil }
	b.must(b.EditSong(ctx, song, same))
	fault := errors.New("no")
	if err := b.EditSong(ctx, song, func(store.Song) (json.RawMessage, bool, error) { return nil, true, fault }); !errors.Is(err, fault) {
		t.Errorf("error %v, want %v", err, fault)
	}
	s, err = b.Song(ctx, song)
	b.must(err)
	equal(t, "revision", s.Revision, revision)
	b.must(b.EditSong(ctx, song, add))
	s, err = b.Song(ctx, song)
	b.must(err)
	equal(t, "changed", s.Revision > revision, true)
}

// Many edit one document at once, each what it finds; nothing is lost.
func testEditPart(t *testing.T, b *bench) {
	ctx := t.Context()
	add := func(doc json.RawMessage) (json.RawMessage, error) {
		n := 0
		if len(doc) > 0 {
			if err := json.Unmarshal(doc, &n); err != nil {
				return nil, err
			}
		}
		return json.Marshal(n + 1)
	}
	b.missing(b.EditPart(ctx, part("p"), add))
	_, err := b.Song(ctx, song)
	b.missing(err) // nor is there a song by that
	b.upload("p", "1")
	g := errgroup.Group{}
	for range 20 {
		g.Go(func() error { return b.EditPart(ctx, part("p"), add) })
	}
	b.must(g.Wait())
	equal(t, "document", string(b.part("p").Doc), "20")
	fault := errors.New("no")
	if err := b.EditPart(ctx, part("p"), func(json.RawMessage) (json.RawMessage, error) { return nil, fault }); !errors.Is(err, fault) {
		t.Errorf("error %v, want %v", err, fault)
	}
	equal(t, "document", string(b.part("p").Doc), "20")
}

// The task of a recording is made for the part as it is, and anew for another document.
func testRead(t *testing.T, b *bench) {
	ctx := t.Context()
	u := store.Upload{PartID: part("p"), Task: func(p store.Part) (store.NewTask, error) {
		return store.NewTask{Part: p.Part, Assignment: plan.Assignment{Key: p.Raw.Key + string(p.Doc), Kind: plan.KindIngest}}, nil
	}}
	uploaded := func(want bool) {
		t.Helper()
		fresh, err := b.Uploaded(ctx, u)
		b.must(err)
		equal(t, "counts", fresh, want)
	}
	uploaded(false) // there is no recording yet
	u.Raw = store.Raw{Key: "raw", ETag: "1"}
	uploaded(true)
	equal(t, "task", b.part("p").Task, "raw")
	b.must(b.PutPart(ctx, part("p"), json.RawMessage(`{"rotate":90}`)))
	u.Raw = store.Raw{}
	uploaded(true)
	uploaded(false)
	equal(t, "task", b.part("p").Task, `raw{"rotate":90}`)
	equal(t, "recording", b.part("p").Raw, store.Raw{Key: "raw", ETag: "1"})
}

func testReupload(t *testing.T, b *bench) {
	b.upload("p", "1")
	b.send()
	b.news("ingest-p-1", 1)
	b.upload("p", "2")
	b.complete("ingest-p-1", plan.IngestResult{SHA256: "old"}) // too late
	p := b.part("p")
	equal(t, "state", p.State, store.PartIngesting)
	b.complete("ingest-p-2", plan.IngestResult{SHA256: "new"})
	equal(t, "result", b.part("p").Ingest.SHA256, "new")

	b.upload("q", "1")
	b.upload("q", "2") // before the first was started
	b.taskIs("ingest-q-1", store.TaskCancelled, 1)
	equal(t, "messages", b.send(), []string{"ingest-q-2#1"})
	b.fail("ingest-q-1", 1, func(f *store.Failure) { f.Permanent = true })
	equal(t, "state", b.part("q").State, store.PartIngesting)
}

func testSongDue(t *testing.T, b *bench) {
	ctx := t.Context()
	none := func(why string) {
		t.Helper()
		if c, err := b.ClaimSong(ctx, "me", minute); err == nil {
			t.Fatalf("%s, and revision %d was claimed", why, c.Revision)
		}
	}
	none("there is no song")
	b.upload("p", "1")
	b.upload("q", "1")
	b.Advance(minute)
	none("two parts are being ingested")
	b.complete("ingest-p-1", plan.IngestResult{})
	b.Advance(minute)
	none("one part is being ingested")
	b.fail("ingest-q-1", 1, func(f *store.Failure) { f.Permanent = true })
	c, err := b.ClaimSong(ctx, "me", minute)
	b.must(err)
	b.must(b.SongPlanned(ctx, c, ""))
	none("the song is planned")

	b.upload("r", "1")
	_, err = b.CompleteTask(ctx, store.Done{Song: song, Key: "ingest-r-1", Result: json.RawMessage(`{}`), Debounce: 5 * time.Second})
	b.must(err)
	b.Advance(4 * time.Second)
	none("more may come")
	b.Advance(2 * time.Second)
	if c, err = b.ClaimSong(ctx, "me", minute); err != nil {
		t.Fatal(err)
	}
	b.must(b.PutPart(ctx, part("p"), json.RawMessage(`{"volume":2}`))) // while it is planned
	b.must(b.SongPlanned(ctx, c, ""))
	if c, err = b.ClaimSong(ctx, "me", minute); err != nil {
		t.Fatalf("a change while the song was planned is forgotten: %v", err)
	}
	b.must(b.SongPlanned(ctx, c, ""))
	b.must(b.PutPart(ctx, part("p"), json.RawMessage(`{"volume":2}`)))
	none("the document is the same")

	b.must(b.PutPart(ctx, part("q"), json.RawMessage(`{"volume":3}`)))
	b.must(b.RedoTasks(ctx, song, "ingest-p-1"))
	none("a recording is read again")
	b.complete("ingest-p-1", plan.IngestResult{})
	if _, err = b.ClaimSong(ctx, "me", minute); err != nil {
		t.Fatalf("the recording is read, and nobody is told: %v", err)
	}
}

func testSongClaims(t *testing.T, b *bench) {
	ctx := t.Context()
	b.must(b.PutPart(ctx, part("p"), json.RawMessage(`{}`)))
	first, err := b.ClaimSong(ctx, "first", minute)
	b.must(err)
	_, err = b.ClaimSong(ctx, "second", minute)
	b.missing(err)
	b.Advance(40 * time.Second)
	b.must(b.ExtendSong(ctx, first, minute))
	b.Advance(40 * time.Second)
	_, err = b.ClaimSong(ctx, "second", minute)
	b.missing(err)
	b.Advance(minute)
	second, err := b.ClaimSong(ctx, "second", minute)
	b.must(err)
	b.lost(b.ExtendSong(ctx, first, minute))
	b.lost(b.SaveAlignment(ctx, first, "x", nil))
	b.lost(b.SongPlanned(ctx, first, ""))
	b.lost(b.ReleaseSong(ctx, first, 0))
	b.must(b.ReleaseSong(ctx, second, time.Second))
	_, err = b.ClaimSong(ctx, "third", minute)
	b.missing(err)
	b.Advance(2 * time.Second)
	third, err := b.ClaimSong(ctx, "third", minute)
	b.must(err)
	b.must(b.SongPlanned(ctx, third, ""))
	b.lost(b.SongPlanned(ctx, third, ""))
}

func testRevive(t *testing.T, b *bench) {
	ctx := t.Context()
	b.upload("p", "1")
	b.fail("ingest-p-1", 1, func(f *store.Failure) { f.Permanent = true })
	b.ingest("q", "1")
	b.rendering("run", "mine", cells("cell")...)
	b.fail("cell", 1, func(f *store.Failure) { f.Permanent, f.Blame = true, "q" })
	b.send()
	b.must(b.ReviveSong(ctx, song))
	equal(t, "refused part", b.part("p").State, store.PartIngesting)
	equal(t, "reason", b.part("p").Error, "")
	equal(t, "dropped part", b.part("q").Dropped, "")
	equal(t, "messages", b.send(), []string{"ingest-p-1#2"})
	s, err := b.Song(ctx, song)
	b.must(err)
	if s.Revision == s.Planned {
		t.Error("the song is not to be planned again")
	}
}

func testContext(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.PutPart(ctx, part("p"), json.RawMessage(`{}`)); err == nil {
		t.Error("a cancelled call succeeded")
	}
	_, err := b.Part(t.Context(), part("p"))
	b.missing(err)
}
