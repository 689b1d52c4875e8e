package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// TaskNews notes that an attempt runs and how far it is.
func (d *db) TaskNews(ctx context.Context, n News) (live bool, err error) {
	err = d.change(ctx, "task news", func(t *tx) error {
		live = false
		if err := t.lockSong(ctx, n.Song); err != nil {
			return err
		}
		task, err := t.task(ctx, n.Song, n.Key)
		if err != nil {
			return err
		}
		if (task.State != TaskQueued && task.State != TaskRunning) || n.Attempt != task.Attempt {
			return nil
		}
		if n.Delivery != "" && n.Delivery == task.returned {
			return nil // overtaken by its being handed back
		}
		live = true
		started := task.Started
		if task.State == TaskQueued {
			started = moment(t.now)
			task.Node = n.Node
			t.step(task, TaskRunning, "on "+n.Node)
			if err := t.withdraw(ctx, n.Song, n.Key); err != nil { // a message that was to be sent again
				return err
			}
		}
		_, err = t.exec(ctx, `UPDATE tasks SET state = ?, node = ?, percent = ?, error = '', news_at = ?, started = ?, updated = ?
			WHERE choir = ? AND song = ? AND key = ?`, TaskRunning, n.Node, max(n.Percent, task.Percent), t.now,
			nanos(started), t.now, n.Choir, n.Song.Song, n.Key)
		return err
	})
	return live, err
}

// CompleteTask notes a result.
func (d *db) CompleteTask(ctx context.Context, done Done) (fresh bool, err error) {
	err = d.change(ctx, "complete task", func(t *tx) error {
		fresh = false
		if err := t.lockSong(ctx, done.Song); err != nil {
			return err
		}
		task, err := t.task(ctx, done.Song, done.Key)
		if err != nil || task.State == TaskDone {
			return err
		}
		fresh = true
		if _, err := t.exec(ctx, `UPDATE tasks SET state = ?, percent = 100, error = '', result = ?, node = ?, updated = ?
			WHERE choir = ? AND song = ? AND key = ?`,
			TaskDone, string(done.Result), done.Node, t.now, done.Choir, done.Song.Song, done.Key); err != nil {
			return err
		}
		if err := t.withdraw(ctx, done.Song, done.Key); err != nil {
			return err
		}
		if task.Started.IsZero() && task.Attempt == done.Attempt { // its beginning was overtaken, or the task was cancelled
			t.step(task, TaskRunning, "on "+done.Node)
		}
		task.Attempt = done.Attempt
		t.step(task, TaskDone, "on "+done.Node)
		if task.Kind == plan.KindIngest {
			return t.ingested(ctx, task, done.Result, done.Debounce)
		}
		live, err := t.live(ctx, done.Song, done.Key)
		if err != nil {
			return err
		}
		for _, r := range live {
			if err := t.fanIn(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, err
}

// live returns the renders that wait for a task.
func (t *tx) live(ctx context.Context, id definition.Song, key string) ([]Render, error) {
	var all []Render
	err := t.d.each(ctx, t, func(r *sql.Rows) error {
		v := Render{Song: id}
		err := r.Scan(&v.Run, &v.Name, &v.State)
		all = append(all, v)
		return err
	}, `SELECT r.run, r.name, r.state FROM render_tasks l JOIN renders r ON r.run = l.run
		WHERE l.choir = ? AND l.song = ? AND l.key = ? AND r.state IN ('rendering', 'stacking') ORDER BY r.run`,
		id.Choir, id.Song, key)
	return all, err
}

// fanIn moves a render on when nothing of its stage is left to be done. The song
// is locked, so of two last tasks one sees the other's result.
func (t *tx) fanIn(ctx context.Context, r Render) error {
	stage, next := 1, Checking
	if r.State == Stacking {
		stage, next = 2, Finishing
	}
	var left int
	if err := t.row(ctx, `SELECT COUNT(*) FROM render_tasks l
		JOIN tasks t ON t.choir = l.choir AND t.song = l.song AND t.key = l.key
		WHERE l.run = ? AND l.stage = ? AND t.state <> 'done'`, r.Run, stage).Scan(&left); err != nil {
		return err
	}
	if left > 0 {
		return t.ripen(ctx, r.Run, stage)
	}
	n, err := t.exec(ctx, `UPDATE renders SET state = ?, failures = 0, not_before = 0, lease_until = 0, epoch = epoch + 1, updated = ?
		WHERE run = ? AND state = ?`, next, t.now, r.Run, r.State)
	if err != nil || n == 0 {
		return err
	}
	e := Event{
		Song: r.Song, Run: r.Run, Stage: StagePicture, State: TaskDone, Legacy: definition.StatusComposited,
		Text: "all cells and sounds are there",
	}
	if stage == 2 {
		e.Stage, e.Legacy, e.Text = StageStack, "", "all stacks are there"
	}
	t.event(e)
	return nil
}

// FailTask notes a failed attempt.
func (d *db) FailTask(ctx context.Context, f Failure) (v Verdict, err error) {
	err = d.change(ctx, "fail task", func(t *tx) error {
		v = Ignored
		if err := t.lockSong(ctx, f.Song); err != nil {
			return err
		}
		task, err := t.task(ctx, f.Song, f.Key)
		if err != nil {
			return err
		}
		over := task.State != TaskQueued && task.State != TaskRunning
		if over || f.Attempt < task.Attempt {
			return nil
		}
		task.Node = f.Node
		if ended, err := t.endOrphan(ctx, task, f.Reason); ended || err != nil {
			v = Orphaned
			return err
		}
		if f.Gone {
			v = Replanned
			return t.replan(ctx, task, f.Reason)
		}
		if !f.Permanent && task.Failures+1 < f.Limit {
			v = Retried
			delay := f.Delay << min(task.Failures, 10)
			t.step(task, TaskQueued, fmt.Sprintf("attempt %d failed on %s, tried again in %v: %s",
				task.Attempt, f.Node, delay.Round(time.Millisecond), f.Reason))
			return t.requeue(ctx, f.Song, f.Key, requeueFailed, delay)
		}
		v = GivenUp
		return t.giveUp(ctx, task, f.Reason, f.Blame)
	})
	return v, err
}

// giveUp ends a task for good, with what follows for its part and its renders.
func (t *tx) giveUp(ctx context.Context, task Task, reason string, blame definition.PartID) error {
	if _, err := t.exec(ctx, `UPDATE tasks SET state = ?, failures = failures + 1, error = ?, node = ?, updated = ?
		WHERE choir = ? AND song = ? AND key = ?`,
		TaskFailed, reason, task.Node, t.now, task.Choir, task.Song.Song, task.Key); err != nil {
		return err
	}
	if err := t.withdraw(ctx, task.Song, task.Key); err != nil {
		return err
	}
	t.step(task, TaskFailed, reason)
	if task.Kind == plan.KindIngest {
		return t.refuse(ctx, task, reason)
	}
	if blame == "" {
		blame = task.Part
	}
	live, err := t.live(ctx, task.Song, task.Key)
	if err != nil {
		return err
	}
	if blame == "" {
		for _, r := range live {
			if err := t.endRender(ctx, r, Failed, reason); err != nil {
				return err
			}
		}
		return t.cancelOrphans(ctx, task.Song)
	}
	return t.dropFrom(ctx, live, PartID{task.Song, blame}, reason)
}

// dropFrom takes a part out of the song and of the renders that wait for it.
func (t *tx) dropFrom(ctx context.Context, live []Render, id PartID, reason string) error {
	fresh, err := t.drop(ctx, id, reason)
	if err != nil {
		return err
	}
	if fresh {
		t.event(Event{Song: id.Song, Part: id.Part, Stage: StagePlan, State: TaskFailed, Text: "left out: " + reason})
	}
	var auto int
	if err := t.row(ctx, `SELECT auto FROM songs WHERE choir = ? AND song = ?`, id.Choir, id.Song.Song).Scan(&auto); err != nil {
		return err
	}
	for _, r := range live {
		if auto != 0 && r.Name == definition.AutoName {
			err = t.endRender(ctx, r, Cancelled, fmt.Sprintf("part %q left out: %s", id.Part, reason))
		} else {
			err = t.queueRender(ctx, r.Run)
		}
		if err != nil {
			return err
		}
	}
	return t.cancelOrphans(ctx, id.Song)
}

// RedoTasks makes done tasks be done again because their objects are gone.
func (d *db) RedoTasks(ctx context.Context, id definition.Song, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	return d.change(ctx, "redo tasks", func(t *tx) error {
		if err := t.lockSong(ctx, id); err != nil {
			return err
		}
		for _, key := range keys {
			if err := t.redo(ctx, id, key); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return nil
	})
}

func (t *tx) redo(ctx context.Context, id definition.Song, key string) error {
	task, err := t.task(ctx, id, key)
	if err != nil || task.State != TaskDone {
		return err
	}
	t.step(task, TaskQueued, "its object is gone")
	if task.Kind == plan.KindIngest {
		if _, err := t.exec(ctx, `UPDATE parts SET state = ?, updated = ? WHERE choir = ? AND song = ? AND task = ? AND state = ?`,
			PartIngesting, t.now, id.Choir, id.Song, key, PartReady); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE songs SET `+reading+` WHERE choir = ? AND song = ?`, id.Choir, id.Song); err != nil {
			return err
		}
	}
	return t.requeue(ctx, id, key, requeueFresh, 0)
}

// Sweep queues again what went silent and resends what was never started. A task that
// this fails for keeps no other from it.
func (d *db) Sweep(ctx context.Context, s Sweep) (swept Swept, err error) {
	now := d.now().UnixNano()
	silent, sent := now-int64(s.Silent), now-int64(s.Resend)
	if s.Everything {
		silent, sent = now+1, now+1
	}
	find := func(query string, args ...any) ([]Task, error) {
		all, err := d.scanTasks(ctx, d.read, `SELECT `+taskColumns+` FROM tasks t WHERE `+query+` LIMIT 1000`, args...)
		if err != nil {
			return nil, fmt.Errorf("store: sweep: %w", err)
		}
		return all, nil
	}
	running, err := find(`t.state = 'running' AND t.news_at < ?`, silent)
	if err != nil {
		return swept, err
	}
	var failed []error
	for _, task := range running {
		if err := d.sweepSilent(ctx, task, silent, s, &swept); err != nil {
			failed = append(failed, inSong(task.Song, err))
		}
	}
	unread, err := find(`t.state = 'queued' AND t.sent_at > 0 AND t.sent_at < ?`, sent)
	if err != nil {
		return swept, errors.Join(append(failed, err)...)
	}
	for _, task := range unread {
		if err := d.sweepUnread(ctx, task, s, &swept); err != nil {
			failed = append(failed, inSong(task.Song, err))
		}
	}
	return swept, errors.Join(failed...)
}

func (d *db) sweepSilent(ctx context.Context, seen Task, silent int64, s Sweep, swept *Swept) error {
	gave, again := 0, 0
	err := d.change(ctx, "sweep", func(t *tx) error {
		gave, again = 0, 0
		if err := t.lockSong(ctx, seen.Song); err != nil {
			return err
		}
		var news int64
		err := t.row(ctx, `SELECT news_at FROM tasks WHERE choir = ? AND song = ? AND key = ? AND state = 'running' AND attempt = ?`,
			seen.Choir, seen.Song.Song, seen.Key, seen.Attempt).Scan(&news)
		if err == sql.ErrNoRows || (err == nil && news >= silent) {
			return nil // it spoke, or is over
		} else if err != nil {
			return err
		}
		if ended, err := t.endOrphan(ctx, seen, "its node went silent"); ended || err != nil {
			return err
		}
		if s.Everything { // we stopped, the node is not to blame
			again = 1
			t.step(seen, TaskQueued, "interrupted, queued again")
			return t.requeue(ctx, seen.Song, seen.Key, requeue("losses = losses"), 0)
		}
		if seen.Losses+1 >= s.Losses {
			gave = 1
			return t.giveUp(ctx, seen, fmt.Sprintf("its node went silent %d times, last %s", seen.Losses+1, seen.Node), "")
		}
		again = 1
		t.step(seen, TaskQueued, fmt.Sprintf("%s went silent, queued again", seen.Node))
		return t.requeue(ctx, seen.Song, seen.Key, requeueLost, 0)
	})
	if err == nil {
		swept.GivenUp += gave
		swept.Requeued += again
	}
	return err
}

func (d *db) sweepUnread(ctx context.Context, seen Task, s Sweep, swept *Swept) error {
	again := 0
	err := d.change(ctx, "sweep", func(t *tx) error {
		again = 0
		if err := t.lockSong(ctx, seen.Song); err != nil {
			return err
		}
		var sends, sent int64
		err := t.row(ctx, `SELECT sends, sent_at FROM tasks WHERE choir = ? AND song = ? AND key = ? AND state = 'queued'
			AND sent_at > 0 AND attempt = ?`, seen.Choir, seen.Song.Song, seen.Key, seen.Attempt).Scan(&sends, &sent)
		if err == sql.ErrNoRows {
			return nil
		} else if err != nil {
			return err
		}
		// Each time twice as long, so that a long queue does not fill with copies.
		wait := int64(s.Resend) << min(max(sends-1, 0), 6)
		if !s.Everything && sent+wait > t.now {
			return nil
		}
		again = 1
		if _, err := t.exec(ctx, `UPDATE tasks SET sent_at = 0 WHERE choir = ? AND song = ? AND key = ?`,
			seen.Choir, seen.Song.Song, seen.Key); err != nil {
			return err
		}
		return t.announce(ctx, seen.Song, seen.Key, 0)
	})
	if err == nil {
		swept.Resent += again
	}
	return err
}
