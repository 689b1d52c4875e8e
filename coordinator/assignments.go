package coordinator

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/choirless/render/store"
)

// dispatch sends the messages that wait in the outbox. A message whose sending
// failed, or whose sender died before it could say so, is sent again later: a
// node that gets one twice finds the work done.
func (c *Coordinator) dispatch(ctx context.Context) (bool, error) {
	out, err := c.store.Outgoing(ctx, 32, c.cfg.Window, c.cfg.Claim)
	if err != nil || len(out) == 0 {
		return false, err
	}
	var sent []store.Message
	for _, m := range out {
		var body []byte
		if body, err = json.Marshal(m.Assignment); err != nil {
			break
		}
		if err = c.cfg.Assignments.Send(ctx, body, 0); err != nil {
			err = fmt.Errorf("assignment %s: %w", m.Key, err)
			break
		}
		sent = append(sent, m)
	}
	// What is in the queue is noted even when we are stopping.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), messageTime)
	defer cancel()
	if noted := c.store.Sent(note, sent); err == nil {
		err = noted
	}
	return true, err
}
