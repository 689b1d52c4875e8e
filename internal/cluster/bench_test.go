package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/store"
)

// bench is a running cluster and a small song to feed it with.
type bench struct {
	*testing.T
	*cluster.Cluster
	parts map[string][]byte // recordings by part id and extension
}

// newBench builds the programs and starts a cluster of them, which ends with the test.
func newBench(t *testing.T, o cluster.Options) *bench {
	t.Helper()
	o.Bin = t.TempDir()
	build(t, o.Bin, "./cmd/coordinator", "./cmd/render-node", "./scripts/choirgen")
	c, err := cluster.Start(t.Context(), o)
	if err != nil {
		testserver.Missing(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range c.Names() {
				log, err := os.ReadFile(c.Log(name))
				t.Logf("%s said:\n%s%v", name, log[max(0, len(log)-6000):], err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind: %v", c.Dir, err)
		}
	})
	song := t.TempDir()
	run(t, filepath.Join(o.Bin, "choirgen"), "--out", song, "--tiny", "--parts", "3", "--quiet")
	return &bench{T: t, Cluster: c, parts: recordings(t, song)}
}

func (b *bench) in(t *testing.T) *bench { return &bench{t, b.Cluster, b.parts} }

func build(t *testing.T, bin string, packages ...string) {
	t.Helper()
	c := exec.Command("go", append([]string{"build", "-o", bin + "/"}, packages...)...)
	c.Dir = filepath.Join("..", "..")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// recordings reads a folder of choirgen's: part.ext → content.
func recordings(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		k, err := definition.ParseRawKey(f.Name())
		if err != nil {
			continue
		}
		if all[string(k.Part)+"."+k.Ext], err = os.ReadFile(filepath.Join(folder, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// upload uploads the recordings as a song of that name.
func (b *bench) upload(name string) definition.Song {
	b.Helper()
	id := definition.Song{Choir: "choir", Song: definition.SongID(name)}
	for key, content := range b.parts {
		b.must(b.Upload(b.Context(), fmt.Sprintf("%s+%s+%s", id.Choir, id.Song, key), content))
	}
	return id
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// eventually waits until is returns true.
func (b *bench) eventually(what string, is func() bool) {
	b.Helper()
	for end := time.Now().Add(90 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("still not: %s", what)
		}
	}
}

// status is the song's, or nil while nobody answers or knows it.
func (b *bench) status(id definition.Song, name string) *status.Song {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	s, err := b.Song(ctx, id, name)
	if err != nil {
		return nil
	}
	return &s
}

// finished waits for the song's final, of another run than not.
func (b *bench) finished(id definition.Song, name, not string) status.Song {
	b.Helper()
	var last status.Song
	b.eventually("the final of "+string(id.Song), func() bool {
		s := b.status(id, name)
		if s == nil {
			return false
		}
		last = *s
		if s.State == store.TaskFailed {
			b.Fatalf("song %q failed: %s", id.Song, s.Error)
		}
		return s.Settled && s.State == store.TaskDone && s.Run != not && s.Output != nil
	})
	return last
}

// step is an entry of a song's history.
type step struct {
	Run     string          `json:"run"`
	Stage   store.Stage     `json:"stage"`
	State   store.TaskState `json:"state"`
	Stripe  int             `json:"stripe"`
	Attempt int             `json:"attempt"`
	Text    string          `json:"text"`
}

func (b *bench) history(id definition.Song) []step {
	var all struct{ Events []step }
	b.get(fmt.Sprintf("/api/songs/%s/%s/history", id.Choir, id.Song), &all)
	return all.Events
}

// get asks the first coordinator; without an answer v stays as it is.
func (b *bench) get(path string, v any) {
	b.Helper()
	resp, err := http.Get(b.URL("coordinator-1") + path)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	b.must(err)
	if resp.StatusCode == http.StatusOK {
		b.must(json.Unmarshal(body, v))
	}
}

// cellOn waits until a picture of the song is being made and returns the name of
// the node.
func (b *bench) cellOn(id definition.Song) (node string) {
	b.Helper()
	b.eventually("a cell being made", func() bool {
		for _, s := range b.history(id) {
			if s.Stage == store.StagePicture && s.State == store.TaskRunning {
				_, node, _ = strings.Cut(s.Text, "on ")
				return true
			}
		}
		return false
	})
	return node
}

// same fails unless two songs have byte for byte the same final.
func (b *bench) same(got, want status.Song) {
	b.Helper()
	if got.Output.SHA256 != want.Output.SHA256 {
		b.Errorf("final %+v\nundisturbed %+v", got.Output, want.Output)
		for i, p := range got.Parts {
			b.Logf("%s: offset %v ms, undisturbed %v ms", p.Part, p.OffsetMS, want.Parts[i].OffsetMS)
		}
	}
	if runs := finals(b.history(got.Song)); len(runs) != 1 {
		b.Errorf("%d finals %v, want one", len(runs), runs)
	}
}

// finals are the runs that ended in a final.
func finals(steps []step) (runs []string) {
	for _, s := range steps {
		if s.Stage == store.StageFinish && s.State == store.TaskDone {
			runs = append(runs, s.Run)
		}
	}
	return runs
}
