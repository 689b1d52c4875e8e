package coordinator

import (
	"encoding/json"
	"testing"

	"github.com/choirless/render/plan"
)

// What a node says of itself is known until it says that it goes.
func TestNodesAreKnown(t *testing.T) {
	b := newBench(t)
	c, _ := b.start(b.config())
	say := func(about *plan.Node) {
		t.Helper()
		body, err := json.Marshal(plan.Report{Node: "n", State: plan.ReportNode, About: about})
		if err == nil {
			err = b.reports.Send(t.Context(), body, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	slots := func() int {
		all, err := c.store.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return 0
		}
		return all[0].Slots
	}
	say(&plan.Node{Slots: 3})
	b.eventually("the node is known", func() bool { return slots() == 3 })
	say(nil)
	b.eventually("the node has gone", func() bool { return slots() == 0 })
}
