package node

import (
	"bytes"
	"testing"

	"github.com/choirless/render/engine"
)

// TestFramesInFlightChangeNothing: the stream is the same however many frames the
// compositor has under way.
func TestFramesInFlightChangeNothing(t *testing.T) {
	stream := func(tune engine.Tuning) []byte {
		b := newBench(t)
		defer b.node.closeEngines()
		b.node.cfg.Engine.Tune = tune
		p := b.wanderingCell(12)
		p.Encoder.CanvasHeight = p.Height
		return b.segmentOf(*p, 0, 12)
	}
	want, got := stream(engine.Tuning{}), stream(engine.Tuning{InFlight: 4})
	if len(want) == 0 || !bytes.Equal(got, want) {
		t.Errorf("%d bytes with four frames in flight, %d with what suits the driver, and they differ", len(got), len(want))
	}
}
