package coordinator

import (
	"bytes"
	"fmt"
	"strings"
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
		b.putOnly(definition.BucketConverted, definition.FeaturesKey(testSong, part, b.take(part)), old)
	}
	b.oneMore("p3", 4)
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

// A part that is not understood falls back to its document and says why; what a
// person sets for it wins and stays.
func TestReview(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	strange := take(2)
	strange.Strange = true
	b.recordings(take(0), take(1), strange, short(3))
	put := func(doc definition.Part) {
		t.Helper()
		if err := c.PutPart(t.Context(), testSong, doc); err != nil {
			t.Fatal(err)
		}
	}
	put(definition.Part{PartID: "p2", FrontendOffset: definition.Some(70.0)})
	r := b.done(c, "")
	p := r.Parts[2]
	if p.OffsetMS != 70 || !p.NeedsReview || p.Confidence >= 0.5 || p.Method != "fallback" || p.Reason == "" || len(p.Candidates) != 2 {
		t.Errorf("%+v", p)
	}
	for _, want := range append([]string{"70 ms was not measured", p.Reason},
		fmt.Sprintf("%.0f ms", p.Candidates[0].OffsetMS), fmt.Sprintf("%.0f ms", p.Candidates[1].OffsetMS)) {
		if !strings.Contains(strings.Join(p.Warnings, "\n"), want) {
			t.Errorf("warnings %q lack %q", p.Warnings, want)
		}
	}
	if p := r.Parts[3]; !p.NeedsReview || p.Reason != "silent" {
		t.Errorf("silent: %+v", p)
	}
	put(definition.Part{PartID: "p2", Offset: definition.Some(-1234.5), OffsetLocked: true})
	b.done(c, "")
	b.oneMore("p4", 5) // and all are aligned again
	r = b.done(c, "")
	if len(r.Parts) != 5 {
		t.Fatalf("%d parts", len(r.Parts))
	}
	if p := r.Parts[2]; p.OffsetMS != -1234.5 || p.NeedsReview || p.Method != "locked" || !p.Locked {
		t.Errorf("locked: %+v", p)
	}
	if p := r.Parts[4]; p.NeedsReview || p.Method == "" {
		t.Errorf("the new part: %+v", p)
	}
}

// take is the SHA-256 of the converted part.
func (b *bench) take(part definition.PartID) string {
	b.Helper()
	p, err := b.store.Part(b.Context(), store.PartID{Song: testSong, Part: part})
	if err != nil || p.Ingest == nil {
		b.Fatalf("part %q: %+v, %v", part, p, err)
	}
	return p.Ingest.SHA256
}

// oneMore uploads a recording, with which the song has n parts, and waits until
// that is known.
func (b *bench) oneMore(part string, n int) {
	b.Helper()
	b.upload(part, take(n))
	b.eventually(part+" is known", func() bool {
		parts, err := b.store.Parts(b.Context(), testSong)
		return err == nil && len(parts) == n
	})
}
