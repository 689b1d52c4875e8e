// Package bucket stores objects by key. The interface is the contract; Dir
// serves one machine, S3 many, and buckettest holds every implementation to it.
package bucket

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// ErrNotFound and ErrExists are the errors callers branch on.
var (
	ErrNotFound = errors.New("bucket: object not found")
	ErrExists   = errors.New("bucket: object exists")
)

// Bucket holds objects by key. Keys are non-empty UTF-8 without '/', at most
// 512 bytes; '+', ':', '%', '?', '#' and spaces are ordinary characters.
// Safe for concurrent use. Calls may block and honour their context.
type Bucket interface {
	// Put stores r under key, replacing what was there. Nothing is visible
	// under key until all of r is stored, and nothing stays behind on error.
	Put(ctx context.Context, key string, r io.Reader, o PutOptions) (Info, error)
	// Get opens the object; the caller closes the reader. ErrNotFound.
	Get(ctx context.Context, key string, rng Range) (io.ReadCloser, Info, error)
	// Stat describes the object. ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)
	// List yields the objects whose keys begin with prefix, in byte order.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Delete removes the object; deleting nothing is no error.
	Delete(ctx context.Context, key string) error
}

// PutOptions are the options of Put; the zero value is a plain replace.
type PutOptions struct {
	// IfNotExist makes Put fail with ErrExists when the key is taken.
	IfNotExist  bool
	ContentType string
}

// Range is Length bytes from Offset; Length 0 means to the end. The zero value
// is the whole object.
type Range struct{ Offset, Length int64 }

// Info describes an object.
type Info struct {
	Key      string
	Size     int64  // bytes, of the whole object
	ETag     string // changes with the content; no quotes
	Modified time.Time
}

// Presigner is what a Bucket with addresses of its own also is.
type Presigner interface {
	PresignGet(ctx context.Context, key string, valid time.Duration) (string, error)
	PresignPut(ctx context.Context, key string, valid time.Duration) (string, error)
}

// Buckets are the buckets of a deployment by role (definition.BucketRaw, …).
type Buckets map[string]Bucket
