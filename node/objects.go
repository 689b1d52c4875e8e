package node

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"io"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
)

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
		return nil, fmt.Errorf("%s/%s: %w", r.Bucket, r.Key, err)
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
	if werr != nil {
		return info, werr
	}
	if err != nil {
		return info, fmt.Errorf("%s/%s: %w", r.Bucket, r.Key, err)
	}
	return info, nil
}

func readPNG(ctx context.Context, b bucket.Buckets, r plan.Ref) (image.Image, error) {
	src, err := openRef(ctx, b, r)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return png.Decode(src)
}
