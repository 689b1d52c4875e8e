package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
)

// A cell one of whose parts has been deleted since it was planned fails and blames the
// part: with a placeholder for it, it would be stored under the key of the cell that
// shows the part. When the part is back it is made.
func TestCellOfADeletedPart(t *testing.T) {
	b := newBench(t)
	p := b.wanderingCell(30)
	p.Tiles = append([]plan.PictureTile{{Part: "q", Source: plan.Ref{Bucket: "b", Key: "gone.mp4"}, W: 16, H: 16}}, p.Tiles...)
	b.run()
	b.send(plan.Assignment{Kind: plan.KindPicture, Key: "key", Picture: p})
	r := b.final()
	if r.State != plan.ReportFailed || r.Permanent || !r.Gone || r.Part != "q" || !strings.Contains(r.Error, "b/gone.mp4") {
		t.Errorf("report %+v", r)
	}
	for _, key := range []string{p.Out.Key, p.Out.Key + memoSuffix} {
		if _, err := b.objects.Stat(t.Context(), key); !errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("%s: %v, want it not to be there", key, err)
		}
	}
	p.Tiles = p.Tiles[1:]
	b.send(plan.Assignment{Kind: plan.KindPicture, Key: "key", Picture: p})
	if r := b.final(); r.State != plan.ReportDone {
		t.Errorf("report %+v", r)
	}
}
