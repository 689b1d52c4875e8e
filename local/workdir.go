package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/choirless/render/definition"
)

// lockName is the file in a song's folder that a run holds, and that says when
// the last one began.
const lockName = "lock"

// cacheAge is how long an unused object stays in the cache.
const cacheAge = 30 * 24 * time.Hour

// WorkDir is the folder a render works in. Converted parts and cells stay there
// from run to run, by song; the database is made anew each time, since what is
// kept is known by the notes beside it.
type WorkDir struct {
	Dir   string
	temp  bool // removed at the end
	lock  *os.File
	Notes []string // for a person
}

// OpenWorkDir opens the song's folder in the cache, or a temporary one when
// there is to be no cache or another run is using the song's.
func OpenWorkDir(cache string, noCache bool, song definition.Song) (*WorkDir, error) {
	if noCache {
		return tempWorkDir()
	}
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return tempWorkDir() // no home: nothing to keep things in
		}
		cache = filepath.Join(user, "choirless")
	}
	w := &WorkDir{Dir: filepath.Join(cache, fmt.Sprintf("%s+%s", song.Choir, song.Song))}
	if err := os.MkdirAll(w.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(w.Dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		t, err := tempWorkDir()
		if t != nil {
			t.Notes = append(t.Notes, "another run is using this song's cache; this one works without")
		}
		return t, err
	}
	w.lock = lock
	now := time.Now()
	if err := os.Chtimes(lock.Name(), now, now); err != nil {
		w.Close()
		return nil, err
	}
	if err := w.clean(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func tempWorkDir() (*WorkDir, error) {
	dir, err := os.MkdirTemp("", "choirless-")
	return &WorkDir{Dir: dir, temp: true}, err
}

// clean removes the last run's database and definitions, and cells that nobody
// has used for a long time.
func (w *WorkDir) clean() error {
	old, err := filepath.Glob(filepath.Join(w.Dir, "choirless.db*"))
	if err != nil {
		return err
	}
	for _, role := range []string{definition.BucketDefinition, definition.BucketPreview, definition.BucketFinal} {
		old = append(old, filepath.Join(w.Dir, role))
	}
	for _, name := range old {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return filepath.WalkDir(w.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == w.lock.Name() {
			return err
		}
		info, err := d.Info()
		if err == nil && time.Since(info.ModTime()) > cacheAge {
			return os.Remove(path)
		}
		return nil
	})
}

// Close gives the folder back; a temporary one is removed. It may be called twice.
func (w *WorkDir) Close() {
	if w.temp {
		os.RemoveAll(w.Dir)
	}
	if w.lock != nil {
		w.lock.Close()
		w.lock = nil
	}
}
