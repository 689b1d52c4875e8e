package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/choirless/render/internal/scratch"
)

// scratchPrefix begins the names of the folders that nodes keep their temporary
// files in.
const scratchPrefix = "choirless-node-"

// scratchFactor is how many times its recording's size an ingest needs at most: the
// recording itself and a converted file, which is smaller unless it had to be
// encoded anew, when lossless sound can make it larger.
const scratchFactor = 3

// Scratch is a node's folder for temporary files. Safe for concurrent use.
type Scratch struct {
	*scratch.Folder
	limit int64 // bytes in use at once; 0 is what the disk has

	mu   sync.Mutex
	used int64
	free chan struct{} // closed and replaced when something is given back
}

// OpenScratch makes a folder in parent, "" for the system's, after removing those of
// nodes that are gone. limit bounds what is in use at once, in bytes; 0 does not. The
// caller closes it.
func OpenScratch(parent string, limit int64) (*Scratch, error) {
	f, err := scratch.Open(parent, scratchPrefix)
	if err != nil {
		return nil, err
	}
	return &Scratch{Folder: f, limit: limit, free: make(chan struct{})}, nil
}

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
			return nil, fmt.Errorf("scratch %s: %d bytes left, want %d: %w", s.Dir(), left, n, syscall.ENOSPC)
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
	err := syscall.Statfs(s.Dir(), &fs)
	if errors.Is(err, syscall.ENOENT) { // somebody removed it, or mounted another disk over it
		if err = os.MkdirAll(s.Dir(), 0o700); err == nil {
			err = syscall.Statfs(s.Dir(), &fs)
		}
	}
	if err != nil { // whatever it is, it is this machine's and no part's
		return 0, fmt.Errorf("scratch %s: %w: %w", s.Dir(), err, syscall.EIO)
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
