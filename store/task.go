package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// TaskState is a state of a task.
type TaskState string

const (
	TaskQueued    TaskState = "queued"
	TaskRunning   TaskState = "running"
	TaskDone      TaskState = "done"
	TaskFailed    TaskState = "failed"
	TaskCancelled TaskState = "cancelled"
)

// Task is a row of tasks.
type Task struct {
	plan.Assignment // Attempt is the current one
	Stripe, Segment int
	Part            definition.PartID // of an ingest
	State           TaskState
	Failures        int
	Losses          int
	Percent         float64
	Error           string
	Result          json.RawMessage // nil unless done
	Node            string
	Started         time.Time
	Updated         time.Time
	returned        string // the delivery that was handed back last
}

// NewTask is work to be done, unless it is done already.
type NewTask struct {
	plan.Assignment
	// Stripe and Segment are for people; Part too, and it is the part to blame
	// when a report does not say.
	Stripe, Segment int
	Part            definition.PartID
}

// Count is the number of tasks of a render of one kind in one state.
type Count struct {
	Kind    plan.Kind
	State   TaskState
	Tasks   int
	Percent float64 // sum over the tasks, each 0..100
	// Reused is how many of them were done before the render was there.
	Reused int
	// Error is of one of them: why it failed, or went back to the queue.
	Error string
}

// News is a sign of life of an attempt.
type News struct {
	definition.Song
	Key     string
	Attempt int
	Node    string
	// Delivery tells the times apart that one attempt was taken from the queue.
	Delivery string
	Percent  float64 // 0..100
	// Reason is why it was handed back, empty when its node stops.
	Reason string
}

// Done is the result of a task.
type Done struct {
	definition.Song
	Key     string
	Attempt int
	Node    string
	Result  json.RawMessage
	// Debounce is how long the song waits for more after an ingest.
	Debounce time.Duration
}

// Failure is a failed attempt.
type Failure struct {
	definition.Song
	Key       string
	Attempt   int
	Node      string
	Reason    string
	Permanent bool
	// Gone: an object that the task reads is gone. Its renders are planned again.
	Gone bool
	// Blame is the part that caused it, empty for the task's own.
	Blame definition.PartID
	// Limit is the number of failures that give the task up; Delay is the pause
	// after the first, doubled for each that follows.
	Limit int
	Delay time.Duration
}

// Verdict is what became of a failed task.
type Verdict string

const (
	Ignored   Verdict = "ignored"   // an older attempt, or the task is over
	Retried   Verdict = "retried"   // another attempt is queued
	GivenUp   Verdict = "given up"  // see 11 of Store
	Replanned Verdict = "replanned" // see 11 of Store
	Orphaned  Verdict = "orphaned"  // no live render needs it: it is cancelled
)

// Sweep says what counts as lost.
type Sweep struct {
	// Silent is how long a running attempt may be without news.
	Silent time.Duration
	// Resend is how long a sent message may stay unread; it doubles with every
	// time it is sent again.
	Resend time.Duration
	// Losses is the number of silent attempts that count as one failure for good.
	Losses int
	// Everything treats all sent and running tasks as lost: for queues that
	// died with the process.
	Everything bool
}

// Swept is what a sweep did.
type Swept struct{ Requeued, Resent, GivenUp int }

// Message is an assignment to be sent.
type Message struct {
	id int64
	plan.Assignment
	// Faults is how often the task has failed or its node gone silent.
	Faults int
}

const taskColumns = `t.choir, t.song, t.key, t.kind, t.stripe, t.segment, t.part, t.payload, t.state, t.attempt,
	t.failures, t.losses, t.percent, t.error, t.result, t.node, t.returned, t.started, t.updated`

func scanTask(scan func(...any) error) (Task, error) {
	var t Task
	var payload, result string
	var started, updated int64
	var id definition.Song
	var key string
	var kind plan.Kind
	var attempt int
	if err := scan(&id.Choir, &id.Song, &key, &kind, &t.Stripe, &t.Segment, &t.Part, &payload, &t.State, &attempt,
		&t.Failures, &t.Losses, &t.Percent, &t.Error, &result, &t.Node, &t.returned, &started, &updated); err != nil {
		return Task{}, err
	}
	if err := json.Unmarshal([]byte(payload), &t.Assignment); err != nil {
		return Task{}, fmt.Errorf("task %s: payload: %w", key, err)
	}
	t.Attempt, t.Result = attempt, raw(result)
	t.Started, t.Updated = moment(started), moment(updated)
	return t, nil
}

func (d *db) scanTasks(ctx context.Context, q querier, query string, args ...any) ([]Task, error) {
	var all []Task
	err := d.each(ctx, q, func(r *sql.Rows) error {
		t, err := scanTask(r.Scan)
		all = append(all, t)
		return err
	}, query, args...)
	return all, err
}

// task reads a task inside the transaction.
func (t *tx) task(ctx context.Context, id definition.Song, key string) (Task, error) {
	found, err := scanTask(t.row(ctx, `SELECT `+taskColumns+` FROM tasks t
		WHERE t.choir = ? AND t.song = ? AND t.key = ?`, id.Choir, id.Song, key).Scan)
	return found, notFound(err)
}

// Task returns a task.
func (d *db) Task(ctx context.Context, id definition.Song, key string) (Task, error) {
	found, err := scanTask(d.read.QueryRowContext(ctx, d.sql(`SELECT `+taskColumns+` FROM tasks t
		WHERE t.choir = ? AND t.song = ? AND t.key = ?`), id.Choir, id.Song, key).Scan)
	if err != nil {
		return Task{}, fmt.Errorf("store: task %s: %w", key, notFound(err))
	}
	return found, nil
}

// Tasks returns the tasks of a render in plan order.
func (d *db) Tasks(ctx context.Context, run string) ([]Task, error) {
	all, err := d.scanTasks(ctx, d.read, `SELECT `+taskColumns+` FROM render_tasks r
		JOIN tasks t ON t.choir = r.choir AND t.song = r.song AND t.key = r.key
		WHERE r.run = ? ORDER BY r.stage, t.kind, t.segment, t.stripe`, run)
	if err != nil {
		return nil, fmt.Errorf("store: tasks of run %s: %w", run, err)
	}
	return all, nil
}

// Counts sums up the tasks of a render by kind and state.
func (d *db) Counts(ctx context.Context, run string) ([]Count, error) {
	var all []Count
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var c Count
		err := r.Scan(&c.Kind, &c.State, &c.Tasks, &c.Percent, &c.Reused, &c.Error)
		all = append(all, c)
		return err
	}, `SELECT t.kind, t.state, COUNT(*), SUM(t.percent),
		SUM(CASE WHEN t.state = 'done' AND t.updated < d.created THEN 1 ELSE 0 END), MAX(t.error)
		FROM render_tasks r JOIN renders d ON d.run = r.run
		JOIN tasks t ON t.choir = r.choir AND t.song = r.song AND t.key = r.key
		WHERE r.run = ? GROUP BY t.kind, t.state ORDER BY t.kind, t.state`, run)
	if err != nil {
		return nil, fmt.Errorf("store: counts of run %s: %w", run, err)
	}
	return all, nil
}

// addTask adds work with the message that announces it. Work that is done, or on
// its way, is left alone unless it is to be done afresh.
func (t *tx) addTask(ctx context.Context, id definition.Song, n NewTask, fresh bool) error {
	n.Song, n.Attempt = id, 0
	payload, err := json.Marshal(n.Assignment)
	if err != nil {
		return err
	}
	added, err := t.exec(ctx, `INSERT INTO tasks
		(choir, song, key, kind, stripe, segment, part, payload, state, attempt, created, updated)
		VALUES (`+placeholders(12)+`) ON CONFLICT DO NOTHING`,
		id.Choir, id.Song, n.Key, n.Kind, n.Stripe, n.Segment, n.Part, string(payload), TaskQueued, 1, t.now, t.now)
	if err != nil {
		return err
	}
	if added == 1 {
		return t.announce(ctx, id, n.Key, 0)
	}
	var state TaskState
	if err := t.row(ctx, `SELECT state FROM tasks WHERE choir = ? AND song = ? AND key = ?`,
		id.Choir, id.Song, n.Key).Scan(&state); err != nil {
		return err
	}
	if !fresh && (state == TaskDone || state == TaskQueued || state == TaskRunning) {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE tasks SET payload = ?, stripe = ?, segment = ?, part = ?
		WHERE choir = ? AND song = ? AND key = ?`,
		string(payload), n.Stripe, n.Segment, n.Part, id.Choir, id.Song, n.Key); err != nil {
		return err
	}
	return t.requeue(ctx, id, n.Key, requeueFresh, 0)
}

// requeue is why a task is queued again.
type requeue string

const (
	requeueFresh  requeue = "failures = 0, losses = 0" // as if new
	requeueFailed requeue = "failures = failures + 1"
	requeueLost   requeue = "losses = losses + 1"
)

// requeue queues another attempt.
func (t *tx) requeue(ctx context.Context, id definition.Song, key string, why requeue, delay time.Duration) error {
	if _, err := t.exec(ctx, `UPDATE tasks SET state = ?, attempt = attempt + 1, percent = 0, error = '', result = '',
		sends = 0, sent_at = 0, news_at = 0, started = 0, updated = ?, `+string(why)+`
		WHERE choir = ? AND song = ? AND key = ?`, TaskQueued, t.now, id.Choir, id.Song, key); err != nil {
		return err
	}
	return t.announce(ctx, id, key, delay)
}

// cancelTask cancels a task that has not started.
func (t *tx) cancelTask(ctx context.Context, id definition.Song, key string) error {
	n, err := t.exec(ctx, `UPDATE tasks SET state = ?, updated = ? WHERE choir = ? AND song = ? AND key = ? AND state = ?`,
		TaskCancelled, t.now, id.Choir, id.Song, key, TaskQueued)
	if err != nil || n == 0 {
		return err
	}
	return t.withdraw(ctx, id, key)
}

// endTask cancels a task, also one that runs.
func (t *tx) endTask(ctx context.Context, task Task, text string) error {
	if _, err := t.exec(ctx, `UPDATE tasks SET state = ?, updated = ? WHERE choir = ? AND song = ? AND key = ?`,
		TaskCancelled, t.now, task.Choir, task.Song.Song, task.Key); err != nil {
		return err
	}
	t.step(task, TaskCancelled, text)
	return t.withdraw(ctx, task.Song, task.Key)
}

// orphan is the condition that no live render needs task t. An ingest is for its part.
const orphan = `t.kind <> 'ingest' AND NOT EXISTS
	(SELECT 1 FROM render_tasks l JOIN renders r ON r.run = l.run
	 WHERE l.choir = t.choir AND l.song = t.song AND l.key = t.key AND r.state IN ('queued', 'rendering', 'checking', 'stacking'))`

// endOrphan ends a task that is not to be tried again because no live render needs it;
// false when one does.
func (t *tx) endOrphan(ctx context.Context, task Task, why string) (bool, error) {
	var n int
	if err := t.row(ctx, `SELECT COUNT(*) FROM tasks t WHERE t.choir = ? AND t.song = ? AND t.key = ? AND `+orphan,
		task.Choir, task.Song.Song, task.Key).Scan(&n); err != nil || n == 0 {
		return false, err
	}
	return true, t.endTask(ctx, task, "no render needs it any more: "+why)
}

// cancelOrphans cancels the unstarted tasks of a song that no live render needs.
func (t *tx) cancelOrphans(ctx context.Context, id definition.Song) error {
	var keys []string
	err := t.d.each(ctx, t, func(r *sql.Rows) error {
		var k string
		err := r.Scan(&k)
		keys = append(keys, k)
		return err
	}, `SELECT key FROM tasks t WHERE choir = ? AND song = ? AND state = 'queued' AND `+orphan, id.Choir, id.Song)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := t.cancelTask(ctx, id, k); err != nil {
			return err
		}
	}
	return nil
}

// step is the event of a task.
func (t *tx) step(task Task, state TaskState, text string) {
	e := Event{
		Song: task.Song, Part: task.Part, Run: task.Run, Stage: Stage(task.Kind), State: state,
		Stripe: task.Stripe, Segment: task.Segment, Attempt: task.Attempt, Text: text,
	}
	if task.Kind == plan.KindIngest && state == TaskDone {
		e.Legacy = definition.StatusConverted
	}
	t.event(e)
}
