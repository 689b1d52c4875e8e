package coordinator

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/choirless/render/queue"
)

// dispatch sends the messages that wait in the outbox. A message whose sending
// failed, or whose sender died before it could say so, is sent again later: a
// node that gets one twice finds the work done.
func (c *Coordinator) dispatch(ctx context.Context) (bool, error) {
	out, err := c.store.Outgoing(ctx, 4*queue.MaxBatch, c.cfg.Window, c.cfg.Claim)
	if err != nil || len(out) == 0 {
		return false, err
	}
	bodies := make([][]byte, len(out))
	for i, m := range out {
		if bodies[i], err = json.Marshal(m.Assignment); err != nil {
			return false, fmt.Errorf("assignment %s: %w", m.Key, err)
		}
	}
	if err := queue.SendAll(ctx, c.cfg.Assignments, bodies); err != nil {
		return false, fmt.Errorf("assignments: %w", err) // those that were sent are sent again
	}
	// What is in the queue is noted even when we are stopping.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), messageTime)
	defer cancel()
	return true, c.store.Sent(note, out)
}
