package node

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // for image.Decode
	_ "image/png"
	"io"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
)

// transferError is trouble with an object store: not the assignment's fault and
// not its part's. The assignment is handed back to be tried later.
type transferError struct {
	role string // of the bucket
	err  error
}

func (e *transferError) Error() string { return e.err.Error() }
func (e *transferError) Unwrap() error { return e.err }

// ofObject tells whether an error of a bucket is about the object that was named and
// not about the store: it will not pass.
func ofObject(err error) bool {
	return errors.Is(err, bucket.ErrNotFound) || errors.Is(err, bucket.ErrExists) || errors.Is(err, bucket.ErrKey)
}

// transfer marks an error of a bucket as trouble that passes, unless it is of the object.
func transfer(ref plan.Ref, err error) error {
	err = fmt.Errorf("%s/%s: %w", ref.Bucket, ref.Key, err)
	if ofObject(err) {
		return err
	}
	return &transferError{ref.Bucket, err}
}

// at returns the bucket a reference names.
func at(b bucket.Buckets, r plan.Ref) (bucket.Bucket, error) {
	bk, ok := b[r.Bucket]
	if !ok {
		return nil, fmt.Errorf("bucket %q is not configured", r.Bucket)
	}
	return bk, nil
}

// openRef opens an object for reading with seeks. The caller closes it.
func openRef(ctx context.Context, b bucket.Buckets, r plan.Ref) (io.ReadSeekCloser, error) {
	bk, err := at(b, r)
	if err != nil {
		return nil, err
	}
	src, _, err := bucket.Open(ctx, bk, r.Key)
	if err != nil {
		return nil, transfer(r, err)
	}
	if s, ok := bk.(*supplied); ok {
		return &suppliedFile{ReadSeekCloser: src, ctx: ctx, bucket: s, key: r.Key}, nil
	}
	return src, nil
}

// putStream stores what write writes under r. Nothing is visible there until
// write has returned nil, and nothing stays behind when it fails.
func putStream(ctx context.Context, b bucket.Buckets, r plan.Ref, write func(io.Writer) error) (bucket.Info, error) {
	bk, err := at(b, r)
	if err != nil {
		return bucket.Info{}, err
	}
	pr, pw := io.Pipe()
	done := make(chan struct{})
	var werr error
	go func() {
		defer close(done)
		werr = write(pw)
		pw.CloseWithError(werr) // nil is io.EOF: the object is complete
	}()
	info, err := bk.Put(ctx, r.Key, pr, bucket.PutOptions{})
	pr.CloseWithError(err)
	<-done
	switch {
	case err != nil && (werr == nil || errors.Is(werr, err)):
		return info, transfer(r, err) // the bucket failed, and the writer by it
	case werr != nil:
		return info, werr
	}
	return info, nil
}

// readImage reads a PNG or a JPEG.
func readImage(ctx context.Context, b bucket.Buckets, r plan.Ref) (image.Image, error) {
	src, err := openRef(ctx, b, r)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	img, _, err := image.Decode(src)
	return img, err
}
