package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// plan turns a definition into tasks.
func (c *Coordinator) plan(ctx context.Context, r store.Render) error {
	began := time.Now()
	def, notes, err := definition.Read(r.Definition)
	if err != nil {
		return permanent{fmt.Errorf("definition %q: %w", r.Key, err)}
	}
	if def.Ref() != r.Song {
		return permanent{fmt.Errorf("definition %q: is of choir %q, song %q, which its name does not say", r.Key, def.ChoirID, def.SongID)}
	}
	p, warnings, err := c.makePlan(ctx, r, def)
	var none *plan.NoPartsError
	if errors.As(err, &none) {
		return permanent{err}
	} else if err != nil {
		return err
	}
	for _, n := range notes {
		warnings = append(warnings, plan.PartWarning{Text: "definition: " + n})
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	tasks := planTasks(p, c.cfg.Abreast)
	asked(ctx, tasks)
	if err := c.redoLost(ctx, r.Song, tasks); err != nil {
		return err
	}
	if err := c.store.PlanRender(ctx, r.Claim(), store.Planned{Plan: text, Tasks: tasks, Warnings: append(p.Warnings, warnings...)}); err != nil {
		return err
	}
	c.metrics.stage(store.StagePlan, time.Since(began))
	counts, err := c.store.Counts(ctx, r.Run)
	if err != nil {
		c.logOf(r).Warn("counting what is done already", "error", err)
	}
	for _, n := range counts {
		if n.State == store.TaskDone {
			c.metrics.reused.Add(float64(n.Tasks))
		}
	}
	return nil
}

// makePlan is plan.New with what the store and the buckets know. It fails with
// errWait while a part is still being ingested. The warnings are of what the
// definition does not mention.
func (c *Coordinator) makePlan(ctx context.Context, r store.Render, def *definition.Definition) (*plan.Plan, []plan.PartWarning, error) {
	parts, err := c.store.Parts(ctx, r.Song)
	if err != nil {
		return nil, nil, err
	}
	o := plan.Options{
		Name: r.Name, Run: r.Run, Parts: map[definition.PartID]plan.Part{},
		Segment: c.cfg.Segment, Encoder: c.cfg.Encoder,
	}
	if err := c.findRecordings(ctx, r.Song, def, parts); err != nil {
		return nil, nil, err
	}
	var warnings []plan.PartWarning
	for _, p := range parts {
		if def.Input(p.Part) == nil {
			if reason := p.Error + p.Dropped; reason != "" {
				warnings = append(warnings, plan.PartWarning{Part: p.Part, Text: "dropped: " + reason})
			}
			continue
		}
		if p.State == store.PartIngesting {
			return nil, nil, fmt.Errorf("part %q: %w", p.Part, errWait)
		}
		if known, ok := planPart(p); ok {
			o.Parts[p.Part] = known
		}
		for _, w := range status.Warnings(p) {
			warnings = append(warnings, plan.PartWarning{Part: p.Part, Text: w})
		}
	}
	if err := c.redoGone(ctx, parts, o.Parts); err != nil {
		return nil, nil, err
	}
	cast := c.sortOut(r.Song, parts)
	warnings = append(warnings, cast.warnings...)
	if len(cast.usable) > 0 {
		o.Backing = cast.usable[cast.backing].Part
	}
	o.Gains = gains(cast)
	if o.Watermark, err = c.image(ctx, c.logOf(r), "watermark", def.Output.Watermark.Or("")); err != nil {
		return nil, nil, err
	}
	if o.BackgroundImage, err = c.image(ctx, c.logOf(r), "background image", def.Output.BackgroundImage.Or("")); err != nil {
		return nil, nil, err
	}
	p, err := plan.New(def, o)
	if err != nil && !errors.As(err, new(*plan.NoPartsError)) {
		err = permanent{err}
	}
	return p, warnings, err
}

// Plan returns what a definition comes to with what is known of its parts, as a
// render of it would have it, without asking for one. It fails while a part is
// being ingested.
func (c *Coordinator) Plan(ctx context.Context, def *definition.Definition) (*plan.Plan, []plan.PartWarning, error) {
	p, warnings, err := c.makePlan(ctx, store.Render{Song: def.Ref()}, def)
	if errors.Is(err, errWait) {
		err = fmt.Errorf("not ready: %w", err)
	}
	return p, warnings, err
}

// planPart is what a plan wants to know of a part; false when there is no recording.
func planPart(p store.Part) (plan.Part, bool) {
	switch {
	case p.State == store.PartFailed:
		return plan.Part{Rejected: p.Error}, true
	case p.Dropped != "":
		return plan.Part{Rejected: p.Dropped}, true
	case p.State == store.PartReady:
		return plan.Part{
			Facts: p.Ingest.Facts, SHA256: p.Ingest.SHA256,
			Rests: p.Ingest.Rests, GateDB: mix.GateThreshold(p.Ingest.Level),
			Converted: plan.Ref{Bucket: definition.BucketConverted, Key: definition.ConvertedKey(p.Song, p.Part, p.Ingest.SHA256)},
		}, true
	}
	return plan.Part{}, false
}

// gains is the automatic balance of a song.
func gains(cast cast) map[definition.PartID]float64 {
	parts := make([]mix.BalancePart, len(cast.usable))
	for i, p := range cast.usable {
		d := cast.docs[i]
		// Volume is the definition's; here it only says who is not heard at all.
		volume := 1.0
		if d.Volume.Or(1) == 0 {
			volume = 0
		}
		parts[i] = mix.BalancePart{Level: p.Ingest.Level, Section: d.PartName, Volume: volume, Backing: i == cast.backing}
	}
	out := map[definition.PartID]float64{}
	for i, g := range mix.Balance(parts) {
		out[cast.usable[i].Part] = g
	}
	return out
}

// planTasks is what a plan asks nodes to do, so many stripes at a time. A task with
// one part blames it.
func planTasks(p *plan.Plan, abreast int) []store.NewTask {
	var out []store.NewTask
	for _, a := range p.Assignments(abreast) {
		n := store.NewTask{Assignment: a}
		switch {
		case a.Picture != nil:
			n.Stripe, n.Segment = a.Picture.Stripe, a.Picture.Segment.Index
			if len(a.Picture.Tiles) == 1 {
				n.Part = a.Picture.Tiles[0].Part
			}
		case a.Sound != nil:
			n.Stripe = a.Sound.Stripe
			if len(a.Sound.Voices) == 1 {
				n.Part = a.Sound.Voices[0].Part
			}
		}
		out = append(out, n)
	}
	return out
}
