package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/metrics"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// TestMetricsTable: deploy/metrics.md lists every figure of a coordinator, as
// registered, and what is asked of queues and database can be read.
func TestMetricsTable(t *testing.T) {
	r := metrics.New()
	st, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	buckets := bucket.Buckets{}
	for _, role := range definition.Buckets() {
		if buckets[role], err = bucket.OpenDir(t.TempDir(), bucket.DirOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	memory := func() queue.Queue { return queue.NewMemory(queue.MemoryOptions{}) }
	if _, err := coordinator.New(coordinator.Config{
		Store: st, Buckets: buckets, Events: memory(), Assignments: memory(), Reports: memory(), Metrics: r,
	}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../deploy/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := metrics.Table(r); !strings.Contains(string(text), want) {
		t.Errorf("deploy/metrics.md lacks the coordinator's table, which is:\n%s", want)
	}
	found, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range found {
		series[f.GetName()] = len(f.GetMetric())
	}
	for name, want := range map[string]int{
		"choirless_queue_messages": 6, "choirless_queue_dead_letters": 3, "choirless_tasks": 3, "choirless_database_connections": 2,
	} {
		if series[name] != want {
			t.Errorf("%s: %d series, want %d", name, series[name], want)
		}
	}
}
