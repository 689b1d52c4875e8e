package node

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// memoSuffix is appended to an object's key for the note beside it.
const memoSuffix = ".json"

// memo is the note a node leaves beside what it made: which assignment it was
// and what came of it. A node that is given the same assignment again, by a
// coordinator that does not know (a fresh database over kept buckets), answers
// from it.
type memo struct {
	Key    string          `json:"key"`
	Result json.RawMessage `json:"result"`
}

// target is the object that stands for an assignment's result; of an ingest, whose
// objects are named by what they hold, only the note has this name.
func target(a plan.Assignment) plan.Ref {
	if a.Ingest != nil {
		return plan.Ref{Bucket: definition.BucketConverted, Key: definition.IngestKey(a.Song, a.Ingest.Part, a.Key)}
	}
	return a.Out()
}

// recall returns the result of an assignment whose object is still there, nil
// where there is none.
func recall(ctx context.Context, b bucket.Buckets, a plan.Assignment) json.RawMessage {
	ref := target(a)
	bk, err := at(b, ref)
	if err != nil {
		return nil
	}
	r, _, err := bk.Get(ctx, ref.Key+memoSuffix, bucket.Range{})
	if err != nil {
		return nil
	}
	defer r.Close()
	var m memo
	if json.NewDecoder(r).Decode(&m) != nil || m.Key != a.Key {
		return nil
	}
	if a.Ingest != nil {
		if !converted(ctx, bk, a, m.Result) {
			return nil
		}
	} else if _, err := bk.Stat(ctx, ref.Key); err != nil {
		return nil
	}
	return m.Result
}

// converted tells whether the objects of an ingest's result are there, and the
// features such that this program can use them.
func converted(ctx context.Context, bk bucket.Bucket, a plan.Assignment, result json.RawMessage) bool {
	var r plan.IngestResult
	if json.Unmarshal(result, &r) != nil {
		return false
	}
	info, err := bk.Stat(ctx, definition.ConvertedKey(a.Song, a.Ingest.Part, r.SHA256))
	if err != nil || info.Size != r.Bytes {
		return false
	}
	if !r.Features {
		return true
	}
	body, _, err := bk.Get(ctx, definition.FeaturesKey(a.Song, a.Ingest.Part, r.SHA256), bucket.Range{})
	if err != nil {
		return false
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	return err == nil && new(align.Features).UnmarshalBinary(b) == nil
}

// remember leaves the note. Without it the work would only be done again, so
// that an error is the caller's to log, not to fail by.
func remember(ctx context.Context, b bucket.Buckets, a plan.Assignment, result json.RawMessage) error {
	ref := target(a)
	bk, err := at(b, ref)
	if err != nil {
		return err
	}
	note, err := json.Marshal(memo{Key: a.Key, Result: result})
	if err != nil {
		return err
	}
	_, err = bk.Put(ctx, ref.Key+memoSuffix, bytes.NewReader(note), bucket.PutOptions{ContentType: "application/json"})
	return err
}
