package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// What a directory has that S3 has not is half of a file. A file is announced
// when it is whole, and this is how that is judged:
//
//   - A name that programs give to unfinished files is no object at all (see
//     unfinished); when it is renamed the new name is announced.
//   - While a process has the file open for writing it is not whole, however
//     long it pauses. The kernel knows: it grants a read lease (fcntl(2),
//     F_SETLEASE) only on a file that nobody has open for writing.
//   - Where it does not tell (a file of another user, a network file system),
//     inotify's "closed after writing" and "moved here" say that a writer is
//     done; where these are not heard either (a file that was there before us,
//     written by another machine), size and time have to stand still for
//     Stable.
//   - In any case they have to stand still for Settle, so that the several
//     steps of one copy (write, close, set the old time) make one event; an
//     empty file, for Stable, since it is often the first step of a longer one.
//
// A file that is changed after that is announced again, as S3 does for an
// object that is replaced. inotify is only what makes this quick: every Sweep
// the directory is read, and what was missed is found.

// Sender takes messages; every queue.Queue is one.
type Sender interface {
	Send(ctx context.Context, body []byte, delay time.Duration) error
}

// WatchOptions are the options of Watch; the zero value is usable.
type WatchOptions struct {
	// Name is the bucket's name in the events; "" is the directory's.
	Name string
	// Settle is for how long a whole file has to stand still; 0 means 200 ms.
	Settle time.Duration
	// Stable is for how long a file has to stand still when that is the only
	// sign that it is whole; 0 means 5 s.
	Stable time.Duration
	// Sweep is how often the directory is read; 0 means 10 s.
	Sweep time.Duration
	// Log hears of messages that could not be sent; nil means slog.Default().
	Log *slog.Logger
}

// Watch announces every object of a directory bucket to a queue, one event for
// each file that is there at the start or comes later, by whatever way, and one
// more when its content changes. The messages are those of EncodeEvents. It
// returns nil when ctx ends and an error when the directory is gone; a queue that takes no messages is tried again until it does.
func Watch(ctx context.Context, d *Dir, to Sender, o WatchOptions) error {
	if o.Name == "" {
		abs, err := filepath.Abs(d.path)
		if err != nil {
			return fmt.Errorf("bucket watch: %w", err)
		}
		o.Name = filepath.Base(abs)
	}
	o.Settle = orDefault(o.Settle, 200*time.Millisecond)
	o.Stable = orDefault(o.Stable, 5*time.Second)
	o.Sweep = orDefault(o.Sweep, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	w := &watcher{dir: d, options: o, files: map[string]*sighting{}, due: map[string]time.Time{}, look: lookAt}
	if err := w.run(ctx, to); err != nil {
		return fmt.Errorf("bucket watch %s: %w", d.path, err)
	}
	return nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// notice is what the operating system says about a name in the directory.
type notice struct {
	name string // "" with gone: the directory itself; "" otherwise: read it all
	kind noticeKind
}

type noticeKind int

const (
	seen     noticeKind = iota // something about it changed
	touched                    // made, or written to
	finished                   // closed after writing, or moved here
	gone                       // removed, or moved away
)

// watcher is the state of one Watch. Its methods are called by one goroutine.
type watcher struct {
	dir     *Dir
	options WatchOptions
	look    func(name, announced string) (facts, error)
	files   map[string]*sighting // by key
	due     map[string]time.Time // when to look at which file again
}

// sighting is what is known of a file.
type sighting struct {
	etag      string    // when last looked at
	since     time.Time // when it was first seen like that
	done      bool      // a writer has finished and none been heard since
	refused   bool      // it cannot be read, which has been logged
	announced string    // the etag that was last announced
}

// facts are what can be read about a file now.
type facts struct {
	info    Info
	writing writing
}

// writing tells whether a process has a file open for writing.
type writing int

const (
	unknown writing = iota
	yes
	no
)

func (w *watcher) run(ctx context.Context, to Sender) error {
	notices, stop, err := listen(w.dir.path)
	if err != nil {
		return err
	}
	defer stop()
	sweep := time.NewTicker(w.options.Sweep)
	defer sweep.Stop()
	if err := w.sweep(); err != nil {
		return err
	}
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case n, ok := <-notices:
			switch {
			case !ok:
				notices = nil // no more; the sweep goes on
			case n.name != "":
				w.hear(n, time.Now())
			case n.kind == gone:
				return errors.New("the directory is gone")
			default:
				err = w.sweep()
			}
		case <-sweep.C:
			err = w.sweep()
		case <-wake.C:
		}
		if err != nil {
			return err
		}
		next, err := w.announce(ctx, to)
		if err != nil {
			return nil // ctx has ended
		}
		wake.Reset(next)
	}
}

// hear takes a notice in.
func (w *watcher) hear(n notice, now time.Time) {
	key := nameKey(n.name)
	if key == "" {
		return
	}
	s := w.files[key]
	if s == nil {
		s = &sighting{}
		w.files[key] = s
	}
	w.due[key] = now
	switch n.kind {
	case finished:
		s.done = true
	case touched:
		s.done = false
		// A long write is heard thousands of times and not looked at as often.
		w.due[key] = now.Add(w.options.Settle)
	case gone:
		s.done = false
	}
}

// sweep has every file in the directory looked at.
func (w *watcher) sweep() error {
	keys, err := w.dir.keys("")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil: // no file descriptors left, perhaps; the next sweep will do
		w.options.Log.Warn("directory not read", "bucket", w.options.Name, "error", err)
		return nil
	}
	now := time.Now()
	there := make(map[string]bool, len(keys))
	for _, key := range keys {
		there[key] = true
		if w.files[key] == nil {
			w.files[key] = &sighting{}
		}
		if _, ok := w.due[key]; !ok {
			w.due[key] = now
		}
	}
	for key := range w.files {
		if !there[key] {
			delete(w.files, key)
			delete(w.due, key)
		}
	}
	return nil
}

// announce sends events for the files that are whole, and returns when there is
// something to look at again. An error is that of ctx.
func (w *watcher) announce(ctx context.Context, to Sender) (time.Duration, error) {
	next := w.options.Sweep
	for key, at := range w.due {
		now := time.Now()
		if at.After(now) {
			next = min(next, at.Sub(now))
			continue
		}
		info, again, whole := w.judge(key, now)
		switch {
		case whole:
			if err := w.send(ctx, to, info); err != nil {
				return 0, err
			}
			w.files[key].announced = info.ETag
			delete(w.due, key)
		case again > 0:
			w.due[key] = now.Add(again)
			next = min(next, again)
		default:
			delete(w.due, key)
		}
	}
	return next, nil
}

// judge looks at a file and tells whether it is to be announced now; if not,
// after how long to look again, 0 meaning when something is heard.
func (w *watcher) judge(key string, now time.Time) (info Info, again time.Duration, whole bool) {
	s := w.files[key]
	f, err := w.look(filepath.Join(w.dir.path, escapeKey(key)), s.announced)
	switch {
	case errors.Is(err, fs.ErrPermission):
		if !s.refused {
			s.refused = true
			w.options.Log.Warn("file cannot be read", "bucket", w.options.Name, "key", key, "error", err)
		}
		return Info{}, 0, false
	case err != nil:
		// Gone or no file: forgotten, and found by a notice or a sweep if it
		// is there again.
		delete(w.files, key)
		return Info{}, 0, false
	case f.info.ETag == s.announced:
		return Info{}, 0, false
	}
	if f.info.ETag != s.etag {
		s.etag, s.since = f.info.ETag, now
	}
	wait := w.options.Stable
	switch {
	case f.writing == yes:
		return Info{}, 0, false // its closing will be heard, or seen by a sweep
	case f.info.Size == 0:
	case f.writing == no, s.done:
		wait = w.options.Settle
	}
	if still := now.Sub(s.since); still < wait {
		return Info{}, wait - still, false
	}
	f.info.Key = key
	return f.info, 0, true
}

// send sends one event, as often as it takes. An error is that of ctx.
func (w *watcher) send(ctx context.Context, to Sender, info Info) error {
	body := EncodeEvents(Event{
		Name: "ObjectCreated:Put", Bucket: w.options.Name, Key: info.Key, Size: info.Size,
		ETag: info.ETag, Time: time.Now(),
	})
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := to.Send(ctx, body, 0)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		w.options.Log.Warn("event not sent, trying again", "bucket", w.options.Name, "key", info.Key, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// lookAt reads the facts of a file; only its Info when that is the one announced.
func lookAt(name, announced string) (facts, error) {
	st, err := os.Stat(name)
	if err != nil {
		return facts{}, err
	}
	if !st.Mode().IsRegular() {
		return facts{}, fs.ErrInvalid
	}
	if info := fileInfo("", st); info.ETag == announced {
		return facts{info: info}, nil
	}
	// Not to wait if a pipe has taken its place.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return facts{}, err
	}
	defer file.Close()
	// The writers first: what is seen after that is what none was changing.
	f := facts{writing: writers(file)}
	if st, err = file.Stat(); err != nil {
		return facts{}, err
	}
	f.info = fileInfo("", st)
	return f, nil
}
