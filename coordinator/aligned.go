package coordinator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// alignmentNote is what the coordinator leaves beside the features: from what the
// parts were placed, and where. A coordinator with a fresh database over kept
// buckets (each run of the one-machine command is one) then measures nothing again.
type alignmentNote struct {
	From  string            `json:"from"` // alignedFrom
	Found []store.Alignment `json:"found"`
}

// recallAlignment returns where the usable parts belong, in their order, if a note
// was made from the very same; nil otherwise.
func (c *Coordinator) recallAlignment(ctx context.Context, cast cast, from string) []store.Alignment {
	backing := cast.usable[cast.backing]
	text, _, err := c.read(ctx, definition.BucketConverted, definition.AlignmentKey(backing.Song, backing.Part))
	if err != nil {
		if !errors.Is(err, bucket.ErrNotFound) {
			c.log.Warn("kept alignment cannot be read, measured again", "song", backing.Song.Song, "error", err)
		}
		return nil
	}
	var note alignmentNote
	if json.Unmarshal(text, &note) != nil || note.From != from || len(note.Found) != len(cast.usable) {
		return nil
	}
	for i, p := range cast.usable {
		if note.Found[i].Part != p.Part || note.Found[i].ETag != p.Raw.ETag {
			return nil
		}
	}
	return note.Found
}

// rememberAlignment leaves the note. Without it the parts would only be measured
// again, so that an error is no reason to fail.
func (c *Coordinator) rememberAlignment(ctx context.Context, cast cast, from string, found []store.Alignment) {
	backing := cast.usable[cast.backing]
	text, err := json.Marshal(alignmentNote{From: from, Found: found})
	if err == nil {
		_, err = c.cfg.Buckets[definition.BucketConverted].Put(ctx, definition.AlignmentKey(backing.Song, backing.Part),
			bytes.NewReader(text), bucket.PutOptions{ContentType: "application/json"})
	}
	if err != nil && ctx.Err() == nil {
		c.log.Warn("alignment is not kept", "song", backing.Song.Song, "error", err)
	}
}
