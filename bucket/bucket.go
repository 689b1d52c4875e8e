// Package bucket stores objects by key. The interface is the contract; Dir
// serves one machine, S3 many, and buckettest holds every implementation to it.
//
// Events say that an object has come: S3 sends them, Watch sends the same for
// a directory, and ParseEvents reads both.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrNotFound, ErrExists, ErrChanged and ErrKey are the errors callers branch on.
var (
	ErrNotFound = errors.New("bucket: object not found")
	ErrExists   = errors.New("bucket: object exists")
	// ErrChanged is returned by a reader from Open when the object was
	// replaced while it was being read, and by a Put that was to replace
	// another object than is there.
	ErrChanged = errors.New("bucket: object changed meanwhile")
	// ErrKey is what CheckKey returns, and every call that is given such a key.
	ErrKey = errors.New("bucket: invalid key")
)

// MaxKey is the longest key in bytes: a directory's file names hold 255, a few
// of them are for escapes.
const MaxKey = 240

// Bucket holds objects by key. Keys are 1..MaxKey bytes of UTF-8 without '/'
// and control characters, else ErrKey; '+', ':', '%', '?', '#' and spaces are ordinary
// characters. Safe for concurrent use. Calls may block and honour their context.
//
//  1. Get returns what Put stored, whatever the key's characters.
//  2. Put replaces; readers see the old object or the new, never a mixture.
//  3. Nothing is visible under key until all of r is stored, and nothing stays
//     behind when r fails or the context ends.
//  4. With IfNotExist, of many Puts at once one stores and the others get
//     ErrExists. With IfMatch, of many that name one object one replaces it and
//     the others get ErrChanged.
//  5. Put takes readers that cannot seek, of any length.
//  6. Get with a Range returns that part; one that ends past the object's end
//     is cut short, one that begins there is empty.
//  7. Get and Stat of a missing object return ErrNotFound.
//  8. List yields the keys with the prefix in byte order, each once, also when
//     they are more than fit one page.
//  9. Delete removes; deleting nothing is no error.
//  10. ETag differs when the content differs, and is the same in Put's, Get's,
//     Stat's and List's Info of one object.
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
	IfNotExist bool
	// IfMatch, where set, makes Put fail with ErrChanged unless it replaces the
	// object of that ETag. Not together with IfNotExist.
	IfMatch string
	// ContentType is the media type, where the implementation stores it.
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

// CheckKey tells what is wrong with a key, or nil.
func CheckKey(key string) error {
	switch {
	case key == "" || len(key) > MaxKey:
		return fmt.Errorf("%w: %d bytes, want 1..%d", ErrKey, len(key), MaxKey)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w %q: not UTF-8", ErrKey, key)
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' }):
		return fmt.Errorf("%w %q: holds '/' or a control character", ErrKey, key)
	case key == "." || key == "..":
		// A directory could escape them, but HTTP clients and proxies clean
		// them out of addresses.
		return fmt.Errorf("%w %q: reserved", ErrKey, key)
	}
	return nil
}

func checkRange(rng Range) error {
	if rng.Offset < 0 || rng.Length < 0 || rng.Offset > math.MaxInt64-rng.Length {
		return fmt.Errorf("bucket: range of %d bytes from %d, want neither negative nor past 2^63", rng.Length, rng.Offset)
	}
	return nil
}
