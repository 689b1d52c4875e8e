// Package status tells where a song is, from what the store holds: for progress
// bars, the status page and everybody who waits for a final. It needs no
// coordinator, and no C library, in its process.
package status

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// The stages and what share of a song's percentage they are. Composing pictures
// is most of the work, reading the recordings most of the rest; a stack counts
// only where there is one.
var weights = map[store.Stage]float64{
	store.StageIngest:  20,
	store.StageAlign:   3,
	store.StagePlan:    1,
	store.StagePicture: 56,
	store.StageSound:   5,
	store.StageStack:   20,
	store.StageFinish:  15,
}

// Song is where a song is.
type Song struct {
	Song definition.Song `json:"song"`
	// Title is what people call it, where its settings say so.
	Title string `json:"title,omitempty"`
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
	Percent float64 `json:"percent"`
	// RemainingS is about how many seconds are left, going by how fast the render
	// goes on; 0 when that cannot be said yet.
	RemainingS float64         `json:"remaining_s,omitempty"`
	Run        string          `json:"run,omitempty"`
	Error      string          `json:"error,omitempty"`
	Stages     []StageProgress `json:"stages"`
	Parts      []PartProgress  `json:"parts"`
	// Warnings are what a person should know about the render.
	Warnings []plan.PartWarning `json:"warnings,omitempty"`
	// Growing is the song so far, while a render goes on.
	Growing *Growing  `json:"growing,omitempty"`
	Output  *Output   `json:"output,omitempty"`
	Updated time.Time `json:"updated"`
}

// Growing is what can be watched of a song that is being rendered.
type Growing struct {
	Playlist string `json:"playlist"` // key in the preview bucket, HLS
	Segments int    `json:"segments"`
}

// StageProgress is one stage of a song.
type StageProgress struct {
	Stage   store.Stage     `json:"stage"`
	State   store.TaskState `json:"state"`
	Done    int             `json:"done"`
	Total   int             `json:"total"`
	Percent float64         `json:"percent"`
	// Waiting is why some of it went back to the queue and has not begun again.
	Waiting string `json:"waiting,omitempty"`
	reused  int    // of Done, what was done before the render was there
}

// PartProgress is one part of a song.
type PartProgress struct {
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
	Reason      string            `json:"review_reason,omitempty"`
	Candidates  []store.Candidate `json:"candidates,omitempty"`
	Locked      bool              `json:"offset_locked,omitempty"`
	Volume      float64           `json:"volume"`
	Hidden      bool              `json:"hidden,omitempty"`
	Facts       *media.Facts      `json:"facts,omitempty"`
	Snapshot    string            `json:"snapshot,omitempty"` // key in the snapshots bucket
}

// Read returns where a song is, as to the definition of the given name, "" for
// the automatic one. ErrNotFound of the store when nobody knows the song.
func Read(ctx context.Context, st store.Store, id definition.Song, name string) (Song, error) {
	// The rows are read one after the other. A change of the song in between could
	// make something look settled that is not.
	before, err := st.Song(ctx, id)
	for err == nil {
		var s Song
		if s, err = read(ctx, st, before, definition.NameOr(name)); err != nil {
			break
		}
		after, again := st.Song(ctx, id)
		if err = again; err == nil && after.Revision == before.Revision && after.Planned == before.Planned {
			return s, nil
		}
		before = after
	}
	return Song{Song: id}, err
}

func read(ctx context.Context, st store.Store, song store.Song, name string) (Song, error) {
	id := song.Song
	set, _ := Settings(song) // what cannot be read is an error where it is used
	s := Song{Song: id, Title: set.Name, Name: name, Updated: song.Updated, Error: song.Problem}
	parts, err := st.Parts(ctx, id)
	if err != nil {
		return s, err
	}
	s.parts(parts)
	r, err := st.LatestBrief(ctx, id, name)
	var counts []store.Count
	switch {
	case errors.Is(err, store.ErrNotFound):
		r = store.Render{}
	case err != nil:
		return s, err
	default:
		if counts, err = st.Counts(ctx, r.Run); err != nil {
			return s, err
		}
	}
	s.render(r)
	s.stages(song, r, counts)
	s.settle(song, r)
	if s.State == store.TaskRunning && r.Planned && !r.State.Over() {
		s.RemainingS = s.remaining(time.Since(r.Created)).Seconds()
	}
	return s, nil
}

func (s *Song) parts(parts []store.Part) {
	for _, p := range parts {
		d, _ := Document(p) // what cannot be read is logged where it is used
		out := PartProgress{
			Part: p.Part, Name: d.DisplayName(), Kind: d.PartType.Or(""), State: p.State, Error: p.Error, Dropped: p.Dropped,
			Volume: d.Volume.Or(1), Hidden: d.Hidden, Locked: d.OffsetLocked, Warnings: Warnings(p),
		}
		if a := p.Alignment; p.Aligned {
			out.OffsetMS, out.Confidence, out.DriftPPM, out.Method = a.MediaOffset().MS(), a.Confidence, a.DriftPPM, a.Method
			out.NeedsReview, out.Reason, out.Candidates = a.NeedsReview, a.Reason, a.Candidates
		}
		switch p.State {
		case store.PartReady:
			out.Percent, out.Facts = 100, &p.Ingest.Facts
			if p.Ingest.Snapshot {
				out.Snapshot = definition.SnapshotKey(p.Raw.Key)
			}
		case store.PartIngesting:
			out.Percent = p.Percent
		case store.PartFailed:
			out.Percent = 100
		}
		s.Parts = append(s.Parts, out)
	}
}

func (s *Song) render(r store.Render) {
	s.Run, s.Warnings = r.Run, r.Warnings
	if r.Grown > 0 && !r.State.Over() {
		s.Growing = &Growing{definition.NameKey{Song: r.Song, Name: r.Name}.GrowingKey(), r.Grown}
	}
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
func (s *Song) stages(song store.Song, r store.Render, counts []store.Count) {
	ingest := StageProgress{Stage: store.StageIngest}
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
	done := func(stage store.Stage, is bool) StageProgress {
		v := StageProgress{Stage: stage, Total: 1}
		if is {
			v.Done, v.Percent = 1, 100
		}
		return v
	}
	all := []StageProgress{ingest, done(store.StageAlign, planned), done(store.StagePlan, r.Planned)}
	for _, k := range []plan.Kind{plan.KindPicture, plan.KindSound, plan.KindStack} {
		v := StageProgress{Stage: store.Stage(k)}
		for _, n := range counts {
			if n.Kind != k {
				continue
			}
			v.Total += n.Tasks
			v.Percent += n.Percent
			switch n.State {
			case store.TaskDone:
				v.Done += n.Tasks
				v.reused += n.Reused
			case store.TaskQueued:
				v.Waiting = n.Error
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
		w := weights[v.Stage]
		total += w
		sum += w * v.Percent
	}
	s.Stages, s.Percent = all, sum/total
}

// leastForRemaining is the share of a render's work that must be done before anything is
// said of the rest.
const leastForRemaining = 0.05

// remaining is how long a render that has gone on for so long still takes, if it goes on
// as it has; 0 when too little of it is done. What was there already took it no time.
func (s *Song) remaining(soFar time.Duration) time.Duration {
	done, left := 0.0, 0.0
	for _, v := range s.Stages {
		switch v.Stage {
		case store.StageIngest, store.StageAlign, store.StagePlan: // before it
			continue
		}
		done += weights[v.Stage] * (v.Percent - 100*float64(v.reused)/float64(max(v.Total, 1)))
		left += weights[v.Stage] * (100 - v.Percent)
	}
	if done < leastForRemaining*(done+left) {
		return 0
	}
	return time.Duration(float64(soFar) * left / done)
}

func stageState(v StageProgress) store.TaskState {
	switch {
	case v.Total > 0 && v.Done == v.Total:
		return store.TaskDone
	case v.Percent > 0 || v.Done > 0:
		return store.TaskRunning
	}
	return store.TaskQueued
}

// settle decides on the state of the whole.
func (s *Song) settle(song store.Song, r store.Render) {
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

// Poll is how often Follow looks without having been told of a change.
const Poll = time.Second

// Follow yields where a song is, now and after every change, until the consumer
// stops or ctx is done. What nobody knows yet is waited for. The more a song holds the
// longer it takes to read and the more often it changes: at most a tenth of the time is
// spent on it, for which news may come up to a tenth of a second late.
func Follow(ctx context.Context, st store.Store, id definition.Song, name string) iter.Seq2[Song, error] {
	return func(yield func(Song, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		changed := st.Watch(ctx, id)
		poll := time.NewTicker(Poll)
		defer poll.Stop()
		for {
			began := time.Now()
			s, err := Read(ctx, st, id, name)
			spent := time.Since(began)
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if !errors.Is(err, store.ErrNotFound) && !yield(s, err) || ctx.Err() != nil {
				return
			}
			select { // what changes meanwhile is read at once then
			case <-ctx.Done():
			case <-time.After(min(9*spent, Poll/10)):
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
