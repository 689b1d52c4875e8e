package node

import (
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/plan"
)

// noDriver are engine options that no driver fulfils: as on a machine without one.
var noDriver = engine.Options{Tune: engine.Tuning{Targets: 3}}

func simpleCell(codec string) plan.Assignment {
	return plan.Assignment{Key: "ab", Kind: plan.KindPicture, Attempt: 1, Run: "r", Picture: &plan.Picture{
		Segment: plan.Segment{Count: 2}, Width: 96, Height: 64, Rate: testRate,
		Encoder: plan.Encoder{Codec: codec, Preset: "veryfast", CRF: 20, GOP: 25, CanvasHeight: 64}, Out: plan.Ref{Bucket: "b", Key: "o.h264"},
	}}
}

// returned waits for the report that something was handed back.
func (b *bench) returned() plan.Report {
	b.t.Helper()
	for r := b.next(); ; r = b.next() {
		switch r.State {
		case plan.ReportReturned:
			return r
		case plan.ReportDone, plan.ReportFailed:
			b.t.Fatalf("report %+v, want %s", r, plan.ReportReturned)
		}
	}
}

// A node that cannot compose hands its work back, once, and takes none until it can; it
// says why.
func TestNodeThatCannotCompose(t *testing.T) {
	b := newBench(t)
	b.node.cfg.Engine = noDriver
	b.node.outage.pause = 20 * time.Millisecond
	b.run()
	b.send(simpleCell(""))
	if r := b.returned(); !strings.Contains(r.Error, "engine: ") {
		t.Errorf("report %+v", r)
	}
	time.Sleep(10 * b.node.outage.pause)
	if visible, leased, err := b.assignments.Depth(t.Context()); err != nil || visible != 1 || leased != 0 {
		t.Errorf("%d messages wait and %d are taken (%v), want 1, 0", visible, leased, err)
	}
	a := b.node.About()
	if err := b.node.Trouble(); err == nil || a.Slots != 0 || a.Trouble != err.Error() || !strings.Contains(a.Trouble, "cannot compose") {
		t.Errorf("the node says %+v, trouble %v", a, err)
	}
}

// It does the work it handed back as soon as it can compose.
func TestNodeThatCanComposeAgain(t *testing.T) {
	b := newBench(t)
	b.node.outage.pause = time.Millisecond
	lack := b.node.noEngine(errAway).(*lackError)
	b.node.without(lack.absence)
	b.run()
	b.send(simpleCell(""))
	if r := b.final(); r.State != plan.ReportDone || b.node.Trouble() != nil || b.node.About().Slots == 0 {
		t.Errorf("report %+v, trouble %v", r, b.node.Trouble())
	}
	if n := len(b.node.engines); n > 1 {
		t.Errorf("%d engines for one slot", n)
	}
}

// A node without the encoder of a picture hands that back, and looks again each time it
// gets it; it says so, and does all other work.
func TestNodeWithoutTheEncoder(t *testing.T) {
	b := newBench(t)
	b.node.outage.pause = 20 * time.Millisecond
	b.run()
	b.send(simpleCell("nothing"))
	for range 2 {
		if r := b.returned(); !strings.Contains(r.Error, "encoder nothing: not available") {
			t.Errorf("report %+v", r)
		}
	}
	if a := b.node.About(); b.node.Trouble() != nil || a.Slots == 0 || !strings.Contains(a.Trouble, "encoder nothing is not available") {
		t.Errorf("the node says %+v, trouble %v", a, b.node.Trouble())
	}
	other := simpleCell("")
	other.Key = "cd"
	b.send(other)
	for r := b.next(); r.State != plan.ReportDone; r = b.next() {
		if r.State == plan.ReportFailed || (r.Key == "cd" && r.State == plan.ReportReturned) {
			t.Fatalf("report %+v", r)
		}
	}
}

// Where there is no other node the song is to end with the reason, not to wait.
func TestNodeAloneThatCannotCompose(t *testing.T) {
	b := newBench(t)
	b.node.cfg.Engine = noDriver
	b.node.cfg.Alone = true
	b.run()
	b.send(simpleCell(""))
	if r := b.final(); r.State != plan.ReportFailed || !strings.Contains(r.Error, "engine: ") {
		t.Errorf("report %+v", r)
	}
}
