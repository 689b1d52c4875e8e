package store

import "context"

// ReturnTask notes that a delivery of an attempt has been handed back. Its message is in
// the queue still, so that the attempt stays the same.
func (d *db) ReturnTask(ctx context.Context, n News) (fresh bool, err error) {
	err = d.change(ctx, "return task", func(t *tx) error {
		fresh = false
		if err := t.lockSong(ctx, n.Song); err != nil {
			return err
		}
		task, err := t.task(ctx, n.Song, n.Key)
		over := task.State != TaskQueued && task.State != TaskRunning
		if err != nil || over || n.Attempt != task.Attempt || n.Delivery == task.returned {
			return err
		}
		fresh = true
		if _, err := t.exec(ctx, `UPDATE tasks SET returned = ? WHERE choir = ? AND song = ? AND key = ?`,
			n.Delivery, n.Choir, n.Song.Song, n.Key); err != nil {
			return err
		}
		if task.State != TaskRunning || task.Node != n.Node { // its beginning is overtaken, or another node goes on
			return nil
		}
		text := "handed back by " + n.Node
		if n.Reason != "" {
			text += ": " + n.Reason
		}
		if ended, err := t.endOrphan(ctx, task, text); ended || err != nil {
			return err
		}
		t.step(task, TaskQueued, text)
		_, err = t.exec(ctx, `UPDATE tasks SET state = ?, percent = 0, error = ?, sent_at = ?, news_at = 0, started = 0, updated = ?
			WHERE choir = ? AND song = ? AND key = ?`, TaskQueued, n.Reason, t.now, t.now, n.Choir, n.Song.Song, n.Key)
		return err
	})
	return fresh, err
}
