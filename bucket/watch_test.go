package bucket

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// announced is a Sender that keeps what it is sent.
type announced struct {
	mu     sync.Mutex
	events []Event
	fail   int // so many times
	some   chan struct{}
}

func newAnnounced() *announced { return &announced{some: make(chan struct{}, 100)} }

func (a *announced) Send(_ context.Context, body []byte, _ time.Duration) error {
	events, err := ParseEvents(body)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail > 0 {
		a.fail--
		return errors.New("no queue today")
	}
	a.events = append(a.events, events...)
	a.some <- struct{}{}
	return nil
}

// next waits for the next event and returns its key and size.
func (a *announced) next(t *testing.T) Event {
	t.Helper()
	select {
	case <-a.some:
		a.mu.Lock()
		defer a.mu.Unlock()
		e := a.events[0]
		a.events = a.events[1:]
		return e
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was announced")
		return Event{}
	}
}

// watched starts a watch on a new directory, after before has run in it.
func watched(t *testing.T, to Sender, o WatchOptions, before func(path string)) *Dir {
	t.Helper()
	d, err := OpenDir(filepath.Join(t.TempDir(), "raw"), DirOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if before != nil {
		before(d.Path())
	}
	if o.Settle == 0 {
		o.Settle = 20 * time.Millisecond
	}
	if o.Stable == 0 {
		o.Stable = 100 * time.Millisecond
	}
	o.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx, d, to, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	return d
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestWatchWays: each way of getting a file into the directory makes one event
// with the right size; the file after it shows that there was no second one.
func TestWatchWays(t *testing.T) {
	const content = "not a half"
	ways := []struct {
		name string
		put  func(t *testing.T, d *Dir, path string)
	}{
		{"write", func(t *testing.T, _ *Dir, path string) { write(t, path, content) }},
		{"write slowly", func(t *testing.T, _ *Dir, path string) {
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(content) {
				if _, err := f.WriteString(content[i : i+1]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Millisecond)
			}
			f.Close()
		}},
		{"copy that keeps the time", func(t *testing.T, _ *Dir, path string) {
			f, err := os.Create(path)
			if err == nil {
				_, err = f.WriteString(content)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close() // as cp -p, which sets the time before it closes
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}},
		{"move", func(t *testing.T, _ *Dir, path string) {
			from := filepath.Join(t.TempDir(), "x")
			write(t, from, content)
			if err := os.Rename(from, path); err != nil {
				t.Fatal(err)
			}
		}},
		{"link", func(t *testing.T, _ *Dir, path string) {
			from := filepath.Join(t.TempDir(), "x")
			write(t, from, content)
			if err := os.Link(from, path); err != nil {
				t.Fatal(err)
			}
		}},
		{"rsync", func(t *testing.T, _ *Dir, path string) {
			hidden := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".Xy12Za")
			write(t, hidden, content)
			if err := os.Rename(hidden, path); err != nil {
				t.Fatal(err)
			}
		}},
		{"browser", func(t *testing.T, _ *Dir, path string) {
			write(t, path+".part", content)
			if err := os.Rename(path+".part", path); err != nil {
				t.Fatal(err)
			}
		}},
		{"put", func(t *testing.T, d *Dir, path string) {
			if _, err := d.Put(t.Context(), filepath.Base(path), strings.NewReader(content), PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
		{"put if not exist", func(t *testing.T, d *Dir, path string) {
			if _, err := d.Put(t.Context(), filepath.Base(path), strings.NewReader(content), PutOptions{IfNotExist: true}); err != nil {
				t.Fatal(err)
			}
		}},
	}
	to := newAnnounced()
	d := watched(t, to, WatchOptions{Sweep: time.Hour}, nil)
	for _, way := range ways {
		key := "choir+song+" + way.name + ".webm"
		way.put(t, d, filepath.Join(d.Path(), key))
		e := to.next(t)
		info, err := d.Stat(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if e.Key != key || e.Size != int64(len(content)) || e.ETag != info.ETag || e.Bucket != "raw" || !e.Created() {
			t.Errorf("%s: announced %+v, want %+v", way.name, e, info)
		}
	}
}

// TestWatchHalf: a file that somebody is still writing is not announced however
// long he pauses, whether he began before the watch or after.
func TestWatchHalf(t *testing.T) {
	var early *os.File
	begin := func(path string) *os.File {
		f, err := os.Create(path)
		if err == nil {
			_, err = f.WriteString("half")
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	to := newAnnounced()
	d := watched(t, to, WatchOptions{Sweep: 30 * time.Millisecond}, func(path string) {
		early = begin(filepath.Join(path, "early"))
	})
	late := begin(filepath.Join(d.Path(), "late"))
	for _, name := range []string{"one", "two", "three"} {
		time.Sleep(150 * time.Millisecond) // longer than Stable
		write(t, filepath.Join(d.Path(), name), "whole")
		if e := to.next(t); e.Key != name {
			t.Fatalf("announced %q, which is half written; want %q", e.Key, name)
		}
	}
	for _, f := range []*os.File{late, early} {
		if _, err := f.WriteString(" and half"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if e := to.next(t); e.Key != filepath.Base(f.Name()) || e.Size != 13 {
			t.Errorf("announced %+v, want %s whole", e, f.Name())
		}
	}
}

// TestWatchStart: what is there already is announced, temporary names never.
func TestWatchStart(t *testing.T) {
	to := newAnnounced()
	d := watched(t, to, WatchOptions{Name: "choir-raw"}, func(path string) {
		for _, name := range []string{"there", ".there.Ab12Cd", "there.part", "there~", ".choir-put-x"} {
			write(t, filepath.Join(path, name), "a")
		}
		if err := os.Mkdir(filepath.Join(path, "folder"), 0o777); err != nil {
			t.Fatal(err)
		}
	})
	if e := to.next(t); e.Key != "there" || e.Bucket != "choir-raw" {
		t.Errorf("announced %+v, want there in choir-raw", e)
	}
	write(t, filepath.Join(d.Path(), "empty"), "")
	if e := to.next(t); e.Key != "empty" || e.Size != 0 {
		t.Errorf("announced %+v, want empty", e)
	}
}

// TestWatchAgain: replaced is announced again, also when it is taken away in
// between; a queue that fails is tried again.
func TestWatchAgain(t *testing.T) {
	to := newAnnounced()
	to.fail = 2
	d := watched(t, to, WatchOptions{}, nil)
	path := filepath.Join(d.Path(), "a")
	for _, content := range []string{"1", "22", "333"} {
		write(t, path, content)
		if e := to.next(t); e.Key != "a" || e.Size != int64(len(content)) {
			t.Errorf("announced %+v, want a of %d bytes", e, len(content))
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, "333")
	if e := to.next(t); e.Key != "a" || e.Size != 3 {
		t.Errorf("announced %+v, want a again", e)
	}
}

func TestWatchGone(t *testing.T) {
	d, err := OpenDir(filepath.Join(t.TempDir(), "raw"), DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(d.Path()); err != nil {
		t.Fatal(err)
	}
	if err := Watch(t.Context(), d, newAnnounced(), WatchOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("watch of nothing: %v", err)
	}
	if err := os.Mkdir(d.Path(), 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(d.Path(), "a"), "a")
	to, ended := newAnnounced(), make(chan error, 1)
	go func() { ended <- Watch(t.Context(), d, to, WatchOptions{Settle: time.Millisecond}) }()
	to.next(t)
	if err := os.RemoveAll(d.Path()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the directory is gone") {
		t.Errorf("watch of a removed directory: %v", err)
	}
}

// TestWatchJudge steps through the judgement with a clock and a kernel of its
// own: what is heard and seen, and when the file counts as whole.
func TestWatchJudge(t *testing.T) {
	const settle, stable = time.Second, 10 * time.Second
	type step struct {
		at    time.Duration
		hear  noticeKind // -1: nothing
		etag  string
		size  int64
		open  writing
		whole bool
		again time.Duration
	}
	const quiet = noticeKind(-1)
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"kernel says no writer", []step{
			{0, touched, "a", 1, no, false, settle},
			{settle, quiet, "a", 1, no, true, 0},
		}},
		{"kernel says writer, for ever", []step{
			{0, touched, "a", 1, yes, false, 0},
			{time.Hour, quiet, "a", 1, yes, false, 0},
			{2 * time.Hour, finished, "b", 2, no, false, settle},
			{2*time.Hour + settle, quiet, "b", 2, no, true, 0},
		}},
		{"nobody knows", []step{
			{0, quiet, "a", 1, unknown, false, stable},
			{9 * time.Second, quiet, "b", 2, unknown, false, stable},
			{18 * time.Second, quiet, "b", 2, unknown, false, time.Second},
			{19 * time.Second, quiet, "b", 2, unknown, true, 0},
		}},
		{"closing heard, kernel silent", []step{
			{0, touched, "a", 1, unknown, false, stable},
			{time.Second, finished, "b", 2, unknown, false, settle},
			{2 * time.Second, quiet, "b", 2, unknown, true, 0},
		}},
		{"written again before it settled", []step{
			{0, finished, "a", 1, unknown, false, settle},
			{500 * time.Millisecond, touched, "b", 2, unknown, false, stable},
			{settle, seen, "b", 2, unknown, false, 9500 * time.Millisecond},
		}},
		{"attributes alone change nothing", []step{
			{0, finished, "a", 1, unknown, false, settle},
			{settle, seen, "a", 1, unknown, true, 0},
		}},
		{"empty is often a first step", []step{
			{0, finished, "a", 0, no, false, stable},
			{settle, finished, "b", 5, no, false, settle},
			{2 * settle, quiet, "b", 5, no, true, 0},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var now step
			w := &watcher{
				dir: &Dir{}, options: WatchOptions{Settle: settle, Stable: stable},
				files: map[string]*sighting{"k": {}}, due: map[string]time.Time{},
				look: func(string, string) (facts, error) {
					return facts{Info{ETag: now.etag, Size: now.size}, now.open}, nil
				},
			}
			began := time.Now()
			for i, s := range test.steps {
				now = s
				at := began.Add(s.at)
				if s.hear != quiet {
					w.hear(notice{"k", s.hear}, at)
				}
				info, again, whole := w.judge("k", at)
				if whole != s.whole || again != s.again || whole && info.Key != "k" {
					t.Errorf("step %d: whole %v, again in %v; want %v, %v", i, whole, again, s.whole, s.again)
				}
			}
		})
	}
}

// TestWatchRefused: a file that cannot be read is no reason to stop, and comes
// back when it can.
func TestWatchRefused(t *testing.T) {
	err := error(&fs.PathError{Op: "open", Path: "k", Err: fs.ErrPermission})
	w := &watcher{
		dir: &Dir{}, options: WatchOptions{Settle: 1, Stable: 1, Log: slog.New(slog.DiscardHandler)},
		files: map[string]*sighting{"k": {}}, due: map[string]time.Time{},
		look: func(string, string) (facts, error) { return facts{Info{ETag: "a", Size: 1}, no}, err },
	}
	now := time.Now()
	if _, again, whole := w.judge("k", now); whole || again != 0 || !w.files["k"].refused {
		t.Error("a refused file is announced or forgotten")
	}
	err = nil
	w.judge("k", now)
	if _, _, whole := w.judge("k", now.Add(time.Second)); !whole {
		t.Error("a file that can be read again is not announced")
	}
}
