// Package trace tells an OpenTelemetry collector where a song's time goes. A song
// is one trace, whose id comes from its name, so that coordinators and nodes need
// not agree on it; what has caused what travels in assignments as W3C trace context.
//
// It is off unless the environment names a collector, and then speaks OTLP over
// HTTP. The other variables of the OpenTelemetry specification count, too (headers,
// certificates, timeouts, OTEL_TRACES_SAMPLER).
package trace

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/choirless/render/definition"
)

// closeTime is how long spans that are not sent yet may take when a service ends.
const closeTime = 5 * time.Second

// Tracer makes spans. A nil Tracer makes none. Safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   api.Tracer
}

// Open returns the tracer of a service and its instance, nil unless
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set. The
// caller closes it. Trouble in sending goes to log and nowhere else.
func Open(ctx context.Context, service, instance string, log *slog.Logger) (*Tracer, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := os.Getenv(name); p != "" && p != "http/protobuf" {
			return nil, fmt.Errorf("%s: %q, want http/protobuf", name, p)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	about := resource.NewSchemaless(
		attribute.String("service.name", "choirless-"+service), attribute.String("service.instance.id", instance),
	)
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about), sdk.WithIDGenerator(ids{}))
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/choirless/render")}, nil
}

// Close sends what waits, for a few seconds.
func (t *Tracer) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	return nil
}

// Start begins a span of a song's trace, below the one in ctx if there is one. about
// is alternating names and values, as of slog. end sends the span, with an error if
// there was one; without end it is forgotten.
func (t *Tracer) Start(ctx context.Context, song definition.Song, name string, about ...any) (_ context.Context, end func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	attrs := []attribute.KeyValue{attribute.String("choir", string(song.Choir)), attribute.String("song", string(song.Song))}
	for i := 0; i+1 < len(about); i += 2 {
		key := fmt.Sprint(about[i])
		switch v := about[i+1].(type) {
		case int:
			attrs = append(attrs, attribute.Int(key, v))
		case float64:
			attrs = append(attrs, attribute.Float64(key, v))
		default:
			attrs = append(attrs, attribute.String(key, fmt.Sprint(v)))
		}
	}
	ctx, span := t.tracer.Start(context.WithValue(ctx, songKey{}, song), name, api.WithAttributes(attrs...))
	return ctx, func(err error) {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

const header = "traceparent"

// Context is the span in ctx as a W3C traceparent, "" without one.
func Context(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// Continue returns a context whose spans are below one of another process. What is
// no traceparent is ignored.
func Continue(ctx context.Context, traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: traceparent})
}

// songKey is the context's key of the song.
type songKey struct{}

// ids gives every trace the id of its song.
type ids struct{}

// NewIDs implements sdk.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (api.TraceID, api.SpanID) {
	song, _ := ctx.Value(songKey{}).(definition.Song)
	sum := sha256.Sum256([]byte(string(song.Choir) + "\x00" + string(song.Song)))
	id := api.TraceID(sum[:16])
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdk.IDGenerator.
func (ids) NewSpanID(context.Context, api.TraceID) (id api.SpanID) {
	for !id.IsValid() {
		n := rand.Uint64()
		for i := range id {
			id[i] = byte(n >> (8 * i))
		}
	}
	return id
}
