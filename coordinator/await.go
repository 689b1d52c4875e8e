package coordinator

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// What package status tells, by the names callers of a coordinator use.
type (
	SongStatus  = status.Song
	StageStatus = status.StageProgress
	PartStatus  = status.PartProgress
	// Output is the facts of a final, as stored with its render.
	Output = status.Output
)

// Status returns where a song is, as to the definition of the given name, "" for
// the automatic one. ErrNotFound of the store when nobody knows the song.
func (c *Coordinator) Status(ctx context.Context, id definition.Song, name string) (SongStatus, error) {
	return status.Read(ctx, c.store, id, name)
}

// Follow yields where a song is, now and after every change, until the consumer
// stops or ctx is done. What nobody knows yet is waited for.
func (c *Coordinator) Follow(ctx context.Context, id definition.Song, name string) iter.Seq2[SongStatus, error] {
	return status.Follow(ctx, c.store, id, name)
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
