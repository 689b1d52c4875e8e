package node

import (
	"log/slog"
	"testing"

	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/internal/trace/tracetest"
	"github.com/choirless/render/plan"
)

// Work is a span below the one that its assignment names, with the error it ended with.
func TestWorkIsTraced(t *testing.T) {
	const trace16, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	collector := tracetest.New(t)
	log := slog.New(slog.DiscardHandler)
	tracer, err := trace.Open(t.Context(), "render-node", "test", log)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	defer b.node.closeEngines()
	b.node.cfg.Trace = tracer
	work := func(a plan.Assignment) {
		a.Trace = "00-" + trace16 + "-" + parent + "-01"
		_, _, _ = b.node.work(t.Context(), a, func(float64) {}, log) // the span says how it ended
	}
	work(plan.Assignment{Kind: plan.KindPicture, Key: "cell", Picture: b.wanderingCell(5)})
	b.stripe("top", 96, 48, 30, 60)
	work(stackAssignment(30)) // the lower stripe is missing
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	spans := collector.Spans()
	if len(spans) != 2 || spans[0].Name != "cell" || spans[0].Error != "" || spans[1].Name != "stack" || spans[1].Error == "" {
		t.Fatalf("spans %+v, want a cell and a stack that failed", spans)
	}
	for _, s := range spans {
		if s.Trace != trace16 || s.Parent != parent || s.Service != "choirless-render-node" {
			t.Errorf("span %+v, want it in %s below %s", s, trace16, parent)
		}
	}
	if _, err := b.objects.Stat(t.Context(), "cell.h264"); err != nil {
		t.Errorf("the cell is not there: %v", err)
	}
}
