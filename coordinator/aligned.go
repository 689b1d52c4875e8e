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

// alignmentKept returns the note about a song, an empty one where there is none.
func (c *Coordinator) alignmentKept(ctx context.Context, cast cast) (note alignmentNote) {
	backing := cast.usable[cast.backing]
	text, _, err := c.read(ctx, definition.BucketConverted, definition.AlignmentKey(backing.Song, backing.Part))
	if err != nil {
		if !errors.Is(err, bucket.ErrNotFound) {
			c.log.Warn("kept alignment cannot be read, measured again", "song", backing.Song.Song, "error", err)
		}
		return note
	}
	if json.Unmarshal(text, &note) != nil {
		return alignmentNote{}
	}
	return note
}

// of returns where the usable parts belong, in their order, if the note was made
// from the very same; nil otherwise.
func (note alignmentNote) of(cast cast, from string) []store.Alignment {
	if note.From != from || len(note.Found) != len(cast.usable) {
		return nil
	}
	for i, p := range cast.usable {
		if note.Found[i].Part != p.Part || note.Found[i].ETag != p.Raw.ETag {
			return nil
		}
	}
	return note.Found
}

// previous tells cast where the note has the recordings that it knows, so that
// they need not move.
func (note alignmentNote) previous(cast *cast) {
	for i, p := range cast.usable {
		for _, a := range note.Found {
			if a.Part == p.Part && a.ETag == p.Raw.ETag {
				cast.usable[i].Alignment, cast.usable[i].Aligned = a, true
			}
		}
	}
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
