package local

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Trim makes the cache no larger than limit bytes: first the songs go whose last
// run is longest ago, each as a whole, and then what is oldest of this one. It
// must be called before the run begins, when nothing kept is relied upon yet; a
// song that another run is using stays as it is. limit 0 means none.
func (w *WorkDir) Trim(limit int64) error {
	if w.temp || limit == 0 {
		return nil
	}
	songs, total, err := cachedSongs(filepath.Dir(w.Dir))
	if err != nil {
		return err
	}
	for _, s := range songs {
		if total <= limit {
			return nil
		}
		if s.dir != w.Dir {
			gone, err := s.remove()
			total -= gone
			if err != nil {
				return err
			}
		}
	}
	for _, s := range songs {
		if s.dir != w.Dir {
			continue
		}
		slices.SortFunc(s.files, func(a, b cachedFile) int { return a.made.Compare(b.made) })
		for _, f := range s.files {
			if total <= limit {
				return nil
			}
			if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			total -= f.size
		}
	}
	return nil
}

// cachedSong is what a cache holds of one song.
type cachedSong struct {
	dir   string
	run   time.Time // last run
	size  int64
	files []cachedFile
}

type cachedFile struct {
	path string
	size int64
	made time.Time
}

// cachedSongs lists a cache, the song whose last run is longest ago first.
func cachedSongs(cache string) (all []cachedSong, total int64, err error) {
	locks, err := filepath.Glob(filepath.Join(cache, "*", lockName))
	if err != nil {
		return nil, 0, err
	}
	for _, lock := range locks {
		s := cachedSong{dir: filepath.Dir(lock)}
		err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // another run is removing it
			}
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return nil // likewise
			}
			if path == lock {
				s.run = info.ModTime()
				return nil
			}
			s.size += info.Size()
			s.files = append(s.files, cachedFile{path, info.Size(), info.ModTime()})
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		total += s.size
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b cachedSong) int { return cmp.Or(a.run.Compare(b.run), cmp.Compare(a.dir, b.dir)) })
	return all, total, nil
}

// remove removes what is kept of the song and returns how many bytes that was;
// 0 when a run is using it. Its lock stays, which others may hold by then.
func (s cachedSong) remove() (int64, error) {
	lock, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR, 0o644)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return 0, nil
	}
	for _, f := range s.files {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return s.size, nil
}
