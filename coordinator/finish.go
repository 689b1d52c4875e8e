package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
	"github.com/choirless/render/store"
)

// The finish joins what the nodes made: the sounds become the master (master.go),
// the cells of the picture are joined in the bitstream, and both go into one MP4
// file. That file is put into the preview bucket and then, byte for byte the same,
// into the final bucket: joining is exact, so that there is nothing a separate
// preview could show earlier or differently.
//
// All of it can be done again with the same result, so that a coordinator may be
// killed anywhere in it. What must not happen is that a coordinator that was
// stopped for longer than its claim puts an older final over a newer one: it asks
// for its claim right before, and the reconciliation compares the final's ETag
// with that of the newest render for the moment in between.

// Shares of the finish in its percentage.
const (
	percentSound = 50
	percentMovie = 80
	percentPut   = 90
)

// finishStep finishes a render that waits for it.
func (c *Coordinator) finishStep(ctx context.Context) (bool, error) {
	return c.step(ctx, func(ctx context.Context, r store.Render) error {
		return c.tracedRender(ctx, "finish", r, c.finish)
	}, store.Finishing)
}

func (c *Coordinator) finish(ctx context.Context, r store.Render) error {
	began := time.Now()
	var p plan.Plan
	if err := json.Unmarshal(r.Plan, &p); err != nil {
		return permanent{fmt.Errorf("plan: %w", err)}
	}
	tasks, err := c.store.Tasks(ctx, r.Run)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.cfg.Scratch, "choirless-finish-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f := &finisher{c: c, render: r, plan: &p, tasks: tasks, dir: dir, stacked: stackedSegments(tasks)}
	err = f.run(ctx)
	var refused *stitch.RefusalError
	switch {
	case errors.Is(err, bucket.ErrNotFound):
		// An object was swept away: plan again, which finds out which.
		c.logOf(r).Warn("an object of the render is gone, planned again", "error", err)
		return c.plan(ctx, r)
	case errors.As(err, &refused) && len(f.stacked) < len(p.Segments):
		c.logOf(r).Warn("stripes cannot be joined, nodes stack them", "stripe", refused.Stripe, "segment", refused.Segment, "error", err)
		return c.stack(ctx, r, f.refused(refused.Segment))
	case err != nil:
		return err
	}
	f.out.Seconds = time.Since(began).Seconds()
	text, err := json.Marshal(f.out)
	if err != nil {
		return err
	}
	if err := c.store.FinishRender(ctx, r.Claim(), text, append(r.Warnings, f.warnings...)); err != nil {
		return err
	}
	c.metrics.stage(store.StageFinish, time.Since(began))
	c.metrics.renders.WithLabelValues("done").Inc()
	c.metrics.bytes.Add(float64(f.out.Bytes))
	c.logOf(r).Info("final", "key", f.out.Final, "bytes", f.out.Bytes,
		"frames", f.out.Frames, "lufs", f.out.LUFS, "dbtp", f.out.TruePeak, "seconds", f.out.Seconds)
	return nil
}

// finisher is one finish. Not safe for concurrent use.
type finisher struct {
	c        *Coordinator
	render   store.Render
	plan     *plan.Plan
	tasks    []store.Task
	dir      string
	stacked  map[int]bool // segments whose stripes nodes have stacked
	out      Output
	warnings []plan.PartWarning
}

// refused returns which segments to stack when one could not be joined: only
// that one the first time, and all when it was not the only one.
func (f *finisher) refused(segment int) map[int]bool {
	if len(f.stacked) == 0 {
		return map[int]bool{segment: true}
	}
	all := map[int]bool{}
	for i := range f.plan.Segments {
		all[i] = true
	}
	return all
}

func (f *finisher) run(ctx context.Context) error {
	f.readResults()
	sound, err := f.sound(ctx)
	if err != nil {
		return fmt.Errorf("sound: %w", err)
	}
	if err := f.percent(ctx, percentSound); err != nil {
		return err
	}
	movie, err := os.Create(f.dir + "/final.mp4")
	if err != nil {
		return err
	}
	defer movie.Close()
	if err := f.movie(ctx, movie, sound); err != nil {
		return fmt.Errorf("movie: %w", err)
	}
	if f.c.cfg.Verify {
		if err := f.verify(ctx, movie); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	if err := f.endGrowing(ctx, sound); err != nil {
		return err
	}
	if err := f.percent(ctx, percentMovie); err != nil {
		return err
	}
	return f.publish(ctx, movie)
}

func (f *finisher) percent(ctx context.Context, p float64) error {
	return f.c.store.RenderPercent(ctx, f.render.Claim(), p)
}

// readResults collects what the nodes warned of and what they spent.
func (f *finisher) readResults() {
	seen := map[plan.PartWarning]bool{}
	for _, w := range f.render.Warnings {
		seen[w] = true
	}
	for _, t := range f.tasks {
		var result struct { // what CellResult and SoundResult have in common
			CPUSeconds float64            `json:"cpu_seconds"`
			Warnings   []plan.PartWarning `json:"warnings"`
		}
		if err := json.Unmarshal(t.Result, &result); err != nil {
			f.c.logOf(f.render).Warn("result not readable", "task", t.Key, "stripe", t.Stripe, "segment", t.Segment, "error", err)
			continue
		}
		f.out.Rendered += result.CPUSeconds
		for _, w := range result.Warnings {
			if !seen[w] { // a part warns once, not once a segment
				seen[w] = true
				f.warnings = append(f.warnings, w)
			}
		}
	}
	f.out.Stacked = len(f.stacked)
}

// movie joins the picture and puts the sound beside it.
func (f *finisher) movie(ctx context.Context, w io.WriteSeeker, sound *stitch.Audio) error {
	m := stitch.Movie{Rate: f.plan.Rate, Audio: sound}
	for i := range f.plan.Segments {
		m.Segments = append(m.Segments, f.segment(ctx, i))
	}
	stats, err := stitch.WriteMP4(ctx, w, m)
	if err != nil {
		return err
	}
	f.out.Frames, f.out.Duration, f.out.Width, f.out.Height = stats.Frames, stats.Duration.Seconds(), stats.Width, stats.Height
	f.out.FPS = f.plan.Rate.String()
	return nil
}

// segment is what a segment is joined from.
func (f *finisher) segment(ctx context.Context, i int) stitch.Segment {
	seg := stitch.Segment{Frames: f.plan.Segments[i].Count}
	for _, ref := range f.cells(i) {
		seg.Stripes = append(seg.Stripes, f.open(ctx, ref))
	}
	return seg
}

// cells names what the picture of a segment is joined from: its stripes, top to
// bottom, or their stack.
func (f *finisher) cells(segment int) []plan.Ref {
	if f.stacked[segment] {
		return []plan.Ref{f.plan.Stack(segment).Stack.Out}
	}
	var out []plan.Ref
	for row := range f.plan.Stripes {
		out = append(out, f.plan.Picture(row, segment).Picture.Out)
	}
	return out
}

func (f *finisher) open(ctx context.Context, ref plan.Ref) stitch.Opener {
	return func() (io.ReadCloser, error) {
		r, _, err := f.c.cfg.Buckets[ref.Bucket].Get(ctx, ref.Key, bucket.Range{})
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", ref.Bucket, ref.Key, err)
		}
		return r, nil
	}
}

// publish puts the movie into preview and final, and a picture of it into snapshots.
func (f *finisher) publish(ctx context.Context, movie *os.File) error {
	name := definition.NameKey{Song: f.render.Song, Name: f.render.Name}
	f.out.Preview, f.out.Final = name.PreviewKey(), name.FinalKey()
	hash := sha256.New()
	put := func(role, key string) (bucket.Info, error) {
		if _, err := movie.Seek(0, io.SeekStart); err != nil {
			return bucket.Info{}, err
		}
		hash.Reset()
		info, err := f.c.cfg.Buckets[role].Put(ctx, key, io.TeeReader(movie, hash), bucket.PutOptions{ContentType: "video/mp4"})
		if err != nil {
			return info, fmt.Errorf("%s/%s: %w", role, key, err)
		}
		return info, nil
	}
	if _, err := put(definition.BucketPreview, f.out.Preview); err != nil {
		return err
	}
	if err := f.percent(ctx, percentPut); err != nil { // ErrLost when a newer render has taken over
		return err
	}
	info, err := put(definition.BucketFinal, f.out.Final)
	if err != nil {
		return err
	}
	f.out.ETag, f.out.Bytes, f.out.SHA256 = info.ETag, info.Size, hex.EncodeToString(hash.Sum(nil))
	if err := f.snapshot(ctx, movie); err != nil {
		if ctx.Err() != nil {
			return err
		}
		f.warnings = append(f.warnings, plan.PartWarning{Text: "no snapshot of the final: " + err.Error()})
	}
	return nil
}
