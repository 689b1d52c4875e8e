package store

import "context"

// replan cancels a task that lacks an object, and has the renders that wait for it
// planned again: planning finds out what is gone and has it made.
func (t *tx) replan(ctx context.Context, task Task, reason string) error {
	if err := t.endTask(ctx, task, "planned again: "+reason); err != nil {
		return err
	}
	live, err := t.live(ctx, task.Song, task.Key)
	if err != nil {
		return err
	}
	for _, r := range live {
		if err := t.queueRender(ctx, r.Run); err != nil {
			return err
		}
	}
	return nil
}

// queueRender has a render planned again, whoever holds it.
func (t *tx) queueRender(ctx context.Context, run string) error {
	_, err := t.exec(ctx, `UPDATE renders SET state = ?, not_before = 0, lease_until = 0, epoch = epoch + 1, updated = ?
		WHERE run = ?`, Queued, t.now, run)
	return err
}
