package main

import (
	"os"
	"strings"
	"testing"

	"github.com/choirless/render/internal/metrics"
	"github.com/choirless/render/node"
)

// TestMetricsTable: deploy/metrics.md lists every figure of a node, as registered.
func TestMetricsTable(t *testing.T) {
	r := metrics.New()
	node.New(node.Config{Metrics: r})
	text, err := os.ReadFile("../../deploy/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := metrics.Table(r); !strings.Contains(string(text), want) {
		t.Errorf("deploy/metrics.md lacks the node's table, which is:\n%s", want)
	}
}
