package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // for image.DecodeConfig
	_ "image/png"
	"io"
	"log/slog"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// permanent is an error that trying again cannot mend.
type permanent struct{ error }

func (e permanent) Unwrap() error { return e.error }

// errWait says that a step cannot be taken yet.
var errWait = errors.New("coordinator: not yet")

// waitPause is how soon a step that could not be taken is looked at again.
const waitPause = 500 * time.Millisecond

// defined takes note of a definition somebody put into the bucket.
func (c *Coordinator) defined(ctx context.Context, info bucket.Info) error {
	key, err := definition.ParseDefinitionKey(info.Key)
	if err != nil {
		c.log.Info("object ignored", "bucket", definition.BucketDefinition, "error", err)
		return nil
	}
	text, info, err := c.read(ctx, definition.BucketDefinition, info.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	r, fresh, err := c.store.AddRender(ctx, store.NewRender{
		Run: randomID(8), Song: key.Song, Name: key.Name, Key: info.Key, ETag: info.ETag, Definition: text,
	})
	if fresh {
		c.log.Info("definition", "run", r.Run, "song", key.Song.Song, "key", info.Key)
	}
	return err
}

// renderStep takes the next step of a render that waits for one.
func (c *Coordinator) renderStep(ctx context.Context) (bool, error) {
	return c.step(ctx, func(ctx context.Context, r store.Render) error {
		if r.State == store.Checking {
			return c.tracedRender(ctx, "check", r, c.check)
		}
		return c.tracedRender(ctx, "plan", r, c.plan)
	}, store.Queued, store.Checking)
}

// step claims a render in one of the states and takes its step, with everything
// that can go wrong.
func (c *Coordinator) step(ctx context.Context, take func(context.Context, store.Render) error, states ...store.RenderState) (bool, error) {
	r, err := c.store.ClaimRender(ctx, c.cfg.Name, c.cfg.Claim, states...)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	claim := r.Claim()
	log := c.logOf(r)
	log.Debug("step")
	err = c.holding(ctx, func(ctx context.Context, lease time.Duration) error {
		return c.store.ExtendRender(ctx, claim, lease)
	}, func(ctx context.Context) error { return take(ctx, r) })
	settle, cancel := toTheEnd(ctx)
	defer cancel()
	var final permanent
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, store.ErrLost):
		log.Info("claim lost, somebody else decides")
		return true, nil
	case ctx.Err() != nil:
		_, err = c.store.ReleaseRender(settle, claim, 0, "")
	case errors.Is(err, errWait):
		_, err = c.store.ReleaseRender(settle, claim, waitPause, "")
	case errors.As(err, &final):
		err = c.fail(settle, log, claim, err)
	case c.unreachable(settle) != nil:
		delay := min(c.cfg.Backoff<<outageDoublings, time.Minute)
		log.Warn("an object store does not answer, the step is tried again", "error", err, "delay", delay)
		_, err = c.store.ReleaseRender(settle, claim, delay, "")
	case r.Failures+1 >= c.cfg.Steps:
		err = c.fail(settle, log, claim, err)
	default:
		delay := min(c.cfg.Backoff<<min(r.Failures, 10), time.Minute)
		log.Warn("step failed, tried again", "error", err, "delay", delay)
		c.metrics.steps.WithLabelValues(string(r.State)).Inc()
		_, err = c.store.ReleaseRender(settle, claim, delay, err.Error())
	}
	if errors.Is(err, store.ErrLost) {
		err = nil
	}
	return true, err
}

// fail ends a render.
func (c *Coordinator) fail(ctx context.Context, log *slog.Logger, claim store.Claim, err error) error {
	log.Error("render failed", "error", err)
	c.metrics.renders.WithLabelValues("failed").Inc()
	return c.store.FailRender(ctx, claim, err.Error())
}

// outageDoublings of the back-off are between two attempts in an outage.
const outageDoublings = 2

// unreachable is why a bucket does not answer now. A step that fails meanwhile is not
// counted: it would use up all its attempts in an outage of some minutes.
func (c *Coordinator) unreachable(ctx context.Context) error {
	for _, role := range definition.Buckets() {
		if _, err := c.cfg.Buckets[role].Stat(ctx, "reachable"); err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return fmt.Errorf("bucket %q: %w", role, err)
		}
	}
	return nil
}

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
	tasks := planTasks(p)
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
// errWait while a part is still being ingested. The warnings are of parts the
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

// findRecordings looks for recordings that a definition mentions and nobody has
// told us of: its notification may have overtaken theirs.
func (c *Coordinator) findRecordings(ctx context.Context, id definition.Song, def *definition.Definition, parts []store.Part) error {
	known := map[definition.PartID]bool{}
	for _, p := range parts {
		known[p.Part] = p.State != store.PartNew
	}
	found := false
	for i := range def.Inputs {
		part := def.Inputs[i].PartID
		if known[part] {
			continue
		}
		for info, err := range c.cfg.Buckets[definition.BucketRaw].List(ctx, definition.RawKey{Song: id, Part: part}.String()) {
			if err != nil {
				return fmt.Errorf("%s: %w", definition.BucketRaw, err)
			}
			if key, err := definition.ParseRawKey(info.Key); err != nil || key.Part != part {
				continue // a longer id that begins the same
			}
			if err := c.uploaded(ctx, info); err != nil {
				return err
			}
			found = true
		}
	}
	if found {
		return errWait
	}
	return nil
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

// redoGone has recordings read again whose converted file is gone.
func (c *Coordinator) redoGone(ctx context.Context, parts []store.Part, used map[definition.PartID]plan.Part) error {
	again := false
	for _, p := range parts {
		known, ok := used[p.Part]
		if !ok || known.Rejected != "" {
			continue
		}
		info, err := c.cfg.Buckets[known.Converted.Bucket].Stat(ctx, known.Converted.Key)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return fmt.Errorf("%s/%s: %w", known.Converted.Bucket, known.Converted.Key, err)
		}
		if err == nil && (p.Ingest.Bytes == 0 || info.Size == p.Ingest.Bytes) {
			continue
		}
		again = true
		c.log.Warn("the converted part is gone, read again", "song", p.Song.Song, "part", p.Part)
		if err := c.store.RedoTask(ctx, p.Song, p.Task); err != nil {
			return err
		}
	}
	if again {
		return errWait
	}
	return nil
}

// maxImagePixels bounds the images a definition may name: a node holds one as
// four bytes a pixel.
const maxImagePixels = 1 << 26

// image describes the image of that name in the misc bucket; nil when there is
// none that can be used. what is what the definition calls it.
func (c *Coordinator) image(ctx context.Context, log *slog.Logger, what, name string) (*plan.Image, error) {
	if name == "" {
		return nil, nil
	}
	ref := plan.Ref{Bucket: definition.BucketMisc, Key: name}
	r, _, err := c.cfg.Buckets[ref.Bucket].Get(ctx, ref.Key, bucket.Range{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil // the plan warns
	} else if err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, name, err)
	}
	defer r.Close()
	hash := sha256.New()
	data := io.TeeReader(r, hash)
	config, _, err := image.DecodeConfig(data)
	if err == nil && config.Width*config.Height > maxImagePixels {
		err = fmt.Errorf("%dx%d pixels, want at most %d in all", config.Width, config.Height, maxImagePixels)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, data) // so that all of it is hashed
	}
	if err != nil {
		log.Warn(what+" ignored", "key", name, "error", err)
		return nil, nil
	}
	return &plan.Image{Ref: ref, SHA256: hex.EncodeToString(hash.Sum(nil)), Width: config.Width, Height: config.Height}, nil
}

// planTasks is what a plan asks nodes to do. A task with one part blames it.
func planTasks(p *plan.Plan) []store.NewTask {
	var out []store.NewTask
	for _, a := range p.Assignments() {
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

// out is the object an assignment of a render makes.
func out(a plan.Assignment) plan.Ref {
	switch {
	case a.Picture != nil:
		return a.Picture.Out
	case a.Sound != nil:
		return a.Sound.Out
	case a.Stack != nil:
		return a.Stack.Out
	}
	return plan.Ref{}
}

// redoLost queues again tasks that are done but whose object is gone: by age, or
// by hand.
func (c *Coordinator) redoLost(ctx context.Context, id definition.Song, tasks []store.NewTask) error {
	there := map[string]bool{}
	prefix := definition.CellKey{Song: id}.String() // choir+song+
	for info, err := range c.cfg.Buckets[definition.BucketFinalParts].List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("%s: %w", definition.BucketFinalParts, err)
		}
		there[info.Key] = info.Size > 0
	}
	for _, n := range tasks {
		if there[out(n.Assignment).Key] {
			continue
		}
		if err := c.store.RedoTask(ctx, id, n.Key); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// check decides, when all cells are there, which segments can be joined as they
// are. The others are stacked by nodes.
func (c *Coordinator) check(ctx context.Context, r store.Render) error {
	tasks, err := c.store.Tasks(ctx, r.Run)
	if err != nil {
		return err
	}
	stack := map[int]bool{}
	for _, t := range tasks {
		if t.Kind != plan.KindPicture {
			continue
		}
		var result plan.CellResult
		if err := json.Unmarshal(t.Result, &result); err != nil {
			return permanent{fmt.Errorf("stripe %d: segment %d: result: %w", t.Stripe, t.Segment, err)}
		}
		if !result.Stitchable && !stack[t.Segment] {
			stack[t.Segment] = true
			c.logOf(r).Info("a stripe cannot be joined, its segment is stacked", "stripe", t.Stripe, "segment", t.Segment, "leaks", result.Leaks)
		}
	}
	return c.stack(ctx, r, stack)
}

// stack has nodes stack the stripes of those segments: they are decoded, put on
// top of each other and encoded as whole pictures, with the parameters that
// joining writes, so that they fit between joined segments.
func (c *Coordinator) stack(ctx context.Context, r store.Render, segments map[int]bool) error {
	if len(segments) == 0 {
		return c.store.StackRender(ctx, r.Claim(), nil)
	}
	var p plan.Plan
	if err := json.Unmarshal(r.Plan, &p); err != nil {
		return permanent{fmt.Errorf("plan: %w", err)}
	}
	var add []store.NewTask
	for i := range p.Segments {
		if segments[i] {
			add = append(add, store.NewTask{Assignment: p.Stack(i), Segment: i})
		}
	}
	asked(ctx, add)
	if err := c.redoLost(ctx, r.Song, add); err != nil {
		return err
	}
	return c.store.StackRender(ctx, r.Claim(), add)
}
