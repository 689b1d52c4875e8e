package coordinator

import (
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/internal/trace/tracetest"
	"github.com/choirless/render/plan"
)

// The steps of a song are one trace, and assignments say which of them has asked.
func TestSongIsTraced(t *testing.T) {
	collector := tracetest.New(t)
	tracer, err := trace.Open(t.Context(), "coordinator", "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	var mu sync.Mutex
	wire := map[plan.Kind]string{}
	b.node(func(a plan.Assignment) course {
		mu.Lock()
		defer mu.Unlock()
		wire[a.Kind] = a.Trace
		return course{}
	})
	cfg := b.config()
	cfg.Trace = tracer
	c, stop := b.start(cfg)
	b.song(3)
	b.done(c, "")
	stop()
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	spans := collector.Spans()
	parents := map[string][]string{} // what assignments may say, by span name
	for _, s := range spans {
		if s.Trace != spans[0].Trace || s.Attributes["song"] != "song" {
			t.Errorf("span %+v is not of the trace %s", s, spans[0].Trace)
		}
		parents[s.Name] = append(parents[s.Name], "00-"+s.Trace+"-"+s.ID+"-01")
	}
	for _, name := range []string{"recording", "align", "plan", "finish"} {
		if len(parents[name]) == 0 {
			t.Errorf("no span %q", name)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for kind, asks := range map[plan.Kind]string{plan.KindIngest: "recording", plan.KindPicture: "plan", plan.KindSound: "plan"} {
		if !slices.Contains(parents[asks], wire[kind]) {
			t.Errorf("%s assignment comes of %q, want one of %q", kind, wire[kind], parents[asks])
		}
	}
}
