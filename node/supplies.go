package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/choirless/render/bucket"
)

// An object store that is away for a while must not be taken for a bad part. The
// stages below cannot tell: a decoder that gets no more bytes says "broken file", a
// tile shows its placeholder, and what comes out would be stored as the cell's
// result for ever. So every assignment sees the buckets through supplies, which
// remember the first trouble. After it nothing of the assignment is stored any more,
// and the assignment is handed back, whatever its work made of it.

// supplies are the buckets as one assignment sees them. Safe for concurrent use.
type supplies struct {
	bucket.Buckets
	moved func(in, out int) // bytes

	mu  sync.Mutex
	err error
}

// supply wraps buckets; moved is told what is read and written. Folders are left as they are: their files are read in place.
func supply(all bucket.Buckets, moved func(in, out int)) *supplies {
	s := &supplies{Buckets: bucket.Buckets{}, moved: moved}
	for role, b := range all {
		if _, folder := b.(*bucket.Dir); !folder {
			b = &supplied{b, s, role}
		}
		s.Buckets[role] = b
	}
	return s
}

// trouble is the first error of a bucket, a *transferError, or nil.
func (s *supplies) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// note remembers an error unless it says something of the object or its key and not of
// the store, or only that ctx has ended.
func (s *supplies) note(ctx context.Context, role, key string, err error) {
	if err == nil || err == io.EOF || ctx.Err() != nil || ofObject(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = &transferError{role, fmt.Errorf("%s/%s: %w", role, key, err)}
	}
}

// supplied is one bucket of supplies.
type supplied struct {
	bucket.Bucket
	all  *supplies
	role string
}

func (b *supplied) Get(ctx context.Context, key string, rng bucket.Range) (io.ReadCloser, bucket.Info, error) {
	r, info, err := b.Bucket.Get(ctx, key, rng)
	if err != nil {
		b.all.note(ctx, b.role, key, err)
		return nil, info, err
	}
	return &suppliedReader{r, ctx, b, key}, info, nil
}

func (b *supplied) Stat(ctx context.Context, key string) (bucket.Info, error) {
	info, err := b.Bucket.Stat(ctx, key)
	b.all.note(ctx, b.role, key, err)
	return info, err
}

func (b *supplied) Put(ctx context.Context, key string, r io.Reader, o bucket.PutOptions) (bucket.Info, error) {
	body := &suppliedBody{r: r, all: b.all}
	info, err := b.Bucket.Put(ctx, key, body, o)
	if body.err == nil && !errors.Is(err, bucket.ErrChanged) { // otherwise it is the work that failed, or who puts looks again
		b.all.note(ctx, b.role, key, err)
	}
	return info, err
}

// suppliedReader is the body of an object.
type suppliedReader struct {
	io.ReadCloser
	ctx    context.Context // of Get: io.Reader has no place for one
	bucket *supplied
	key    string
}

func (r *suppliedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.bucket.all.moved(n, 0)
	r.bucket.all.note(r.ctx, r.bucket.role, r.key, err)
	return n, err
}

// suppliedBody is what becomes an object, unless there was trouble before its end.
type suppliedBody struct {
	r   io.Reader
	all *supplies
	err error // of r
}

func (r *suppliedBody) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.all.moved(0, n)
	if err == io.EOF {
		if trouble := r.all.trouble(); trouble != nil {
			err = trouble
		}
	}
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// suppliedFile is an object open for reading anywhere in it. It also notes that the
// object was replaced meanwhile, and keeps its own trouble, since it may outlive the
// assignment it was opened for. Not safe for concurrent use.
type suppliedFile struct {
	io.ReadSeekCloser
	ctx    context.Context
	bucket *supplied
	key    string
	err    error // a *transferError
}

func (f *suppliedFile) Read(p []byte) (int, error) {
	n, err := f.ReadSeekCloser.Read(p)
	if err != nil && err != io.EOF && f.ctx.Err() == nil {
		f.bucket.all.note(f.ctx, f.bucket.role, f.key, err)
		if f.err == nil {
			f.err = &transferError{f.bucket.role, fmt.Errorf("%s/%s: %w", f.bucket.role, f.key, err)}
		}
	}
	return n, err
}

// machineTrouble tells whether an error is this machine's: a full disk, no more
// memory or file descriptors. Another one may have them.
func machineTrouble(err error) bool {
	for _, no := range []syscall.Errno{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE,
	} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
