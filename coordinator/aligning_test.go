package coordinator

import (
	"bytes"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// Features that another version wrote, or that are damaged, are made again.
func TestStaleFeatures(t *testing.T) {
	b := newBench(t)
	n, _ := b.node(nil)
	c, _ := b.start(b.config())
	b.recordings(take(0), take(1), take(2))
	b.done(c, "")
	for i, part := range []definition.PartID{"p1", "p2"} {
		old := bytes.Clone(testFeatures())
		old[3+i*100] ^= 0x40 // the version; some byte
		b.putOnly(definition.BucketConverted, definition.FeaturesKey(testSong, part), old)
	}
	b.upload("p3", take(3))
	r := b.done(c, "")
	if len(r.Parts) != 4 {
		t.Fatalf("%d parts", len(r.Parts))
	}
	for _, p := range r.Parts {
		if p.NeedsReview || p.State != store.PartReady {
			t.Errorf("part %+v", p)
		}
	}
	if got := n.done(plan.KindIngest); got != 6 {
		t.Errorf("%d ingests, want 4 and 2 again", got)
	}
}
