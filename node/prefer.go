package node

import (
	"context"
	"encoding/json"
	"time"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// Of two nodes each would in turn get the cells that go on where the other's decoders
// wait, and decode from the keyframe before once more: an eighth of all pictures of
// sixteen parts. So a node whose own decoders wait, and which gets a cell that goes
// on elsewhere, looks once whether one of its own is in the queue too, and hands the
// other back to whoever wants it. It never waits for one that may come.

// lookFor bounds the look where the queue has nothing more.
const lookFor = 200 * time.Millisecond

// prefer returns the lease to work on: l, or another that was received instead. The
// one that is not is handed back.
func (n *Node) prefer(ctx context.Context, l queue.Lease) queue.Lease {
	cell := cellOf(l)
	if cell == nil || cell.Segment.Index == 0 || n.parking.empty() || n.parking.waits(cell) {
		return l
	}
	look, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	others, err := n.cfg.Assignments.Receive(look, 1, n.cfg.Visibility)
	if err != nil || len(others) == 0 {
		return l
	}
	// The more often delivered one of equals, so that none is handed back for ever.
	other, cell := others[0], cellOf(others[0])
	if warm := cell != nil && n.parking.waits(cell); warm || other.Deliveries() > l.Deliveries() {
		l, other = other, l
	}
	n.settle(ctx, "hand back", func(ctx context.Context) error { return other.Nack(ctx, 0) })
	return l
}

// cellOf is the picture an assignment begins with, nil for any other.
func cellOf(l queue.Lease) *plan.Picture {
	var a plan.Assignment
	if json.Unmarshal(l.Body(), &a) != nil || a.Kind != plan.KindPicture {
		return nil // whoever does it will say so
	}
	return a.Picture
}
