package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// DirOptions are the options of OpenDir; the zero value is the safe one.
type DirOptions struct {
	// NoSync leaves it to the operating system when an object reaches the
	// disk. An object is then safe from the end of this process, but not from
	// a power cut; right for results that can be made again.
	NoSync bool
}

// Dir is a Bucket in a directory: an object is a file of that name. Safe for
// concurrent use, also by several processes. Subdirectories, hidden files and
// files still being written by others (see Watch) are no objects. An ETag is
// made of size, time of modification and inode, so Stat reads no content.
type Dir struct {
	path string
	sync bool
}

// tempPrefix begins the names of files that Put has not finished.
const tempPrefix = ".choir-put-"

// OpenDir opens the directory at path as a bucket and makes it if need be.
// What a process that died in Put left behind is removed.
func OpenDir(path string, o DirOptions) (*Dir, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	d := &Dir{path: path, sync: !o.NoSync}
	if err := d.clean(); err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	return d, nil
}

// Path returns the directory.
func (d *Dir) Path() string { return d.path }

// clean removes temporary files whose writer is gone: a living one holds a
// lock. The age covers the moment between making a file and locking it.
func (d *Dir) clean() error {
	old, err := filepath.Glob(filepath.Join(escapeGlob(d.path), tempPrefix+"*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		f, err := os.Open(name)
		if err != nil {
			continue // another process was quicker
		}
		st, err := f.Stat()
		if err == nil && time.Since(st.ModTime()) > time.Minute &&
			syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.Remove(name)
		}
		f.Close()
	}
	return nil
}

// escapeGlob quotes what filepath.Glob would take for a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (d *Dir) name(key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	return filepath.Join(d.path, escapeKey(key)), nil
}

// Put implements Bucket. The file appears by a rename, or a link with
// IfNotExist, when all of it is written.
func (d *Dir) Put(ctx context.Context, key string, r io.Reader, o PutOptions) (info Info, err error) {
	name, err := d.name(key)
	if err != nil {
		return Info{}, err
	}
	defer func() { err = wrap("put", key, err) }()
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	if o.IfNotExist { // spare the work; the link of place is what decides
		if _, err := os.Lstat(name); err == nil {
			return Info{}, ErrExists
		}
	}
	f, err := d.create()
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	if _, err := io.Copy(f.File, contextReader{ctx, r}); err != nil {
		return Info{}, err
	}
	return f.keep(ctx, key, name, o)
}

// place gives a finished file its name.
func (d *Dir) place(temp, name string, o PutOptions) error {
	if o.IfNotExist {
		err := os.Link(temp, name)
		if errors.Is(err, fs.ErrExist) {
			return ErrExists
		}
		return err
	}
	// A file system can rename, but not if: nobody else may while one looks.
	how := syscall.LOCK_SH
	if o.IfMatch != "" {
		how = syscall.LOCK_EX
	}
	dir, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer dir.Close() // and unlock
	if err := flock(dir, how); err != nil {
		return err
	}
	if o.IfMatch != "" {
		st, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) || (err == nil && fileInfo("", st).ETag != o.IfMatch) {
			return ErrChanged
		} else if err != nil {
			return err
		}
	}
	return os.Rename(temp, name)
}

// flock locks an open file against other processes and other files open here, where
// the file system can.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		switch {
		case err == syscall.EINTR:
			continue
		case errors.Is(err, syscall.ENOTSUP):
			return nil
		}
		return err
	}
}

// syncDir makes a new name survive a power cut.
func (d *Dir) syncDir() error {
	if !d.sync {
		return nil
	}
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Get implements Bucket. The reader is also an io.ReadSeeker; for the whole
// object it is an *os.File.
func (d *Dir) Get(ctx context.Context, key string, rng Range) (io.ReadCloser, Info, error) {
	name, err := d.name(key)
	if err == nil {
		err = checkRange(rng)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, Info{}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, Info{}, wrap("get", key, err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		f.Close()
		return nil, Info{}, wrap("get", key, err)
	}
	info := fileInfo(key, st)
	if rng == (Range{}) {
		return f, info, nil
	}
	n := max(info.Size-rng.Offset, 0)
	if rng.Length > 0 {
		n = min(n, rng.Length)
	}
	return section{io.NewSectionReader(f, rng.Offset, n), f}, info, nil
}

// section is a part of an open file.
type section struct {
	*io.SectionReader
	io.Closer
}

// Stat implements Bucket.
func (d *Dir) Stat(ctx context.Context, key string) (Info, error) {
	name, err := d.name(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Info{}, err
	}
	st, err := os.Stat(name)
	if err == nil && !st.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		return Info{}, wrap("stat", key, err)
	}
	return fileInfo(key, st), nil
}

// List implements Bucket.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		keys, err := d.keys(prefix)
		if err != nil {
			yield(Info{}, fmt.Errorf("bucket: list: %w", err))
			return
		}
		for _, key := range keys {
			info, err := d.Stat(ctx, key)
			if errors.Is(err, ErrNotFound) {
				continue // gone since, or no file
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// keys returns the keys with the prefix in byte order; some may be of
// directories.
func (d *Dir) keys(prefix string) ([]string, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	keys := names[:0]
	for _, name := range names {
		if key := nameKey(name); key != "" && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys, nil
}

// Delete implements Bucket.
func (d *Dir) Delete(ctx context.Context, key string) error {
	name, err := d.name(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	// unlink and not os.Remove, which would also remove an empty directory.
	switch err := syscall.Unlink(name); err {
	case nil:
		return wrap("delete", key, d.syncDir())
	case syscall.ENOENT, syscall.EISDIR:
		return nil
	default:
		return wrap("delete", key, err)
	}
}

// fileInfo describes a file as an object. A replaced file has another inode
// while the old one still exists; one written in place has another time.
func fileInfo(key string, st fs.FileInfo) Info {
	var inode uint64
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		inode = sys.Ino
	}
	return Info{
		Key:      key,
		Size:     st.Size(),
		ETag:     fmt.Sprintf("%x-%x-%x", st.ModTime().UnixNano(), st.Size(), inode),
		Modified: st.ModTime(),
	}
}

// wrap says which operation on which object failed.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	return fmt.Errorf("%s %q: %w", op, key, err)
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
