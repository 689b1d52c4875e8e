package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// scratchPrefix begins the names of the folders that nodes keep their temporary
// files in.
const scratchPrefix = "choirless-node-"

// scratchFactor is how many times its recording's size an ingest needs at most: the
// recording itself and a converted file, which is smaller unless it had to be
// encoded anew, when lossless sound can make it larger.
const scratchFactor = 3

// Scratch is a node's folder for temporary files. It is locked while its process
// lives, so that the next one to come finds and removes what a killed one left.
// Safe for concurrent use.
type Scratch struct {
	dir   string
	lock  *os.File
	limit int64 // bytes in use at once; 0 is what the disk has

	mu   sync.Mutex
	used int64
	free chan struct{} // closed and replaced when something is given back
}

// OpenScratch makes a folder in parent, "" for the system's, after removing those of
// processes that are gone. limit bounds what is in use at once, in bytes; 0 does not.
func OpenScratch(parent string, limit int64) (_ *Scratch, err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := removeLeftovers(parent); err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	s := &Scratch{limit: limit, free: make(chan struct{})}
	if s.dir, err = os.MkdirTemp(parent, scratchPrefix); err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	if s.lock, err = lockFolder(s.dir); err != nil {
		return nil, fmt.Errorf("scratch: %w", errors.Join(err, os.Remove(s.dir)))
	}
	return s, nil
}

// Dir returns the folder.
func (s *Scratch) Dir() string { return s.dir }

// Close removes the folder.
func (s *Scratch) Close() error { return errors.Join(os.RemoveAll(s.dir), s.lock.Close()) }

// take waits until n bytes may be used and returns the function that gives them
// back. More than the limit, or than the disk has, is an error of this machine.
func (s *Scratch) take(ctx context.Context, n int64) (give func(), err error) {
	for {
		s.mu.Lock()
		left, err := s.left()
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		if n <= left {
			s.used += n
			s.mu.Unlock()
			return sync.OnceFunc(func() { s.giveBack(n) }), nil
		}
		alone, free := s.used == 0, s.free
		s.mu.Unlock()
		if alone {
			return nil, fmt.Errorf("scratch %s: %d bytes left, want %d: %w", s.dir, left, n, syscall.ENOSPC)
		}
		select {
		case <-free:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *Scratch) giveBack(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
	close(s.free)
	s.free = make(chan struct{})
}

// left is how many bytes may still be taken. What was taken and is not written yet
// is counted as if it were.
func (s *Scratch) left() (int64, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(s.dir, &fs)
	if errors.Is(err, syscall.ENOENT) { // somebody removed it, or mounted another disk over it
		if err = os.MkdirAll(s.dir, 0o700); err == nil {
			err = syscall.Statfs(s.dir, &fs)
		}
	}
	if err != nil { // whatever it is, it is this machine's and no part's
		return 0, fmt.Errorf("scratch %s: %w: %w", s.dir, err, syscall.EIO)
	}
	left := int64(fs.Bavail)*fs.Bsize - s.used
	if s.limit > 0 {
		left = min(left, s.limit-s.used)
	}
	return left, nil
}

// taken is how many bytes are taken now.
func (s *Scratch) taken() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// removeLeftovers removes the folders in parent that nobody holds. The age covers
// the moment between making a folder and locking it.
func removeLeftovers(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || len(e.Name()) < len(scratchPrefix) || e.Name()[:len(scratchPrefix)] != scratchPrefix ||
			time.Since(info.ModTime()) < time.Second {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		lock, err := lockFolder(dir)
		if err != nil {
			continue // in use, or somebody else's
		}
		err = os.RemoveAll(dir)
		lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// lockFolder takes the lock on a folder that ends with its process.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}
