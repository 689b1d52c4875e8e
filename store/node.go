package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/choirless/render/plan"
)

// NodeSilence is how long a node that has said nothing of itself, which it does every
// minute, is taken to be there.
const NodeSilence = 3 * time.Minute

// Node is a render node as it described itself.
type Node struct {
	Name string `json:"name"`
	plan.Node
	Seen time.Time `json:"seen"`
}

// PutNode notes what a node said of itself; nil forgets it.
func (d *db) PutNode(ctx context.Context, name string, about *plan.Node) error {
	text, err := json.Marshal(about)
	if err != nil {
		return fmt.Errorf("store: node %q: %w", name, err)
	}
	return d.change(ctx, "put node", func(t *tx) error {
		t.quiet = true
		if _, err := t.exec(ctx, `DELETE FROM nodes WHERE name = ? OR seen < ?`, name, t.now-int64(NodeSilence)); err != nil || about == nil {
			return err
		}
		// Another coordinator may have been told at the same moment.
		_, err := t.exec(ctx, `INSERT INTO nodes (name, about, seen) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET about = excluded.about, seen = excluded.seen`, name, string(text), t.now)
		return err
	})
}

// Nodes returns the nodes that are there, by name.
func (d *db) Nodes(ctx context.Context) ([]Node, error) {
	var all []Node
	err := d.each(ctx, d.read, func(r *sql.Rows) error {
		var n Node
		var about string
		var seen int64
		if err := r.Scan(&n.Name, &about, &seen); err != nil {
			return err
		}
		n.Seen = moment(seen)
		all = append(all, n)
		return json.Unmarshal([]byte(about), &all[len(all)-1].Node)
	}, `SELECT name, about, seen FROM nodes WHERE seen >= ? ORDER BY name`, d.now().UnixNano()-int64(NodeSilence))
	if err != nil {
		return nil, fmt.Errorf("store: nodes: %w", err)
	}
	return all, nil
}
