package coordinator

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

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
