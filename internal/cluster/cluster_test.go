package cluster_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/store"
)

// lease of an assignment in these tests: how long the work of a killed node waits.
const lease = 10 * time.Second

// TestCluster is the integration suite: one cluster of real processes over
// PostgreSQL, MinIO and fauxqs, and what must hold on it, one after the other. The
// reconciliation is off, so that it is the notifications that bring everything.
func TestCluster(t *testing.T) {
	b := newBench(t, cluster.Options{
		// Long enough for all parts to be there when the song is aligned: offsets
		// that are known move by more than 5 ms only.
		CoordinatorArgs: []string{"--reconcile", "1h", "--debounce", "2s"},
		NodeArgs:        []string{"--lease", lease.String(), "--software", "--drain", "0s"},
	})

	// The first is what the others are compared with.
	var undisturbed status.Song
	t.Run("from upload to final by events", func(t *testing.T) { undisturbed = b.in(t).finalByEvents() })
	if t.Failed() {
		return
	}
	t.Run("a node is killed in the middle of a cell", func(t *testing.T) { b.in(t).nodeKilled(undisturbed) })
	t.Run("a coordinator is killed", func(t *testing.T) { b.in(t).coordinatorKilled(undisturbed) })
	t.Run("a node is asked to stop", func(t *testing.T) { b.in(t).nodeStopped(undisturbed) })
	t.Run("a part is uploaded again", func(t *testing.T) { b.in(t).uploadedAgain(undisturbed) })
	t.Run("cancelled and asked for again", func(t *testing.T) { b.in(t).cancelled() })
	t.Run("a definition dropped in by hand", func(t *testing.T) { b.in(t).definitionByHand(undisturbed) })
	t.Run("statuses of the original", func(t *testing.T) { b.in(t).legacy(undisturbed) })
	t.Run("nothing is left behind", func(t *testing.T) { b.in(t).tidy() })
}

func (b *bench) finalByEvents() status.Song {
	s := b.finished(b.upload("undisturbed"), definition.AutoName, "")
	url, err := b.FinalURL(b.Context(), s.Output.Final)
	b.must(err)
	resp, err := http.Get(url)
	b.must(err)
	defer resp.Body.Close()
	movie, err := io.ReadAll(resp.Body)
	b.must(err)
	if int64(len(movie)) != s.Output.Bytes || !bytes.Equal(movie[4:8], []byte("ftyp")) {
		b.Errorf("%s: %d bytes, want an MP4 of %d", resp.Status, len(movie), s.Output.Bytes)
	}
	if len(s.Parts) != 3 || len(s.Warnings) > 0 || s.Legacy != definition.StatusDone {
		b.Errorf("song %+v", s)
	}
	return s
}

func (b *bench) nodeKilled(undisturbed status.Song) {
	id := b.upload("node-killed")
	node := b.cellOn(id)
	b.must(b.Kill(node))
	s := b.finished(id, definition.AutoName, "")
	b.must(b.Restart(b.Context(), node))
	b.same(s, undisturbed)
}

func (b *bench) coordinatorKilled(undisturbed status.Song) {
	id := b.upload("coordinator-killed")
	b.cellOn(id)
	b.must(b.Kill("coordinator-1"))
	b.must(b.Restart(b.Context(), "coordinator-1"))
	b.same(b.finished(id, definition.AutoName, ""), undisturbed)
}

// nodeStopped: a node that is asked to stop hands back what it holds at once, so
// that another one need not wait for its lease.
func (b *bench) nodeStopped(undisturbed status.Song) {
	id := b.upload("node-stopped")
	node := b.cellOn(id)
	code, err := b.Terminate(node)
	b.must(err)
	if code != 0 {
		b.Errorf("%s ended with %d, want 0", node, code)
	}
	stopped := time.Now()
	s := b.finished(id, definition.AutoName, "")
	b.same(s, undisturbed)
	b.Logf("finished %v after %s stopped", time.Since(stopped).Round(time.Millisecond), node)
	log, err := os.ReadFile(b.Log(node))
	b.must(err)
	if !bytes.Contains(log, []byte("handed back")) {
		b.Errorf("%s handed nothing back", node)
	}
	b.must(b.Restart(b.Context(), node))
}

// uploadedAgain: the second recording of a part that is being rendered wins.
func (b *bench) uploadedAgain(undisturbed status.Song) {
	id := b.upload("uploaded-again")
	b.cellOn(id)
	first := b.status(id, definition.AutoName)
	keys := sortedKeys(b.parts)
	last, other := keys[2], keys[1]
	if filepath.Ext(last) != filepath.Ext(other) {
		last = strings.TrimSuffix(last, filepath.Ext(last)) + filepath.Ext(other) // another extension, too
	}
	b.must(b.Upload(b.Context(), fmt.Sprintf("%s+%s+%s", id.Choir, id.Song, last), b.parts[other]))
	s := b.finished(id, definition.AutoName, first.Run)
	if s.Output.SHA256 == undisturbed.Output.SHA256 {
		b.Error("the final is of the first recording")
	}
	if len(s.Parts) != 3 {
		b.Errorf("%d parts, want 3", len(s.Parts))
	}
}

func sortedKeys(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (b *bench) cancelled() {
	id := b.upload("cancelled")
	b.cellOn(id)
	run := b.status(id, definition.AutoName).Run
	b.post("/api/runs/" + run + "/cancel")
	b.eventually("cancelled", func() bool {
		s := b.status(id, definition.AutoName)
		return s != nil && s.State == store.TaskCancelled && s.Settled
	})
	final := definition.NameKey{Song: id, Name: definition.AutoName}.FinalKey()
	if _, err := b.Buckets[definition.BucketFinal].Stat(b.Context(), final); !errors.Is(err, bucket.ErrNotFound) {
		b.Errorf("final of a cancelled render: %v", err)
	}
	b.post(fmt.Sprintf("/api/songs/%s/%s/render", id.Choir, id.Song))
	b.finished(id, definition.AutoName, run)
}

func (b *bench) post(path string) {
	b.Helper()
	resp, err := http.Post(b.URL("coordinator-1")+path, "", nil)
	b.must(err)
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		b.Fatalf("POST %s: %s", path, resp.Status)
	}
}

// definitionByHand: a definition under another name, of a smaller canvas.
func (b *bench) definitionByHand(undisturbed status.Song) {
	id := undisturbed.Song
	key := definition.NameKey{Song: id, Name: definition.AutoName}.DefinitionKey()
	r, _, err := b.Buckets[definition.BucketDefinition].Get(b.Context(), key, bucket.Range{})
	b.must(err)
	defer r.Close()
	text, err := io.ReadAll(r)
	b.must(err)
	def, _, err := definition.Read(text)
	b.must(err)
	// Half of everything.
	half := *def
	size := def.Output.Size.Or(definition.Pair{})
	want := definition.Pair{size[0] / 2, size[1] / 2}
	half.Output.Size = definition.Some(want)
	half.Inputs = slices.Clone(def.Inputs)
	for i := range half.Inputs {
		in := &half.Inputs[i]
		p, s := in.Position.Or(definition.Pair{}), in.Size.Or(definition.Pair{})
		in.Position, in.Size = definition.Some(definition.Pair{p[0] / 2, p[1] / 2}), definition.Some(definition.Pair{s[0] / 2, s[1] / 2})
	}
	text, err = definition.Marshal(&half)
	b.must(err)
	mine := definition.NameKey{Song: id, Name: "mine"}.DefinitionKey()
	_, err = b.Buckets[definition.BucketDefinition].Put(b.Context(), mine, bytes.NewReader(text), bucket.PutOptions{})
	b.must(err)
	s := b.finished(id, "mine", "")
	if s.Output.Width != want[0] || s.Output.Height != want[1] || !strings.Contains(s.Output.Final, "+mine-final") {
		b.Errorf("output %+v", s.Output)
	}
	if again := b.finished(id, definition.AutoName, ""); again.Run != undisturbed.Run || again.Output.SHA256 != undisturbed.Output.SHA256 {
		b.Errorf("the automatic render became %+v, was %+v", again, undisturbed)
	}
}

// legacy: the steps of the original's table, in their order, and its lists.
func (b *bench) legacy(undisturbed status.Song) {
	id := undisturbed.Song
	var one struct{ Render definition.RenderStatus }
	b.get(fmt.Sprintf("/render?choirId=%s&songId=%s", id.Choir, id.Song), &one)
	if one.Render.Status != definition.StatusDone || one.Render.SongID != id.Song {
		b.Errorf("status %+v", one.Render)
	}
	var done struct{ Renders []definition.RenderStatus }
	b.get("/render/done", &done)
	if !slices.ContainsFunc(done.Renders, func(r definition.RenderStatus) bool { return r.SongID == id.Song }) {
		b.Errorf("done %+v lacks %q", done.Renders, id.Song)
	}
}

// tidy: no assignment, report or event is left in a queue, none is dead, and no
// node's scratch folder holds a file.
func (b *bench) tidy() {
	for _, name := range []string{cluster.EventsQueue, cluster.AssignmentsQueue, cluster.ReportsQueue} {
		q, err := b.Queue(b.Context(), name)
		b.must(err)
		defer q.Close()
		b.eventually(name+" is empty", func() bool {
			visible, leased, err := q.Depth(b.Context())
			b.must(err)
			return visible+leased == 0
		})
		dead, _, err := q.DeadLetters().Depth(b.Context())
		if b.must(err); dead > 0 {
			b.Errorf("%d dead letters of %s", dead, name)
		}
	}
	b.must(filepath.WalkDir(filepath.Join(b.Dir, "scratch"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.Contains(path, "node-") {
			b.Errorf("%s is left in scratch", path)
		}
		return err
	}))
}
