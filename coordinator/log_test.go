package coordinator

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/choirless/render/plan"
)

// Every line of a song's way says what it is about.
func TestLogLinesNameTheirSubject(t *testing.T) {
	b := newBench(t)
	b.node(func(a plan.Assignment) course {
		if a.Attempt == 1 {
			return course{fail: "out of luck"}
		}
		return course{}
	})
	cfg := b.config()
	var out bytes.Buffer // the handler writes one line at a time
	cfg.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, stop := b.start(cfg)
	b.song(3)
	run := b.done(c, "").Render.Run
	stop()

	want := map[string][]string{ // by message and, for tasks, kind
		"recording ":  {"song", "part"},
		"definition ": {"run", "song"},
		"step ":       {"run", "song", "state", "attempt"},
		"final ":      {"run", "song", "state", "attempt"},
	}
	for _, msg := range []string{"task done ", "task failed "} {
		want[msg+"ingest"] = []string{"song", "part", "task", "attempt", "node"}
		want[msg+"picture"] = []string{"run", "song", "stripe", "segment", "task", "attempt", "node"}
		want[msg+"sound"] = []string{"run", "song", "stripe", "task", "attempt", "node"}
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(out.Bytes()) {
		var l map[string]any
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		kind, _ := l["kind"].(string)
		about := l["msg"].(string) + " " + kind
		for _, id := range want[about] {
			seen[about] = true
			if v, ok := l[id]; !ok || v == "" {
				t.Errorf("no %s: %s", id, line)
			}
		}
		if r, ok := l["run"]; ok && r != run {
			t.Errorf("run %v, want %s: %s", r, run, line)
		}
		if attempt, ok := map[string]float64{"task failed": 1, "task done": 2}[l["msg"].(string)]; ok && l["attempt"] != attempt {
			t.Errorf("attempt %v, want %v: %s", l["attempt"], attempt, line)
		}
	}
	for about := range want {
		if !seen[about] {
			t.Errorf("no line %q", about)
		}
	}
}
