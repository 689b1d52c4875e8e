package coordinator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/store"
)

// alignSong measures where the parts belong, unless nothing changed that could
// change it.
func (c *Coordinator) alignSong(ctx context.Context, claim store.SongClaim, cast *cast) error {
	if len(cast.usable) == 0 {
		return nil
	}
	from := alignedFrom(*cast, c.cfg.Align)
	known := from == claim.Aligned
	for _, p := range cast.usable {
		known = known && p.Aligned
	}
	if known {
		return nil
	}
	note := c.alignmentKept(ctx, *cast)
	if found := note.of(*cast, from); found != nil {
		return c.saveAlignment(ctx, claim, cast, from, found)
	}
	features, err := c.allFeatures(ctx, cast.usable)
	if err != nil {
		return err
	}
	// What has been heard stays where it was, if it can. Before there is a final the
	// places must not depend on which part came first.
	finals, err := c.finals(ctx, claim.Song.Song)
	if err != nil {
		return err
	}
	// A database that has placed nothing yet, over a note: there was a final before it.
	fresh := claim.Aligned == "" && len(note.Found) > 0
	if fresh {
		note.previous(cast)
	}
	found, err := c.placeParts(ctx, *cast, features, finals > 0 || fresh)
	if err != nil {
		return err
	}
	if err := c.saveAlignment(ctx, claim, cast, from, found); err != nil {
		return err
	}
	c.rememberAlignment(ctx, *cast, from, found)
	return nil
}

// saveAlignment stores where the parts belong, and tells cast.
func (c *Coordinator) saveAlignment(ctx context.Context, claim store.SongClaim, cast *cast, from string, found []store.Alignment) error {
	if err := c.store.SaveAlignment(ctx, claim, from, found); err != nil {
		return err
	}
	for i := range cast.usable {
		cast.usable[i].Alignment, cast.usable[i].Aligned = found[i], true
	}
	return nil
}

// alignedFrom is the hash of all that shapes the alignment.
func alignedFrom(cast cast, o align.Options) string {
	type one struct {
		Part     definition.PartID
		ETag     string
		Locked   bool
		Offset   float64
		Drift    float64
		Features bool
	}
	all := struct {
		Version   int
		Reach     time.Duration
		Threshold float64
		Backing   definition.PartID
		Parts     []one
	}{Version: align.Version, Reach: o.Reach, Threshold: o.Threshold, Backing: cast.usable[cast.backing].Part}
	for i, p := range cast.usable {
		d := cast.docs[i]
		all.Parts = append(all.Parts, one{p.Part, p.Raw.ETag, d.OffsetLocked, d.FallbackOffset(), d.DriftPPM.Or(0), p.Ingest.Features})
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic("coordinator: internal error: " + err.Error()) // numbers and strings only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// allFeatures returns the features of the parts, nil for those without usable
// sound. errWait when some have to be made again first: they were swept away, or
// an older version of this program made them.
func (c *Coordinator) allFeatures(ctx context.Context, parts []store.Part) ([]*align.Features, error) {
	out := make([]*align.Features, len(parts))
	again := false
	for i, p := range parts {
		if !p.Ingest.Features {
			continue
		}
		f, err := c.features(ctx, p)
		switch {
		case err == nil:
			out[i] = f
			continue
		case !errors.Is(err, bucket.ErrNotFound) && !errors.Is(err, align.ErrStale):
			return nil, fmt.Errorf("part %q: %w", p.Part, err)
		}
		again = true
		c.log.Info("the recording is read again", "song", p.Song.Song, "part", p.Part, "reason", err)
		if err := c.store.RedoTasks(ctx, p.Song, p.Task); err != nil {
			return nil, err
		}
	}
	if again {
		return nil, errWait // a part asks for the song again when it is ready
	}
	return out, nil
}

func (c *Coordinator) features(ctx context.Context, p store.Part) (*align.Features, error) {
	b, _, err := c.read(ctx, definition.BucketConverted, definition.FeaturesKey(p.Song, p.Part, p.Ingest.SHA256))
	if err != nil {
		return nil, err
	}
	f := &align.Features{}
	if err := f.UnmarshalBinary(b); err != nil {
		return nil, err
	}
	return f, nil
}

// finals returns how many of the song's newest renders have a final.
func (c *Coordinator) finals(ctx context.Context, id definition.Song) (int, error) {
	renders, err := c.store.Renders(ctx, id, recentFinals)
	n := 0
	for _, r := range renders {
		if r.State == store.Finished {
			n++
		}
	}
	return n, err
}

// placeParts asks the aligner. What a person locked wins, and what cannot be
// trusted gets the offset of its document and is marked for review. With keep, parts
// that would move by next to nothing stay where they were.
func (c *Coordinator) placeParts(ctx context.Context, cast cast, features []*align.Features, keep bool) ([]store.Alignment, error) {
	o := c.cfg.Align
	o.Cache = c.measured.of(cast.usable[0].Song)
	o.Previous, o.Fallback = map[int]media.Offset{}, map[int]media.Offset{}
	locked := map[int]media.Offset{}
	for i, p := range cast.usable {
		o.Fallback[i] = media.OffsetMS(cast.docs[i].FallbackOffset())
		if cast.docs[i].OffsetLocked && i != cast.backing {
			locked[i] = o.Fallback[i]
		}
		if keep && p.Aligned && !p.Alignment.NeedsReview && p.Alignment.Method != string(align.MethodLocked) {
			o.Previous[i] = p.Alignment.MediaOffset()
		}
	}
	results, err := align.Choir(ctx, cast.backing, features, locked, o)
	if err != nil {
		return nil, fmt.Errorf("align: %w", err)
	}
	out := make([]store.Alignment, len(results))
	for i, r := range results {
		p := cast.usable[i]
		out[i] = store.Alignment{
			Part: p.Part, ETag: p.Raw.ETag, Offset: int64(r.Offset), Confidence: r.Confidence,
			DriftPPM: cast.docs[i].DriftPPM.Or(r.DriftPPM), Method: string(r.Method), NeedsReview: r.NeedsReview,
		}
		if r.NeedsReview {
			out[i].Reason = cmp.Or(p.Ingest.Unusable, r.Reason)
			for _, k := range r.Candidates[:min(2, len(r.Candidates))] {
				out[i].Candidates = append(out[i].Candidates, store.Candidate{
					OffsetMS: math.Round(k.Offset.MS()*1000) / 1000, Confidence: k.Confidence,
				})
			}
		}
	}
	return out, nil
}
