package coordinator

import (
	"context"
	"fmt"
	"slices"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// rowMost is how many segments of a stripe one message asks for at most. Where a
// segment begins, decoding goes back to the keyframe before, unless the decoders are
// still there from the segment before it: with four in a row three quarters of that
// is spared, and a preview that grows waits for three segments more at most.
const rowMost = 4

// window is how many tasks may be sent and not started. What is not sent yet can still be
// cancelled.
const window = 256

// dispatch sends the messages that wait in the outbox. A message whose sending
// failed, or whose sender died before it could say so, is sent again later: a
// node that gets one twice finds the work done.
func (c *Coordinator) dispatch(ctx context.Context) (bool, error) {
	out, err := c.store.Outgoing(ctx, 4*queue.MaxBatch, window, c.cfg.Claim)
	if err != nil || len(out) == 0 {
		return false, err
	}
	nodes, err := c.store.Nodes(ctx)
	if err != nil {
		return false, err
	}
	bodies, refused := inRows(out, nodes)
	for _, r := range refused {
		if err := c.unsendable(ctx, r); err != nil {
			return false, err
		}
		out = slices.DeleteFunc(out, func(m store.Message) bool { return m.Key == r.message.Key && m.Song == r.message.Song })
	}
	if err := queue.SendAll(ctx, c.cfg.Assignments, bodies); err != nil {
		return false, fmt.Errorf("assignments: %w", err) // those that were sent are sent again
	}
	// What is in the queue is noted even when we are stopping.
	note, cancel := toTheEnd(ctx)
	defer cancel()
	return true, c.store.Sent(note, out)
}

// refusal is a message that no queue takes, and why.
type refusal struct {
	message store.Message
	err     error
}

// unsendable gives up a task that no node can be told of: sent again it would be refused
// again, and with it all that is sent together with it.
func (c *Coordinator) unsendable(ctx context.Context, r refusal) error {
	m := r.message
	reason := fmt.Sprintf("song %q: %s cannot be sent to a node: %v", m.Song.Song, what(m.Assignment), r.err)
	v, err := c.store.FailTask(ctx, store.Failure{Song: m.Song, Key: m.Key, Attempt: m.Attempt, Reason: reason, Permanent: true})
	if err != nil {
		return fmt.Errorf("assignment %s: %w", m.Key, err)
	}
	c.metrics.tasks.WithLabelValues(string(m.Kind), string(v)).Inc()
	c.log.Error("assignment given up", "song", m.Song.Song, "run", m.Run, "task", m.Key, "kind", m.Kind, "error", r.err)
	return nil
}

// what names the work of an assignment for a person.
func what(a plan.Assignment) string {
	switch {
	case a.Ingest != nil:
		return fmt.Sprintf("the recording of part %q", a.Ingest.Part)
	case a.Picture != nil:
		return fmt.Sprintf("stripe %d, segment %d, of %d parts", a.Picture.Stripe, a.Picture.Segment.Index, len(a.Picture.Tiles))
	case a.Sound != nil:
		return fmt.Sprintf("the sound of stripe %d, of %d parts", a.Sound.Stripe, len(a.Sound.Voices))
	case a.Stack != nil:
		return fmt.Sprintf("the stack of segment %d", a.Stack.Segment.Index)
	}
	return "task " + a.Key
}

// inRows are the messages as they travel, and those that cannot. Cells that follow each
// other in a stripe go together where several nodes would otherwise take them in turns;
// but not so many that nodes at the end have nothing while others have a row to do, and
// never the song's first, which people wait for. One that has failed goes alone.
func inRows(out []store.Message, nodes []store.Node) (all [][]byte, refused []refusal) {
	slots, several := 0, 0
	for _, n := range nodes {
		if n.Slots > 0 {
			slots, several = slots+n.Slots, several+1
		}
	}
	left := map[string]int{} // cells of each run that are not in a message yet
	for _, m := range out {
		if m.Picture != nil {
			left[m.Run]++
		}
	}
	taken := make([]bool, len(out))
	for i, m := range out {
		if taken[i] {
			continue
		}
		a := m.Assignment
		if a.Picture != nil {
			left[a.Run]--
		}
		body, err := queue.Encode(a)
		if err != nil {
			refused = append(refused, refusal{m, err})
			continue
		}
		row := 1
		if several > 1 && a.Picture != nil && a.Picture.Segment.Index > 0 && m.Faults == 0 {
			row = min(rowMost, (1+left[a.Run])/(2*slots))
		}
		for last := a; len(a.Then)+1 < row; {
			k := next(out[i+1:], last) + i + 1
			if k <= i || taken[k] {
				break
			}
			last = out[k].Assignment
			a.Then = append(a.Then, last)
			longer, err := queue.Encode(a)
			if err != nil {
				break // too much together
			}
			body, taken[k] = longer, true
			left[a.Run]--
		}
		all = append(all, body)
	}
	return all, refused
}

// next is the index of the cell that goes on where a ends, -1 when it is not there.
func next(out []store.Message, a plan.Assignment) int {
	for i, m := range out {
		if p := m.Picture; p != nil && m.Faults == 0 && m.Run == a.Run && p.Stripe == a.Picture.Stripe &&
			p.Segment.First == a.Picture.Segment.First+a.Picture.Segment.Count {
			return i
		}
	}
	return -1
}
