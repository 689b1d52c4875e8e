// Package scratch gives a process a folder for temporary files that does not outlive it
// for long: the folder is locked while the process lives, and the next process of its
// kind removes what one left that was killed.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Folder is a process's folder for temporary files. Safe for concurrent use.
type Folder struct {
	dir  string
	lock *os.File
}

// Open makes a folder in parent, "" for the system's, whose name begins with prefix,
// after removing those of processes that are gone.
func Open(parent, prefix string) (*Folder, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := removeLeftovers(parent, prefix); err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	for {
		dir, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return nil, fmt.Errorf("scratch: %w", err)
		}
		lock, err := lockFolder(dir)
		switch {
		case err == nil:
			return &Folder{dir, lock}, nil
		case !errors.Is(err, errTaken):
			return nil, fmt.Errorf("scratch: %w", errors.Join(err, os.Remove(dir)))
		}
		// Another process that begins took it for left over.
	}
}

// Dir returns the folder.
func (f *Folder) Dir() string { return f.dir }

// Close removes the folder.
func (f *Folder) Close() error { return errors.Join(os.RemoveAll(f.dir), f.lock.Close()) }

// removeLeftovers removes the folders in parent that nobody holds.
func removeLeftovers(parent, prefix string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
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

// errTaken says that another process has locked the folder, or removed it before it was
// locked.
var errTaken = errors.New("taken by another process")

// lockFolder takes the lock on a folder that ends with its process.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("lock %s: %w", dir, errTaken)
	} else if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		if _, gone := os.Stat(dir); gone == nil {
			return f, nil
		}
	}
	f.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) {
		err = errTaken
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}
