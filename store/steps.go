package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ClaimRender claims a render that waits for a step of the coordinator.
func (d *db) ClaimRender(ctx context.Context, owner string, lease time.Duration, states ...RenderState) (Render, error) {
	now := d.now().UnixNano()
	in := make([]string, len(states))
	for i, s := range states {
		in[i] = "'" + string(s) + "'" // constants of ours; spelled out so that the partial index is used
	}
	due := `state IN (` + strings.Join(in, ", ") + `) AND not_before <= ? AND lease_until <= ?`
	var found []Render
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var v Render
		err := r.Scan(&v.Run, &v.Choir, &v.Song.Song)
		found = append(found, v)
		return err
	}, `SELECT run, choir, song FROM renders WHERE `+due+` ORDER BY not_before, created LIMIT 8`, now, now)
	if err != nil {
		return Render{}, fmt.Errorf("store: claim render: %w", err)
	}
	for _, f := range found {
		r, err := d.claimRender(ctx, f, due, owner, lease)
		if !errors.Is(err, ErrNotFound) { // else somebody else was faster
			return r, err
		}
	}
	return Render{}, ErrNotFound
}

func (d *db) claimRender(ctx context.Context, found Render, due, owner string, lease time.Duration) (r Render, err error) {
	err = d.change(ctx, "claim render", func(t *tx) error {
		t.quiet = true
		if err := t.lockSong(ctx, found.Song); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE renders SET owner = ?, lease_until = ?, epoch = epoch + 1
			WHERE run = ? AND `+due, owner, t.now+int64(lease), found.Run, t.now, t.now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		r, err = scanRender(t.row(ctx, `SELECT `+renderColumns+` FROM renders WHERE run = ?`, found.Run).Scan)
		return err
	})
	return r, err
}

// hold locks the song and checks that the claim is still held.
func (t *tx) hold(ctx context.Context, c Claim) error {
	if err := t.lockSong(ctx, c.song); err != nil {
		return err
	}
	var n int
	err := t.row(ctx, `SELECT COUNT(*) FROM renders WHERE run = ? AND epoch = ? AND lease_until > ?`,
		c.run, c.epoch, t.now).Scan(&n)
	if err == nil && n == 0 {
		return ErrLost
	}
	return err
}

// ExtendRender restarts the lease from now.
func (d *db) ExtendRender(ctx context.Context, c Claim, lease time.Duration) error {
	return d.change(ctx, "extend render", func(t *tx) error {
		t.quiet = true
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE renders SET lease_until = ? WHERE run = ?`, t.now+int64(lease), c.run)
		return err
	})
}

// ReleaseRender ends the claim with the step still to be done.
func (d *db) ReleaseRender(ctx context.Context, c Claim, delay time.Duration, reason string) (failures int, err error) {
	err = d.change(ctx, "release render", func(t *tx) error {
		t.quiet = true
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE renders SET lease_until = 0, not_before = ?, failures = failures + ?, updated = ?
			WHERE run = ?`, t.now+int64(delay), flag(reason != ""), t.now, c.run); err != nil {
			return err
		}
		return t.row(ctx, `SELECT failures FROM renders WHERE run = ?`, c.run).Scan(&failures)
	})
	return failures, err
}

// PlanRender stores the plan and its tasks and ends the claim.
func (d *db) PlanRender(ctx context.Context, c Claim, p Planned) error {
	warnings, err := json.Marshal(p.Warnings)
	if err != nil {
		return err
	}
	return d.change(ctx, "plan render", func(t *tx) error {
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM render_tasks WHERE run = ?`, c.run); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE renders SET state = ?, plan = ?, warnings = ?, error = '', percent = 0, failures = 0,
			ready = -1, grown = -1, grow_until = 0, lease_until = 0, epoch = epoch + 1, updated = ? WHERE run = ?`,
			Rendering, string(p.Plan), string(warnings), t.now, c.run); err != nil {
			return err
		}
		if err := t.link(ctx, c, 1, p.Tasks); err != nil {
			return err
		}
		if err := t.cancelOrphans(ctx, c.song); err != nil {
			return err
		}
		t.event(Event{
			Song: c.song, Run: c.run, Stage: StagePlan, State: TaskDone,
			Text: fmt.Sprintf("%d cells and sounds", len(p.Tasks)),
		})
		return t.fanIn(ctx, Render{Run: c.run, Song: c.song, State: Rendering})
	})
}

// link adds tasks to a stage of a render.
func (t *tx) link(ctx context.Context, c Claim, stage int, add []NewTask) error {
	for _, n := range add {
		if err := t.addTask(ctx, c.song, n, false); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO render_tasks (run, choir, song, key, stage) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, c.run, c.song.Choir, c.song.Song, n.Key, stage); err != nil {
			return err
		}
	}
	return nil
}

// StackRender adds the stacking tasks and ends the claim.
func (d *db) StackRender(ctx context.Context, c Claim, add []NewTask) error {
	return d.change(ctx, "stack render", func(t *tx) error {
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE renders SET state = ?, failures = 0, lease_until = 0, epoch = epoch + 1, updated = ?
			WHERE run = ?`, Stacking, t.now, c.run); err != nil {
			return err
		}
		if err := t.link(ctx, c, 2, add); err != nil {
			return err
		}
		return t.fanIn(ctx, Render{Run: c.run, Song: c.song, State: Stacking})
	})
}

// RenderPercent notes how far the finishing is.
func (d *db) RenderPercent(ctx context.Context, c Claim, percent float64) error {
	return d.change(ctx, "render percent", func(t *tx) error {
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE renders SET percent = ?, updated = ? WHERE run = ?`, percent, t.now, c.run)
		return err
	})
}

// FinishRender stores the facts of the final and ends the claim.
func (d *db) FinishRender(ctx context.Context, c Claim, output json.RawMessage, warnings []Warning) error {
	text, err := json.Marshal(warnings)
	if err != nil {
		return err
	}
	return d.change(ctx, "finish render", func(t *tx) error {
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE renders SET state = ?, percent = 100, output = ?, warnings = ?, error = '',
			lease_until = 0, epoch = epoch + 1, updated = ?, finished = ? WHERE run = ?`,
			Finished, string(output), string(text), t.now, t.now, c.run); err != nil {
			return err
		}
		t.event(Event{Song: c.song, Run: c.run, Stage: StageFinish, State: TaskDone, Legacy: "done"})
		_, err := t.exec(ctx, `UPDATE songs SET problem = '', updated = ? WHERE choir = ? AND song = ?`,
			t.now, c.song.Choir, c.song.Song)
		return err
	})
}

// FailRender ends the claim and the render.
func (d *db) FailRender(ctx context.Context, c Claim, reason string) error {
	return d.change(ctx, "fail render", func(t *tx) error {
		if err := t.hold(ctx, c); err != nil {
			return err
		}
		if err := t.endRender(ctx, Render{Run: c.run, Song: c.song}, Failed, reason); err != nil {
			return err
		}
		return t.cancelOrphans(ctx, c.song)
	})
}

// endRender ends a render that is not over, whoever holds it.
func (t *tx) endRender(ctx context.Context, r Render, state RenderState, reason string) error {
	n, err := t.exec(ctx, `UPDATE renders SET state = ?, error = ?, lease_until = 0, epoch = epoch + 1, updated = ?, finished = ?
		WHERE run = ? AND state NOT IN ('done', 'failed', 'cancelled')`, state, reason, t.now, t.now, r.Run)
	if err != nil || n == 0 {
		return err
	}
	t.event(Event{Song: r.Song, Run: r.Run, Stage: StageFinish, State: TaskState(state), Text: reason})
	return nil
}
