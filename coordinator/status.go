package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// The stages and what share of a song's percentage they are. Composing pictures
// is most of the work, reading the recordings most of the rest; a stack counts
// only where there is one.
var weights = []struct {
	stage  store.Stage
	weight float64
}{
	{store.StageIngest, 20}, {store.StageAlign, 3}, {store.StagePlan, 1}, {store.StagePicture, 56},
	{store.StageSound, 5}, {store.StageStack, 20}, {store.StageFinish, 15},
}

// SongStatus is where a song is.
type SongStatus struct {
	Song definition.Song `json:"song"`
	// Name is of the definition whose render this is about.
	Name string `json:"name"`
	// State is queued, running, done, failed or cancelled; queued when nothing has
	// been uploaded.
	State store.TaskState `json:"state"`
	// Legacy is the status the original's front-end knows.
	Legacy definition.Status `json:"legacy_status,omitempty"`
	// Settled says that nothing more will happen by itself.
	Settled bool `json:"settled"`
	// Percent is of everything there is to do for the newest render, 0..100.
	Percent float64       `json:"percent"`
	Run     string        `json:"run,omitempty"`
	Error   string        `json:"error,omitempty"`
	Stages  []StageStatus `json:"stages"`
	Parts   []PartStatus  `json:"parts"`
	// Warnings are what a person should know about the render.
	Warnings []plan.PartWarning `json:"warnings,omitempty"`
	Output   *Output            `json:"output,omitempty"`
	Updated  time.Time          `json:"updated"`
}

// StageStatus is one stage of a song.
type StageStatus struct {
	Stage   store.Stage     `json:"stage"`
	State   store.TaskState `json:"state"`
	Done    int             `json:"done"`
	Total   int             `json:"total"`
	Percent float64         `json:"percent"`
}

// PartStatus is one part of a song.
type PartStatus struct {
	Part        definition.PartID `json:"part_id"`
	Name        string            `json:"name,omitempty"`
	Kind        definition.Kind   `json:"part_type,omitempty"`
	State       store.PartState   `json:"state"`
	Percent     float64           `json:"percent"` // of the ingest
	Error       string            `json:"error,omitempty"`
	Dropped     string            `json:"dropped,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
	OffsetMS    float64           `json:"offset_ms"`
	Confidence  float64           `json:"confidence"`
	DriftPPM    float64           `json:"drift_ppm,omitempty"`
	Method      string            `json:"method,omitempty"`
	NeedsReview bool              `json:"needs_review,omitempty"`
	Candidates  []store.Candidate `json:"candidates,omitempty"`
	Locked      bool              `json:"offset_locked,omitempty"`
	Volume      float64           `json:"volume"`
	Hidden      bool              `json:"hidden,omitempty"`
	Facts       *media.Facts      `json:"facts,omitempty"`
	Snapshot    string            `json:"snapshot,omitempty"` // key in the snapshots bucket
}

// Status returns where a song is, as to the definition of the given name, "" for
// the automatic one. ErrNotFound of the store when nobody knows the song.
func (c *Coordinator) Status(ctx context.Context, id definition.Song, name string) (SongStatus, error) {
	// The rows are read one after the other. A change of the song in between could
	// make something look settled that is not.
	before, err := c.store.Song(ctx, id)
	for err == nil {
		var s SongStatus
		if s, err = c.status(ctx, before, orAuto(name)); err != nil {
			break
		}
		after, again := c.store.Song(ctx, id)
		if err = again; err == nil && after.Revision == before.Revision && after.Planned == before.Planned {
			return s, nil
		}
		before = after
	}
	return SongStatus{Song: id}, err
}

func (c *Coordinator) status(ctx context.Context, song store.Song, name string) (SongStatus, error) {
	id := song.Song
	s := SongStatus{Song: id, Name: name, Updated: song.Updated, Error: song.Problem}
	parts, err := c.store.Parts(ctx, id)
	if err != nil {
		return s, err
	}
	if err := c.partStatus(ctx, &s, parts); err != nil {
		return s, err
	}
	r, err := c.store.LatestRender(ctx, id, name)
	var counts []store.Count
	switch {
	case errors.Is(err, store.ErrNotFound):
		r = store.Render{}
	case err != nil:
		return s, err
	default:
		if counts, err = c.store.Counts(ctx, r.Run); err != nil {
			return s, err
		}
	}
	s.renderStatus(r)
	s.stages(song, r, counts)
	s.settle(song, r)
	return s, nil
}

func (c *Coordinator) partStatus(ctx context.Context, s *SongStatus, parts []store.Part) error {
	for _, p := range parts {
		d := c.document(p)
		out := PartStatus{
			Part: p.Part, Name: d.DisplayName(), Kind: d.PartType.Or(""), State: p.State, Error: p.Error, Dropped: p.Dropped,
			Volume: d.Volume.Or(1), Hidden: d.Hidden, Locked: d.OffsetLocked, Warnings: partWarnings(p),
		}
		if a := p.Alignment; p.Aligned {
			out.OffsetMS, out.Confidence, out.DriftPPM, out.Method = a.MediaOffset().MS(), a.Confidence, a.DriftPPM, a.Method
			out.NeedsReview, out.Candidates = a.NeedsReview, a.Candidates
		}
		switch p.State {
		case store.PartReady:
			out.Percent, out.Facts = 100, &p.Ingest.Facts
			if p.Ingest.Snapshot {
				out.Snapshot = definition.SnapshotKey(p.Raw.Key)
			}
		case store.PartIngesting:
			t, err := c.store.Task(ctx, p.Song, p.Task)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			out.Percent = t.Percent
		case store.PartFailed:
			out.Percent = 100
		}
		s.Parts = append(s.Parts, out)
	}
	return nil
}

func (s *SongStatus) renderStatus(r store.Render) {
	s.Run, s.Warnings = r.Run, r.Warnings
	if r.Error != "" {
		s.Error = r.Error
	}
	if r.Updated.After(s.Updated) {
		s.Updated = r.Updated
	}
	if len(r.Output) > 0 {
		out := &Output{}
		if json.Unmarshal(r.Output, out) == nil { // ours; an older version's may differ
			s.Output = out
		}
	}
}

// stages sums up where each stage is.
func (s *SongStatus) stages(song store.Song, r store.Render, counts []store.Count) {
	ingest := StageStatus{Stage: store.StageIngest}
	for _, p := range s.Parts {
		if p.State == store.PartNew {
			continue
		}
		ingest.Total++
		ingest.Percent += p.Percent
		if p.State != store.PartIngesting {
			ingest.Done++
		}
	}
	planned := song.Revision == song.Planned && ingest.Total > 0
	done := func(stage store.Stage, is bool) StageStatus {
		v := StageStatus{Stage: stage, Total: 1}
		if is {
			v.Done, v.Percent = 1, 100
		}
		return v
	}
	all := []StageStatus{ingest, done(store.StageAlign, planned), done(store.StagePlan, r.Plan != nil)}
	for _, k := range []plan.Kind{plan.KindPicture, plan.KindSound, plan.KindStack} {
		v := StageStatus{Stage: store.Stage(k)}
		for _, n := range counts {
			if n.Kind != k {
				continue
			}
			v.Total += n.Tasks
			v.Percent += n.Percent
			if n.State == store.TaskDone {
				v.Done += n.Tasks
			}
		}
		if v.Total > 0 || k != plan.KindStack {
			all = append(all, v)
		}
	}
	finish := done(store.StageFinish, r.State == store.Finished)
	if r.State == store.Finishing {
		finish.Percent = r.Percent
	}
	all = append(all, finish)
	total, sum := 0.0, 0.0
	for i := range all {
		v := &all[i]
		if v.Total > 1 {
			v.Percent /= float64(v.Total)
		}
		v.State = stageState(*v)
		w := weights[slices.IndexFunc(weights, func(w struct {
			stage  store.Stage
			weight float64
		}) bool {
			return w.stage == v.Stage
		})].weight
		total += w
		sum += w * v.Percent
	}
	s.Stages, s.Percent = all, sum/total
}

func stageState(v StageStatus) store.TaskState {
	switch {
	case v.Total > 0 && v.Done == v.Total:
		return store.TaskDone
	case v.Percent > 0 || v.Done > 0:
		return store.TaskRunning
	}
	return store.TaskQueued
}

// settle decides on the state of the whole.
func (s *SongStatus) settle(song store.Song, r store.Render) {
	ingesting, uploaded := false, false
	s.Legacy = ""
	for _, p := range s.Parts {
		ingesting = ingesting || p.State == store.PartIngesting
		uploaded = uploaded || p.State != store.PartNew
		switch {
		case p.State != store.PartNew && s.Legacy == "":
			s.Legacy = definition.StatusNew
		case p.State == store.PartReady && s.Legacy == definition.StatusNew:
			s.Legacy = definition.StatusConverted
		}
	}
	changed := song.Revision != song.Planned
	auto := song.Auto && s.Name == definition.AutoName
	over := r.Run != "" && r.State.Over()
	s.Settled = !ingesting && (!changed || !auto) && (over || (r.Run == "" && song.Problem != ""))
	switch {
	case s.Settled && r.State == store.Finished:
		s.State, s.Percent = store.TaskDone, 100
	case s.Settled && r.State == store.Cancelled && song.Problem == "":
		s.State = store.TaskCancelled
	case s.Settled && (s.Error != "" || r.State == store.Failed):
		s.State = store.TaskFailed
	case !uploaded && r.Run == "":
		s.State = store.TaskQueued
	default:
		s.State = store.TaskRunning
	}
	switch {
	case !ingesting && uploaded && !changed && r.Run == "":
		s.Legacy = definition.StatusAligned
	case r.State == store.Finished:
		s.Legacy = definition.StatusDone
	case r.State == store.Checking || r.State == store.Stacking || r.State == store.Finishing:
		s.Legacy = definition.StatusComposited
	case r.Run != "":
		s.Legacy = definition.StatusRendered
	}
}

// Follow yields where a song is, now and after every change, until the consumer
// stops or ctx is done. What nobody knows yet is waited for.
func (c *Coordinator) Follow(ctx context.Context, id definition.Song, name string) iter.Seq2[SongStatus, error] {
	return func(yield func(SongStatus, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		changed := c.store.Watch(ctx)
		poll := time.NewTicker(c.cfg.Poll)
		defer poll.Stop()
		for {
			s, err := c.Status(ctx, id, name)
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if !errors.Is(err, store.ErrNotFound) && !yield(s, err) || ctx.Err() != nil {
				return
			}
			select {
			case <-ctx.Done():
			case _, open := <-changed:
				if !open {
					changed = nil
				}
			case <-poll.C:
			}
		}
	}
}

// Result is what a render came to.
type Result struct {
	SongStatus
	Render store.Render `json:"-"`
	// Work is what the nodes spent on each kind of task.
	Work []Work `json:"work"`
}

// Work sums up the tasks of a kind.
type Work struct {
	Kind       plan.Kind `json:"kind"`
	Tasks      int       `json:"tasks"`
	Seconds    float64   `json:"seconds"`
	CPUSeconds float64   `json:"cpu_s"`
}

// Await waits until a song is settled as to the definition of the given name, ""
// for the automatic one: nothing is being ingested, nothing is to be planned and
// the newest render of that name is over. The error is only of ctx and the store;
// whether there is a final says Result.State.
func (c *Coordinator) Await(ctx context.Context, id definition.Song, name string) (Result, error) {
	for s, err := range c.Follow(ctx, id, name) {
		if ctx.Err() != nil {
			return Result{SongStatus: s}, context.Cause(ctx)
		}
		if err != nil {
			c.log.Warn("status", "song", id.Song, "error", err) // a server that is away for a while
			pause(ctx, retryPause)
			continue
		}
		if s.Settled {
			return c.result(ctx, s)
		}
	}
	return Result{}, context.Cause(ctx)
}

func (c *Coordinator) result(ctx context.Context, s SongStatus) (Result, error) {
	out := Result{SongStatus: s}
	if s.Run == "" {
		return out, nil
	}
	var err error
	if out.Render, err = c.store.Render(ctx, s.Run); err != nil {
		return out, err
	}
	tasks, err := c.store.Tasks(ctx, s.Run)
	if err != nil {
		return out, err
	}
	parts, err := c.store.Parts(ctx, s.Song)
	if err != nil {
		return out, err
	}
	sum := map[plan.Kind]*Work{}
	add := func(kind plan.Kind, seconds, cpu float64) {
		if sum[kind] == nil {
			sum[kind] = &Work{Kind: kind}
		}
		sum[kind].Tasks++
		sum[kind].Seconds += seconds
		sum[kind].CPUSeconds += cpu
	}
	for _, p := range parts {
		if p.Ingest != nil {
			add(plan.KindIngest, p.Ingest.Seconds, p.Ingest.CPUSeconds)
		}
	}
	for _, t := range tasks {
		var r struct {
			CPUSeconds float64 `json:"cpu_seconds"`
			Seconds    float64 `json:"seconds"`
		}
		if json.Unmarshal(t.Result, &r) == nil { // a task that is not done has no result
			add(t.Kind, r.Seconds, r.CPUSeconds)
		}
	}
	for _, k := range []plan.Kind{plan.KindIngest, plan.KindPicture, plan.KindSound, plan.KindStack} {
		if sum[k] != nil {
			out.Work = append(out.Work, *sum[k])
		}
	}
	return out, nil
}
