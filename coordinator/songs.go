package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

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
	if errors.As(err, new(permanent)) {
		c.log.Warn("the song cannot be defined", "song", id.Song, "error", err)
		return c.store.SongPlanned(ctx, claim, err.Error())
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
