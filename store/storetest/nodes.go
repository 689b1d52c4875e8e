package storetest

import (
	"testing"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

func testNodes(t *testing.T, b *bench) {
	ctx := t.Context()
	names := func() (all []string) {
		t.Helper()
		nodes, err := b.Nodes(ctx)
		b.must(err)
		for _, n := range nodes {
			all = append(all, n.Name)
		}
		return all
	}
	equal(t, "nobody", names(), nil)
	b.must(b.PutNode(ctx, "b", &plan.Node{Slots: 2}))
	b.Advance(minute)
	b.must(b.PutNode(ctx, "a", &plan.Node{Slots: 1, Compositor: "llvmpipe", Software: true, Encoders: map[string]string{"x264": "available"}}))
	b.must(b.PutNode(ctx, "a", &plan.Node{Slots: 4, Compositor: "H100", Encoder: "libx264", StripesJoin: true}))
	equal(t, "nodes", names(), []string{"a", "b"})
	nodes, err := b.handle().Nodes(ctx)
	b.must(err)
	equal(t, "a", nodes[0], store.Node{
		Name: "a", Node: plan.Node{Slots: 4, Compositor: "H100", Encoder: "libx264", StripesJoin: true}, Seen: b.Now().UTC(),
	})
	b.Advance(store.NodeSilence - minute + 1)
	equal(t, "when one is silent", names(), []string{"a"})
	b.must(b.PutNode(ctx, "a", nil))
	b.must(b.PutNode(ctx, "a", nil))
	equal(t, "when the other has gone", names(), nil)
}
