package node

import (
	"context"
	"os"

	"github.com/choirless/render/bucket"
)

// output is the file that a converted part is written to and read back from.
type output struct {
	*os.File
	stays *bucket.DirFile // the same file, where it can become the object as it is
}

// createOutput makes the output: where it is to stay, if the bucket is a folder, so that
// its bytes are written once, else in the scratch folder. The caller closes it.
func createOutput(ctx context.Context, b bucket.Bucket, scratch string) (output, error) {
	if d, ok := b.(*bucket.Dir); ok {
		f, err := d.Create(ctx)
		if err != nil {
			return output{}, err
		}
		return output{f.File, f}, nil
	}
	f, err := os.CreateTemp(scratch, "converted-*.mkv")
	return output{File: f}, err
}

// put stores the file in the bucket that it was made for.
func (o output) put(ctx context.Context, b bucket.Bucket, key string, options bucket.PutOptions) error {
	if o.stays != nil {
		_, err := o.stays.Keep(ctx, key, options)
		return err
	}
	if err := rewind(o); err != nil {
		return err
	}
	_, err := b.Put(ctx, key, o, options)
	return err
}

// close removes the file, unless it is an object now.
func (o output) close() {
	if o.stays != nil {
		o.stays.Close()
		return
	}
	o.Close()
	os.Remove(o.Name())
}
