package coordinator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
)

const (
	// snapshotPictures is how many pictures of the final are looked at for its snapshot.
	snapshotPictures = 7
	snapshotQuality  = 90 // JPEG
	// snapshotNoteSuffix is appended to a snapshot's key for the note beside it.
	snapshotNoteSuffix = ".json"
)

// snapshotNote says what pictures a snapshot is of. Another gain makes another
// final with the same pictures, whose snapshot need not be looked for again.
type snapshotNote struct {
	From string `json:"from"` // picturesHash
	ETag string `json:"etag"` // of the snapshot
}

// picturesHash is the hash of all pictures of the final: cells are named by what
// shapes them.
func (f *finisher) picturesHash() string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d pictures, quality %d, rate %v\n", snapshotPictures, snapshotQuality, f.plan.Rate)
	for i, s := range f.plan.Segments {
		fmt.Fprintln(hash, s.Count)
		for _, ref := range f.cells(i) {
			fmt.Fprintln(hash, ref.Key)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// snapshot puts the best picture of the final into the snapshots bucket.
func (f *finisher) snapshot(ctx context.Context, movie io.ReadSeeker) error {
	key, bk := definition.SnapshotKey(f.out.Final), f.c.cfg.Buckets[definition.BucketSnapshots]
	from := f.picturesHash()
	var note snapshotNote
	if text, _, err := f.c.read(ctx, definition.BucketSnapshots, key+snapshotNoteSuffix); err == nil &&
		json.Unmarshal(text, &note) == nil && note.From == from {
		if info, err := bk.Stat(ctx, key); err == nil && info.ETag == note.ETag {
			f.out.Snapshot = key
			return nil
		}
	}
	if _, err := movie.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, frame, err := decode.Survey(ctx, movie, snapshotPictures)
	if err == nil && frame == nil {
		err = decode.ErrNoVideo
	}
	if err != nil {
		return err
	}
	var jpeg bytes.Buffer
	if err := encode.JPEG(&jpeg, frame, snapshotQuality); err != nil {
		return err
	}
	info, err := bk.Put(ctx, key, &jpeg, bucket.PutOptions{ContentType: "image/jpeg"})
	if err != nil {
		return fmt.Errorf("%s/%s: %w", definition.BucketSnapshots, key, err)
	}
	f.out.Snapshot = key
	text, err := json.Marshal(snapshotNote{From: from, ETag: info.ETag})
	if err == nil {
		_, err = bk.Put(ctx, key+snapshotNoteSuffix, bytes.NewReader(text), bucket.PutOptions{ContentType: "application/json"})
	}
	if err != nil { // it would only be looked for again
		f.c.logOf(f.render).Warn("what the snapshot is of is not kept", "key", key, "error", err)
	}
	return nil
}
