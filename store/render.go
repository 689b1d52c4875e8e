package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// RenderState is a state of a render.
//
//	queued ─plan→ rendering ─last cell→ checking ─→ finishing ─→ done
//	                                       └→ stacking ─last stack→ ┘
//
// A render can go to failed and cancelled from every state but done, and back
// to queued when a part is dropped.
type RenderState string

const (
	Queued    RenderState = "queued"    // waits to be planned
	Rendering RenderState = "rendering" // cells and sound are being made
	Checking  RenderState = "checking"  // waits to hear whether its stripes can be joined
	Stacking  RenderState = "stacking"  // stripes are being stacked by nodes
	Finishing RenderState = "finishing" // waits for, or is in, the last step
	Finished  RenderState = "done"
	Failed    RenderState = "failed"
	Cancelled RenderState = "cancelled"
)

// Over reports whether nothing more will happen by itself.
func (s RenderState) Over() bool { return s == Finished || s == Failed || s == Cancelled }

// Warning is what a person should know about a render, and about which part.
type Warning = plan.PartWarning

// Render is a row of renders.
type Render struct {
	Run string
	definition.Song
	Name string // of the definition
	// Seq counts the renders of the song.
	Seq        int64
	Key, ETag  string // of the definition object
	Definition json.RawMessage
	State      RenderState
	Percent    float64 // of the finishing
	Error      string
	Warnings   []Warning
	Plan       json.RawMessage // nil until planned
	Planned    bool            // there is a plan, also where Plan is left empty
	Output     json.RawMessage // nil until done
	// Ready is how many segments could be in the growing preview, Grown how many
	// are. -1 means that not even the sound is there.
	Ready, Grown int
	Failures     int
	Created      time.Time
	Updated      time.Time
	FinishedAt   time.Time
	epoch        int64
}

// Claim returns the claim that a render from ClaimRender holds.
func (r Render) Claim() Claim { return Claim{run: r.Run, song: r.Song, epoch: r.epoch} }

// Claim is the right to take a render's next step.
type Claim struct {
	run   string
	song  definition.Song
	epoch int64
}

// NewRender is a definition to be rendered. Run must be new.
type NewRender struct {
	Run string
	definition.Song
	Name       string
	Key, ETag  string
	Definition json.RawMessage
	// Force makes a new render although the definition is known.
	Force bool
}

// Planned is what planning a render gave.
type Planned struct {
	Plan     json.RawMessage
	Tasks    []NewTask
	Warnings []Warning
}

const renderColumns = `run, choir, song, name, seq, def_key, def_etag, definition, state, percent, error, warnings,
	plan, plan <> '', output, ready, grown, failures, epoch, created, updated, finished`

// briefColumns are renderColumns without what is large: definition and plan.
var briefColumns = strings.NewReplacer(" definition,", " '',", "\n\tplan,", "\n\t'',").Replace(renderColumns)

func scanRender(scan func(...any) error) (Render, error) {
	var r Render
	var def, warnings, planned, output string
	var created, updated, finished int64
	if err := scan(&r.Run, &r.Choir, &r.Song.Song, &r.Name, &r.Seq, &r.Key, &r.ETag, &def, &r.State, &r.Percent,
		&r.Error, &warnings, &planned, &r.Planned, &output, &r.Ready, &r.Grown, &r.Failures, &r.epoch, &created, &updated, &finished); err != nil {
		return Render{}, err
	}
	r.Definition, r.Plan, r.Output = raw(def), raw(planned), raw(output)
	r.Created, r.Updated, r.FinishedAt = moment(created), moment(updated), moment(finished)
	if warnings != "" {
		if err := json.Unmarshal([]byte(warnings), &r.Warnings); err != nil {
			return Render{}, fmt.Errorf("run %s: warnings: %w", r.Run, err)
		}
	}
	return r, nil
}

// AddRender notes a definition.
func (d *db) AddRender(ctx context.Context, n NewRender) (r Render, fresh bool, err error) {
	err = d.change(ctx, "add render", func(t *tx) error {
		fresh = false
		if err := t.lockSong(ctx, n.Song); err != nil {
			return err
		}
		last, err := scanRender(t.row(ctx, `SELECT `+renderColumns+` FROM renders
			WHERE choir = ? AND song = ? AND name = ? ORDER BY seq DESC LIMIT 1`, n.Choir, n.Song.Song, n.Name).Scan)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && !n.Force && last.Key == n.Key && last.ETag == n.ETag {
			r = last
			return nil
		}
		fresh = true
		return t.addRender(ctx, n, &r)
	})
	return r, fresh, err
}

func (t *tx) addRender(ctx context.Context, n NewRender, r *Render) error {
	if err := t.endRenders(ctx, n.Song, n.Name, n.Run, Cancelled, "superseded by run "+n.Run); err != nil {
		return err
	}
	var seq int64
	if err := t.row(ctx, `SELECT COALESCE(MAX(seq), 0) + 1 FROM renders WHERE choir = ? AND song = ?`,
		n.Choir, n.Song.Song).Scan(&seq); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO renders (run, choir, song, name, seq, def_key, def_etag, definition, state, created, updated)
		VALUES (`+placeholders(11)+`)`,
		n.Run, n.Choir, n.Song.Song, n.Name, seq, n.Key, n.ETag, string(n.Definition), Queued, t.now, t.now); err != nil {
		return err
	}
	t.event(Event{Song: n.Song, Run: n.Run, Stage: StageDefine, State: TaskDone, Legacy: definition.StatusRendered, Text: n.Key})
	if _, err := t.exec(ctx, `UPDATE songs SET problem = '', updated = ? WHERE choir = ? AND song = ?`,
		t.now, n.Choir, n.Song.Song); err != nil {
		return err
	}
	var err error
	*r, err = scanRender(t.row(ctx, `SELECT `+renderColumns+` FROM renders WHERE run = ?`, n.Run).Scan)
	return err
}

// endRenders ends the renders of a definition name that are not over, but for one.
func (t *tx) endRenders(ctx context.Context, id definition.Song, name, but string, state RenderState, reason string) error {
	var found []Render
	err := t.d.each(ctx, t, func(r *sql.Rows) error {
		v := Render{Song: id}
		err := r.Scan(&v.Run)
		found = append(found, v)
		return err
	}, `SELECT run FROM renders WHERE choir = ? AND song = ? AND name = ? AND run <> ?
		AND state NOT IN ('done', 'failed', 'cancelled') ORDER BY seq`, id.Choir, id.Song, name, but)
	if err != nil {
		return err
	}
	for _, r := range found {
		if err := t.endRender(ctx, r, state, reason); err != nil {
			return err
		}
	}
	return nil
}

// Render returns a render.
func (d *db) Render(ctx context.Context, run string) (Render, error) {
	r, err := scanRender(d.read.QueryRowContext(ctx, d.sql(`SELECT `+renderColumns+` FROM renders WHERE run = ?`), run).Scan)
	if err != nil {
		return Render{}, fmt.Errorf("store: run %s: %w", run, notFound(err))
	}
	return r, nil
}

// LatestRender returns the newest render of a definition name.
func (d *db) LatestRender(ctx context.Context, id definition.Song, name string) (Render, error) {
	return d.latest(ctx, renderColumns, id, name)
}

// LatestBrief is LatestRender without plan and definition.
func (d *db) LatestBrief(ctx context.Context, id definition.Song, name string) (Render, error) {
	return d.latest(ctx, briefColumns, id, name)
}

func (d *db) latest(ctx context.Context, columns string, id definition.Song, name string) (Render, error) {
	r, err := scanRender(d.read.QueryRowContext(ctx, d.sql(`SELECT `+columns+` FROM renders
		WHERE choir = ? AND song = ? AND name = ? ORDER BY seq DESC LIMIT 1`), id.Choir, id.Song, name).Scan)
	if err != nil {
		return Render{}, fmt.Errorf("store: render %q of song %s/%s: %w", name, id.Choir, id.Song, notFound(err))
	}
	return r, nil
}

// Renders returns renders, newest first, without plan and definition.
func (d *db) Renders(ctx context.Context, id definition.Song, limit int) ([]Render, error) {
	query, args := `SELECT `+briefColumns+` FROM renders`, []any{}
	if id != (definition.Song{}) {
		query, args = query+` WHERE choir = ? AND song = ? ORDER BY seq DESC LIMIT ?`, append(args, id.Choir, id.Song)
	} else {
		query += ` ORDER BY created DESC, run LIMIT ?`
	}
	var all []Render
	err := d.each(ctx, d.read, func(rows *sql.Rows) error {
		r, err := scanRender(rows.Scan)
		all = append(all, r)
		return err
	}, query, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("store: renders: %w", err)
	}
	return all, nil
}

// Definitions returns the ETag of the newest render of every definition key.
func (d *db) Definitions(ctx context.Context) (map[string]string, error) {
	return d.pairs(ctx, `SELECT def_key, def_etag FROM renders r WHERE seq =
		(SELECT MAX(seq) FROM renders n WHERE n.choir = r.choir AND n.song = r.song AND n.name = r.name)`)
}

// CancelRender ends a render that is not over.
func (d *db) CancelRender(ctx context.Context, run, reason string) (ended bool, err error) {
	found, err := d.Render(ctx, run)
	if err != nil {
		return false, err
	}
	err = d.change(ctx, "cancel render", func(t *tx) error {
		if err := t.lockSong(ctx, found.Song); err != nil {
			return err
		}
		var state RenderState
		if err := t.row(ctx, `SELECT state FROM renders WHERE run = ?`, run).Scan(&state); err != nil {
			return err
		}
		if ended = !state.Over(); !ended {
			return nil
		}
		if err := t.endRender(ctx, found, Cancelled, reason); err != nil {
			return err
		}
		return t.cancelOrphans(ctx, found.Song)
	})
	return ended, err
}

// RefinishRender makes a done render go through Finishing once more.
func (d *db) RefinishRender(ctx context.Context, run string) error {
	found, err := d.Render(ctx, run)
	if err != nil {
		return err
	}
	return d.change(ctx, "refinish render", func(t *tx) error {
		if err := t.lockSong(ctx, found.Song); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE renders SET state = ?, percent = 0, failures = 0, not_before = 0, lease_until = 0,
			epoch = epoch + 1, updated = ?, finished = 0 WHERE run = ? AND state = ? AND seq =
			(SELECT MAX(n.seq) FROM renders n WHERE n.choir = ? AND n.song = ? AND n.name = ?)`,
			Finishing, t.now, run, Finished, found.Choir, found.Song.Song, found.Name)
		if err == nil && n == 0 {
			return ErrLost
		}
		if err == nil {
			t.event(Event{Song: found.Song, Run: run, Stage: StageFinish, State: TaskQueued, Text: "its final is gone"})
		}
		return err
	})
}
