package node

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// takes is a node with all buckets an ingest needs, and a part that is recorded
// again and again.
type takes struct {
	*bench
	raw plan.Ref
}

func newTakes(t *testing.T) takes {
	b := newBench(t)
	for _, role := range []string{definition.BucketRaw, definition.BucketSnapshots, definition.BucketConverted} {
		d, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		b.node.cfg.Buckets[role] = d
	}
	return takes{b, plan.Ref{Bucket: definition.BucketRaw, Key: "c+s+p.mkv"}}
}

// upload replaces the recording by one of so much grey, and returns the assignment
// to read it.
func (b takes) upload(grey int) plan.Assignment {
	b.t.Helper()
	data := avtest.Movie{
		Video: "libx264", Times: avtest.Steady(20, 25), Audio: "flac", Samples: 3 * 48000, Sound: sung,
		Picture: func(f *media.Frame, _ int) {
			for i := range f.Planes {
				for k := range f.Planes[i].Data {
					f.Planes[i].Data[k] = uint8(grey)
				}
			}
		},
	}.Bytes(b.t)
	info, err := b.node.cfg.Buckets[b.raw.Bucket].Put(b.t.Context(), b.raw.Key, bytes.NewReader(data), bucket.PutOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	key, err := definition.ParseRawKey(b.raw.Key)
	if err != nil {
		b.t.Fatal(err)
	}
	return plan.NewIngest(key, info.ETag, 0)
}

func (b takes) ingest(a plan.Assignment) plan.IngestResult {
	b.t.Helper()
	b.send(a)
	r := b.final()
	var res plan.IngestResult
	if err := json.Unmarshal(r.Result, &res); err != nil || r.State != plan.ReportDone {
		b.t.Fatalf("report %+v, %v", r, err)
	}
	return res
}

// cell composes the part and returns the stream.
func (b takes) cell(sha256 string) []byte {
	b.t.Helper()
	p := &plan.Picture{
		Segment: plan.Segment{Count: 10}, Width: 96, Height: 64, Rate: testRate,
		Tiles: []plan.PictureTile{{
			Part: "p", W: 96, H: 64, SHA256: sha256,
			Source: plan.Ref{Bucket: definition.BucketConverted, Key: definition.ConvertedKey(ingestSong, "p", sha256)},
		}},
		Encoder: plan.Encoder{Preset: "veryfast", CRF: 10, GOP: 25, CanvasHeight: 64},
		Out:     plan.Ref{Bucket: "b", Key: "cell.h264"},
	}
	return b.composed(p)
}

// A cell of an older plan shows the recording that plan was made of, though the part
// has been recorded again since, and the older one is read once more after that.
func TestCellOfAnOlderPlanKeepsItsRecording(t *testing.T) {
	b := newTakes(t)
	b.run()
	first := b.ingest(b.upload(60))
	older := b.cell(first.SHA256)
	second := b.ingest(b.upload(180))
	if first.SHA256 == second.SHA256 {
		t.Fatal("both recordings are the same")
	}
	if !bytes.Equal(older, b.cell(first.SHA256)) {
		t.Error("a cell of the older plan shows another recording than before")
	}
	if bytes.Equal(older, b.cell(second.SHA256)) {
		t.Error("a cell of the newer plan shows the older recording")
	}
}

// An ingest that finds a newer recording reads that, says so, and does not answer
// for the older one later.
func TestIngestThatComesTooLate(t *testing.T) {
	b := newTakes(t)
	b.run()
	early := b.upload(60)
	late := b.upload(180)
	res := b.ingest(early)
	if res.ETag != late.Ingest.ETag {
		t.Errorf("ETag %q of what was read, want %q", res.ETag, late.Ingest.ETag)
	}
	back := b.upload(60)
	back.Key = early.Key // as on S3, where the same bytes have the same ETag
	if again := b.ingest(back); again.SHA256 == res.SHA256 || again.ETag != back.Ingest.ETag {
		t.Errorf("the recording put back is taken for the newer one: ETag %q, want %q", again.ETag, back.Ingest.ETag)
	}
}

// A note answers only while all of its objects are there and of use.
func TestIngestNoteWithoutItsObjects(t *testing.T) {
	b := newTakes(t)
	b.run()
	a := b.upload(60)
	res := b.ingest(a)
	converted := b.node.cfg.Buckets[definition.BucketConverted]
	if recall(t.Context(), b.node.cfg.Buckets, a) == nil {
		t.Fatal("what has been read is not known")
	}
	key := definition.FeaturesKey(ingestSong, "p", res.SHA256)
	if _, err := converted.Put(t.Context(), key, bytes.NewReader([]byte("of another version")), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if recall(t.Context(), b.node.cfg.Buckets, a) != nil {
		t.Error("features of another version are taken for good")
	}
	b.ingest(a)
	if recall(t.Context(), b.node.cfg.Buckets, a) == nil {
		t.Error("they were not made again")
	}
	if err := converted.Delete(t.Context(), definition.ConvertedKey(ingestSong, "p", res.SHA256)); err != nil {
		t.Fatal(err)
	}
	if recall(t.Context(), b.node.cfg.Buckets, a) != nil {
		t.Error("a converted part that is gone is taken for there")
	}
}

// A key that no bucket takes is no outage: the recording is refused, once.
func TestKeyThatIsTooLong(t *testing.T) {
	b := newTakes(t)
	for role, inner := range b.node.cfg.Buckets {
		b.node.cfg.Buckets[role] = struct{ bucket.Bucket }{inner} // not a folder: as over the network
	}
	b.run()
	upload := b.upload(60)
	b.send(plan.NewIngest(definition.RawKey{Song: ingestSong, Part: definition.PartID(strings.Repeat("p", bucket.MaxKey))}, upload.Ingest.ETag, 0))
	if r := b.final(); r.State != plan.ReportFailed || !r.Permanent || !strings.Contains(r.Error, bucket.ErrKey.Error()) {
		t.Errorf("report %+v", r)
	}
}
