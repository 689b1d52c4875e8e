package trace_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/internal/trace/tracetest"
)

var quiet = slog.New(slog.DiscardHandler)

func TestOffWithoutCollector(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	tracer, err := trace.Open(t.Context(), "test", "one", quiet)
	if tracer != nil || err != nil {
		t.Fatalf("%v, %v, want no tracer", tracer, err)
	}
	ctx, end := tracer.Start(t.Context(), definition.Song{}, "work")
	end(nil)
	if got := trace.Context(ctx); got != "" {
		t.Errorf("trace context %q without a tracer", got)
	}
	if err := tracer.Close(); err != nil {
		t.Error(err)
	}
}

func TestOtherProtocolIsRefused(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	_, err := trace.Open(t.Context(), "test", "one", quiet)
	if err == nil || !strings.Contains(err.Error(), `OTEL_EXPORTER_OTLP_PROTOCOL: "grpc"`) {
		t.Errorf("error %v", err)
	}
}

// Two services, told by an assignment what caused it, write one trace.
func TestSongIsOneTrace(t *testing.T) {
	r := tracetest.New(t)
	song := definition.Song{Choir: "choir", Song: "song"}
	open := func(service string) *trace.Tracer {
		tracer, err := trace.Open(t.Context(), service, "one", quiet)
		if err != nil {
			t.Fatal(err)
		}
		return tracer
	}
	a, b := open("coordinator"), open("render-node")
	ctx, end := a.Start(t.Context(), song, "plan", "run", "r1", "attempt", 1)
	wire := trace.Context(ctx)
	end(nil)
	_, end = b.Start(trace.Continue(context.Background(), wire), song, "cell", "stripe", 2)
	end(errors.New("no GL context"))
	_, end = b.Start(trace.Continue(context.Background(), "nonsense"), song, "sound")
	end(nil)
	_, end = b.Start(context.Background(), definition.Song{Choir: "choir", Song: "other"}, "else")
	end(nil)
	_, _ = b.Start(context.Background(), song, "forgotten")
	for _, tracer := range []*trace.Tracer{a, b} {
		if err := tracer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]tracetest.Span{}
	for _, s := range r.Spans() {
		got[s.Name] = s
	}
	plan, cell, sound, other := got["plan"], got["cell"], got["sound"], got["else"]
	if len(got) != 4 || plan.Trace == "" || plan.Trace != cell.Trace || plan.Trace != sound.Trace || plan.Trace == other.Trace {
		t.Errorf("spans %+v, want one trace of three spans and one of another song", got)
	}
	if plan.Parent != "" || cell.Parent != plan.ID || sound.Parent != "" {
		t.Errorf("parents %q %q %q, want only the cell below the plan, %q", plan.Parent, cell.Parent, sound.Parent, plan.ID)
	}
	if plan.Service != "choirless-coordinator" || cell.Service != "choirless-render-node" || cell.Error != "no GL context" ||
		plan.Error != "" || plan.Attributes["run"] != "r1" || plan.Attributes["song"] != "song" {
		t.Errorf("plan %+v, cell %+v", plan, cell)
	}
}
