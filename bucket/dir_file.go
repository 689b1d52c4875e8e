package bucket

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// DirFile is a file in a Dir that is no object yet. It is written, and read back, in
// any order; Keep then makes it an object without its bytes being copied. Not safe
// for concurrent use.
type DirFile struct {
	*os.File
	d    *Dir
	temp string
}

// Create begins a file, which is the caller's to Close. What a process that dies before
// Keep leaves behind, the next OpenDir removes.
func (d *Dir) Create(ctx context.Context) (*DirFile, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := d.create()
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	return f, nil
}

func (d *Dir) create() (*DirFile, error) {
	temp := filepath.Join(d.path, tempPrefix+rand.Text())
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	w := &DirFile{File: f, d: d, temp: temp}
	if err := flock(f, syscall.LOCK_SH); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Keep stores the file under key, as Put would store its bytes. It is closed then, also
// on error.
func (f *DirFile) Keep(ctx context.Context, key string, o PutOptions) (Info, error) {
	defer f.Close()
	name, err := f.d.name(key)
	if err != nil {
		return Info{}, err
	}
	info, err := f.keep(ctx, key, name, o)
	return info, wrap("put", key, err)
}

func (f *DirFile) keep(ctx context.Context, key, name string, o PutOptions) (Info, error) {
	if f.d.sync {
		if err := f.Sync(); err != nil {
			return Info{}, err
		}
	}
	st, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	if err := f.File.Close(); err != nil {
		return Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	if err := f.d.place(f.temp, name, o); err != nil {
		return Info{}, err
	}
	return fileInfo(key, st), f.d.syncDir()
}

// Close closes the file and removes it, unless it was kept. It may be called more than
// once.
func (f *DirFile) Close() error {
	// Until the rename the file is ours alone, after it there is none to remove.
	os.Remove(f.temp)
	return f.File.Close()
}
