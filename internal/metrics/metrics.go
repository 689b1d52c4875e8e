// Package metrics is what the services have in common of their figures: a registry,
// how it is served, and how it is listed for people.
package metrics

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// prefix begins the names of all figures of ours.
const prefix = "choirless_"

// New returns a registry that knows the Go runtime and the process.
func New() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Handler serves the registry in Prometheus's text format. What one collector cannot
// find out does not keep the others from being read.
func Handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Table lists every figure of ours that the registry knows, by name,
// as a Markdown table, so that a document can be held to it by a test.
func Table(r *prometheus.Registry) string {
	var rows []string
	descriptions := make(chan *prometheus.Desc)
	go func() {
		r.Describe(descriptions)
		close(descriptions)
	}()
	for d := range descriptions {
		name, help, labels := read(d.String())
		if strings.HasPrefix(name, prefix) {
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", name, labels, help))
		}
	}
	slices.Sort(rows)
	return "| figure | labels | meaning |\n|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
}

// read takes a description apart. A Desc shows itself only as text:
// Desc{fqName: "a", help: "b", constLabels: {}, variableLabels: {c,d}}.
func read(text string) (name, help, labels string) {
	between := func(a, b string) string {
		_, rest, _ := strings.Cut(text, a)
		s, _, _ := strings.Cut(rest, b)
		return s
	}
	labels = between("variableLabels: {", "}")
	if labels != "" {
		labels = "`" + strings.ReplaceAll(labels, ",", "`, `") + "`"
	}
	return between(`fqName: "`, `"`), between(`help: "`, `", constLabels`), labels
}
