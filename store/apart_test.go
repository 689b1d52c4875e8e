package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// apart is a store with songs of which something can be wrong.
type apart struct {
	*testing.T
	*db
	clock time.Time
}

func newApart(t *testing.T) *apart {
	a := &apart{T: t, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "a.db"), WithClock(func() time.Time { return a.clock }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	a.db = s.(*db)
	return a
}

func (a *apart) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// sql changes the database behind the store's back.
func (a *apart) sql(query string, args ...any) {
	a.Helper()
	_, err := a.write.ExecContext(a.Context(), query, args...)
	a.must(err)
}

func songNamed(id string) definition.Song {
	return definition.Song{Choir: "c", Song: definition.SongID(id)}
}

// upload has a recording of the song on its way, whose task is sent.
func (a *apart) upload(song string) {
	a.Helper()
	id := PartID{Song: songNamed(song), Part: "p"}
	_, err := a.Uploaded(a.Context(), Upload{PartID: id, Raw: Raw{Key: song, ETag: "e"}, Task: func(Part) (NewTask, error) {
		return NewTask{Part: "p", Assignment: plan.Assignment{Key: "ingest " + song, Kind: plan.KindIngest, Song: id.Song}}, nil
	}})
	a.must(err)
	out, err := a.Outgoing(a.Context(), 10, 100, time.Minute)
	a.must(err)
	a.must(a.Sent(a.Context(), out))
}

// A song with ids that are too long for new ones goes on; only what is new is refused.
func TestLongIDsOfBefore(t *testing.T) {
	a := newApart(t)
	ctx := t.Context()
	long := strings.Repeat("s", 200)
	a.upload("old")
	for _, table := range []string{"tasks", "parts", "songs"} {
		a.sql(`UPDATE `+table+` SET song = ?`, long)
	}
	a.sql(`UPDATE tasks SET payload = replace(payload, '"old"', ?)`, `"`+long+`"`)
	a.sql(`UPDATE parts SET id = ?`, PartID{songNamed(long), "p"}.Document())
	a.clock = a.clock.Add(time.Hour)
	swept, err := a.Sweep(ctx, Sweep{Silent: time.Minute, Resend: time.Minute, Losses: 3})
	if err != nil || swept.Resent != 1 {
		t.Errorf("swept %+v, %v, want one resent", swept, err)
	}
	if err := a.PutPart(ctx, PartID{songNamed(long), "p"}, []byte(`{"volume":1}`)); err != nil {
		t.Errorf("a part that is there: %v", err)
	}
	if err := a.PutPart(ctx, PartID{songNamed(long), "q"}, []byte(`{}`)); err == nil {
		t.Error("a new part was taken")
	}
	if parts, err := a.Parts(ctx, songNamed(long)); err != nil || len(parts) != 1 {
		t.Errorf("parts %v, %v, want one", parts, err)
	}
	if err := a.PutSong(ctx, songNamed(long+"t"), nil); err == nil {
		t.Error("a new song was taken")
	}
}

// A song that cannot be changed keeps no other from being swept or pruned.
func TestOneBadSong(t *testing.T) {
	a := newApart(t)
	ctx := t.Context()
	songs := []string{"a", "bad", "z"}
	for _, s := range songs {
		a.upload(s)
		for _, run := range []string{"1", "2"} {
			_, _, err := a.AddRender(ctx, NewRender{Run: s + run, Song: songNamed(s), Name: "auto", Key: "k", ETag: run})
			a.must(err)
		}
	}
	_, err := a.TaskNews(ctx, News{Song: songNamed("bad"), Key: "ingest bad", Attempt: 1, Node: "n"})
	a.must(err)
	_, err = a.TaskNews(ctx, News{Song: songNamed("z"), Key: "ingest z", Attempt: 1, Node: "n"})
	a.must(err)
	a.sql(`CREATE TRIGGER bad_task BEFORE UPDATE ON tasks WHEN NEW.song = 'bad' BEGIN SELECT RAISE(ABORT, 'is broken'); END`)
	a.sql(`CREATE TRIGGER bad_render BEFORE DELETE ON renders WHEN OLD.song = 'bad' BEGIN SELECT RAISE(ABORT, 'is broken'); END`)
	a.clock = a.clock.Add(time.Hour)
	says := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), `song "bad" of choir "c"`) && strings.Contains(err.Error(), "is broken")
	}
	swept, err := a.Sweep(ctx, Sweep{Silent: time.Minute, Resend: time.Minute, Losses: 3})
	if !says(err) || swept.Resent != 1 || swept.Requeued != 1 {
		t.Errorf("swept %+v, %v, want one resent and one queued again", swept, err)
	}
	removed, err := a.Prune(ctx, a.clock)
	if !says(err) || removed != 2 {
		t.Errorf("%d renders pruned, %v, want 2", removed, err)
	}
}
