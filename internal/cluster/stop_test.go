package cluster_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
)

// stopTime is how long a service may take to end: TimeoutStopSec of its unit file.
const stopTime = 60 * time.Second

// Whole processes are asked to stop (SIGTERM) in the middle of their work, each several
// times. They end with 0 in time, and hand back what they hold: with leases and claims of
// an hour, whatever one of them kept would be missed.
func TestStop(t *testing.T) {
	b := newBench(t, cluster.Options{
		CoordinatorArgs: []string{"--reconcile", "1h", "--debounce", "1s", "--claim", "1h"},
		NodeArgs:        []string{"--lease", "1h", "--software", "--drain", "0s"},
	})
	id := b.upload("coordinator-stopped")
	for i := range 8 { // from the first notification to the final
		time.Sleep(time.Duration(i%4) * 150 * time.Millisecond)
		b.stop("coordinator-1")
		b.must(b.Restart(b.Context(), "coordinator-1"))
	}
	s := b.finished(id, definition.AutoName, "")
	if runs := finals(b.history(id)); len(runs) != 1 || len(s.Parts) != 3 || len(s.Warnings) > 0 {
		b.Errorf("finals %v, song %+v", runs, s)
	}

	id = b.upload("nodes-stopped")
	for range 2 {
		node := b.cellOn(id)
		b.stop(node)
		log, err := os.ReadFile(b.Log(node))
		b.must(err)
		if !bytes.Contains(log, []byte("handed back")) {
			b.Logf("%s had nothing to hand back", node)
		}
		b.must(b.Restart(b.Context(), node))
	}
	s = b.finished(id, definition.AutoName, "")
	if runs := finals(b.history(id)); len(runs) != 1 || len(s.Parts) != 3 || len(s.Warnings) > 0 {
		b.Errorf("finals %v, song %+v", runs, s)
	}
	b.stop("node-1")
	b.stop("coordinator-1")
	b.stop("node-2") // nobody is there to hear of it
}

// stop asks a process to end and checks how it does.
func (b *bench) stop(name string) {
	b.Helper()
	began := time.Now()
	code, err := b.Terminate(name)
	b.must(err)
	took := time.Since(began)
	b.Logf("%s ended after %v", name, took.Round(time.Millisecond))
	if code != 0 || took > stopTime {
		b.Errorf("%s ended with %d after %v, want 0 within %v", name, code, took, stopTime)
	}
}
