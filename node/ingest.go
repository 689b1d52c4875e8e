package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

const (
	// snapshotCandidates is how many pictures compete to be the snapshot.
	snapshotCandidates = 5
	snapshotQuality    = 85 // JPEG
)

// Ingester reads uploaded parts once and puts them into the common format.
// Safe for concurrent use.
type Ingester struct {
	Buckets bucket.Buckets
	// Scratch is a folder for temporary files; "" is the system's.
	Scratch string
	// Threads is how many threads codecs may use; 0 means 1.
	Threads int
	// NoSnapshots spares the snapshots: nobody looks at them.
	NoSnapshots bool
}

// Run does one ingest: facts, converted file, level, features, snapshot. The
// objects are stored only when all of it has worked, the converted one last. A
// recording that can never be used is a *decode.RejectError. progress is told
// percentages from the calling goroutine; it may be nil.
//
// The facts are of the recording, on the time line of the converted file, with
// the recording's own rotation; a person's correction turns only the snapshot.
func (in *Ingester) Run(ctx context.Context, a plan.Assignment, progress func(percent float64)) (plan.IngestResult, error) {
	if progress == nil {
		progress = func(float64) {}
	}
	w := a.Ingest
	raw, etag, err := in.open(ctx, w.Raw)
	if err != nil {
		return plan.IngestResult{}, err
	}
	defer raw.Close()
	ins, err := decode.Inspect(ctx, raw)
	if err != nil {
		return plan.IngestResult{}, err
	}
	progress(5)
	out, err := createOutput(ctx, in.Buckets[definition.BucketConverted], in.Scratch)
	if err != nil {
		return plan.IngestResult{}, err
	}
	defer out.close()

	c := &conversion{ctx: ctx, raw: raw, facts: ins.Facts, threads: in.Threads, pictured: snapshotCandidates, progress: progress}
	c.pcm = out.stays != nil // its bytes are not moved
	if in.NoSnapshots {
		c.pictured = 1 // that one can be decoded is checked all the same
	}
	reencode := ins.Reencode
	again, err := c.make(out.File, reencode != "")
	if err == nil && again != "" {
		reencode = again
		_, err = c.make(out.File, true)
	}
	if err != nil {
		return plan.IngestResult{}, err
	}
	res := c.result(reencode)
	res.ETag = etag
	if err := in.store(ctx, a, out, c, &res); err != nil {
		return plan.IngestResult{}, err
	}
	progress(100)
	return res, nil
}

// recording is a raw object that can be read in several places at once.
type recording interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// open returns the raw object and its ETag: as it is where the bucket has files,
// spooled to scratch where it has not, since it is read from end to end more than once.
func (in *Ingester) open(ctx context.Context, r plan.Ref) (_ recording, etag string, _ error) {
	b, err := at(in.Buckets, r)
	if err != nil {
		return nil, "", err
	}
	body, info, err := b.Get(ctx, r.Key, bucket.Range{})
	if err != nil {
		return nil, "", fmt.Errorf("%s/%s: %w", r.Bucket, r.Key, err)
	}
	if f, ok := body.(recording); ok {
		return f, info.ETag, nil
	}
	defer body.Close()
	tmp, err := os.CreateTemp(in.Scratch, "raw-*")
	if err != nil {
		return nil, "", err
	}
	os.Remove(tmp.Name()) // gone when closed
	if _, err := io.Copy(tmp, body); err != nil {
		tmp.Close()
		return nil, "", fmt.Errorf("%s/%s: %w", r.Bucket, r.Key, err)
	}
	return tmp, info.ETag, nil
}

// store writes the objects. The converted part and its features are named by the
// hash of the former: an older recording that is read too late replaces nothing.
func (in *Ingester) store(ctx context.Context, a plan.Assignment, out output, c *conversion, res *plan.IngestResult) error {
	b, err := at(in.Buckets, plan.Ref{Bucket: definition.BucketConverted})
	if err != nil {
		return err
	}
	stored := func(key string, err error) error {
		if err != nil && !errors.Is(err, bucket.ErrExists) {
			return fmt.Errorf("%s/%s: %w", definition.BucketConverted, key, err)
		}
		return nil
	}
	hash := sha256.New()
	if err := rewind(out); err != nil {
		return err
	}
	size, err := io.Copy(hash, out)
	if err != nil {
		return err
	}
	res.Bytes, res.SHA256 = size, hex.EncodeToString(hash.Sum(nil))
	if err := in.storeSnapshot(ctx, a.Ingest, c.best, res); err != nil {
		return err
	}
	if c.features != nil {
		key := definition.FeaturesKey(a.Song, a.Ingest.Part, res.SHA256)
		_, err := b.Put(ctx, key, bytes.NewReader(c.features), bucket.PutOptions{ContentType: "application/octet-stream"})
		if err := stored(key, err); err != nil {
			return err
		}
	}
	key := definition.ConvertedKey(a.Song, a.Ingest.Part, res.SHA256)
	return stored(key, out.put(ctx, b, key, bucket.PutOptions{ContentType: "video/x-matroska", IfNotExist: true}))
}

// storeSnapshot writes the best picture, which is named by the recording's key: that
// of a recording that has been replaced meanwhile is left to who reads the new one. It
// replaces only the snapshot that was there before the recording was found to be the
// newest: one that is put later may be of a newer one.
func (in *Ingester) storeSnapshot(ctx context.Context, w *plan.Ingest, best *media.Frame, res *plan.IngestResult) error {
	if best == nil || in.NoSnapshots {
		return nil
	}
	best.Rotation = ((best.Rotation+w.Rotate)%360 + 360) % 360
	var jpeg bytes.Buffer
	if err := encode.JPEG(&jpeg, best, snapshotQuality); err != nil {
		return err
	}
	res.Snapshot = true
	raw, err := at(in.Buckets, w.Raw)
	if err != nil {
		return err
	}
	snapshots, err := at(in.Buckets, w.Snapshot)
	if err != nil {
		return err
	}
	for {
		o := bucket.PutOptions{ContentType: "image/jpeg"}
		was, err := snapshots.Stat(ctx, w.Snapshot.Key)
		switch {
		case err == nil:
			o.IfMatch = was.ETag
		case errors.Is(err, bucket.ErrNotFound):
			o.IfNotExist = true
		default:
			return fmt.Errorf("%s/%s: %w", w.Snapshot.Bucket, w.Snapshot.Key, err)
		}
		if info, err := raw.Stat(ctx, w.Raw.Key); err == nil && info.ETag != res.ETag {
			return nil
		}
		_, err = snapshots.Put(ctx, w.Snapshot.Key, bytes.NewReader(jpeg.Bytes()), o)
		if errors.Is(err, bucket.ErrChanged) || errors.Is(err, bucket.ErrExists) {
			continue // somebody else was faster; whose is it?
		} else if err != nil {
			return fmt.Errorf("%s/%s: %w", w.Snapshot.Bucket, w.Snapshot.Key, err)
		}
		return nil
	}
}
