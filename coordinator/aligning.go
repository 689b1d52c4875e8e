package coordinator

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// settings is the song document: what SongFile says beside its parts.
type settings struct {
	Output definition.Output        `json:"output"`
	Layout definition.LayoutOptions `json:"layout"`
}

// cast is the parts of a song, sorted out.
type cast struct {
	usable   []store.Part      // ready and not dropped, by id
	docs     []definition.Part // of usable
	backing  int               // index into usable
	rejected []plan.SongPart   // the others that have a recording
	warnings []plan.PartWarning
}

// songStep aligns and defines a song that changed, if there is one.
func (c *Coordinator) songStep(ctx context.Context) (bool, error) {
	claim, err := c.store.ClaimSong(ctx, c.cfg.Name, c.cfg.Claim)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	log := c.log.With("song", claim.Song.Song.Song)
	err = c.holding(ctx, func(ctx context.Context, lease time.Duration) error {
		return c.store.ExtendSong(ctx, claim, lease)
	}, func(ctx context.Context) error {
		began := time.Now()
		err := c.traced(ctx, claim.Song.Song, "align", nil, func(ctx context.Context) error {
			return c.planSong(ctx, claim)
		})
		if err == nil {
			c.metrics.stage(store.StageAlign, time.Since(began))
		}
		return err
	})
	if err == nil || errors.Is(err, store.ErrLost) {
		return true, nil
	}
	delay := c.cfg.Backoff
	switch {
	case ctx.Err() != nil:
		delay = 0
	case errors.Is(err, errWait):
		delay = waitPause
	default:
		log.Error("aligning and defining the song, tried again", "error", err)
	}
	settle, cancel := toTheEnd(ctx)
	defer cancel()
	if err := c.store.ReleaseSong(settle, claim, delay); err != nil && !errors.Is(err, store.ErrLost) {
		return true, err
	}
	return true, nil
}

// planSong finds where the parts belong and writes the automatic definition.
func (c *Coordinator) planSong(ctx context.Context, claim store.SongClaim) error {
	id := claim.Song.Song
	parts, err := c.store.Parts(ctx, id)
	if err != nil {
		return err
	}
	cast := c.sortOut(id, parts)
	if len(cast.usable) == 0 && len(cast.rejected) == 0 {
		return c.store.SongPlanned(ctx, claim, "") // nothing has been uploaded
	}
	if err := c.alignSong(ctx, claim, &cast); err != nil {
		return err
	}
	if !claim.Auto {
		return c.store.SongPlanned(ctx, claim, "")
	}
	def, err := c.autoDefinition(ctx, claim, cast)
	var none *plan.NoPartsError
	if errors.As(err, &none) {
		return c.store.SongPlanned(ctx, claim, none.Error())
	}
	if err != nil {
		return err
	}
	if err := c.publish(ctx, id, def); err != nil {
		return err
	}
	return c.store.SongPlanned(ctx, claim, "")
}

// sortOut divides the parts into those to be used and those to be named as left out.
func (c *Coordinator) sortOut(id definition.Song, parts []store.Part) cast {
	var out cast
	file := definition.SongFile{Song: id}
	var ids []definition.PartID
	for _, p := range parts {
		doc := c.document(p)
		switch {
		case p.State == store.PartReady && p.Dropped == "":
			out.usable = append(out.usable, p)
			ids = append(ids, p.Part)
			file.Parts = append(file.Parts, doc)
		case p.State == store.PartReady:
			out.rejected = append(out.rejected, plan.SongPart{Doc: doc, Rejected: p.Dropped})
		case p.State == store.PartFailed:
			out.rejected = append(out.rejected, plan.SongPart{Doc: doc, Rejected: p.Error})
		}
	}
	docs, notes := file.Resolve(id, ids)
	out.docs = docs
	for _, n := range notes {
		out.warnings = append(out.warnings, plan.PartWarning{Text: n})
	}
	for i, d := range docs {
		if d.PartType.Or("") == definition.Backing {
			out.backing = i
		}
	}
	return out
}

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
	found, err := c.placeParts(*cast, features, finals > 0 || fresh)
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
		if err := c.store.RedoTask(ctx, p.Song, p.Task); err != nil {
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
func (c *Coordinator) placeParts(cast cast, features []*align.Features, keep bool) ([]store.Alignment, error) {
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
	results, err := align.Choir(cast.backing, features, locked, o)
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

// autoDefinition makes the definition of a song from its parts.
func (c *Coordinator) autoDefinition(ctx context.Context, claim store.SongClaim, cast cast) (*definition.Definition, error) {
	var set settings
	if len(claim.Settings) > 0 {
		if err := json.Unmarshal(claim.Settings, &set); err != nil {
			return nil, fmt.Errorf("song settings: %w", err)
		}
	}
	parts := append([]plan.SongPart(nil), cast.rejected...)
	for i, p := range cast.usable {
		parts = append(parts, plan.SongPart{
			Doc: cast.docs[i], Facts: &cast.usable[i].Ingest.Facts,
			Offset: p.Alignment.MediaOffset(), DriftPPM: p.Alignment.DriftPPM,
		})
	}
	o := plan.AutoOptions{Output: set.Output.Or(c.cfg.Output), Layout: set.Layout}
	if o.Layout == (definition.LayoutOptions{}) {
		o.Layout = c.cfg.Layout
	}
	last, err := c.store.LatestRender(ctx, claim.Song.Song, definition.AutoName)
	if err == nil {
		o.Previous, _, err = definition.Read(last.Definition)
		if err != nil {
			c.log.Warn("the definition before cannot be read", "run", last.Run, "song", last.Song.Song, "error", err)
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	def, _, err := plan.FromSong(claim.Song.Song, parts, o) // its warnings come again when it is planned
	return def, err
}

// publish puts the automatic definition into its bucket, if it changed, and has
// it rendered, if it or what it stands for changed.
func (c *Coordinator) publish(ctx context.Context, id definition.Song, def *definition.Definition) error {
	text, err := definition.Marshal(def)
	if err != nil {
		return err
	}
	key := definition.NameKey{Song: id, Name: definition.AutoName}.DefinitionKey()
	there, info, err := c.read(ctx, definition.BucketDefinition, key)
	if err != nil && !errors.Is(err, bucket.ErrNotFound) {
		return err
	}
	if err != nil || !bytes.Equal(there, text) {
		info, err = c.cfg.Buckets[definition.BucketDefinition].Put(ctx, key, bytes.NewReader(text),
			bucket.PutOptions{ContentType: "application/json"})
		if err != nil {
			return fmt.Errorf("%s/%s: %w", definition.BucketDefinition, key, err)
		}
	}
	n := store.NewRender{Run: randomID(8), Song: id, Name: definition.AutoName, Key: key, ETag: info.ETag, Definition: text}
	if n.Force, err = c.outdated(ctx, id, info.ETag, def); err != nil {
		return err
	}
	r, fresh, err := c.store.AddRender(ctx, n)
	if fresh {
		c.log.Info("definition", "run", r.Run, "song", id.Song, "key", key)
	}
	return err
}

// outdated reports whether the newest render of the same definition would come
// out differently now: the definition does not say which recordings it was made
// from, nor how loud they are.
func (c *Coordinator) outdated(ctx context.Context, id definition.Song, etag string, def *definition.Definition) (bool, error) {
	last, err := c.store.LatestRender(ctx, id, definition.AutoName)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	switch {
	case last.ETag != etag || last.State == store.Queued:
		return false, nil // it is another one, or will be planned from what is there now
	case last.State == store.Failed || last.State == store.Cancelled:
		return true, nil
	}
	now, _, err := c.makePlan(ctx, last, def)
	if errors.As(err, new(permanent)) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	text, err := json.Marshal(now)
	return err == nil && !bytes.Equal(text, last.Plan), err
}

// read returns a small object.
func (c *Coordinator) read(ctx context.Context, role, key string) ([]byte, bucket.Info, error) {
	r, info, err := c.cfg.Buckets[role].Get(ctx, key, bucket.Range{})
	if err != nil {
		return nil, info, fmt.Errorf("%s/%s: %w", role, key, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, info, fmt.Errorf("%s/%s: %w", role, key, err)
	}
	return b, info, nil
}
