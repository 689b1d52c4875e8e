package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// The sound of a voice that is to be gated carries the rests of the backing on the time
// line of the output; no other does, so that nothing else depends on them.
func TestGateGoesByTheBackingsRests(t *testing.T) {
	parts, known := choir(3)
	backing, gated := parts[0].Doc.PartID, parts[1].Doc.PartID
	parts[1].Doc.Cleanup = []string{"gate"}
	parts[1].Offset = media.OffsetMS(1500) // begins 1.5 s before the backing's file
	edit := func(id definition.PartID, f func(*Part)) {
		p := known[id]
		f(&p)
		known[id] = p
	}
	edit(backing, func(p *Part) {
		p.Rests = []media.Span{{From: 2 * time.Second, To: 4 * time.Second}, {From: 23 * time.Second, To: 25 * time.Second}}
	})
	edit(gated, func(p *Part) { p.GateDB = -47 })
	union := AutoOptions{Output: definition.Output{Span: definition.Some(definition.SpanUnion)}}
	rests := func(ao AutoOptions) (string, *Plan) {
		_, p := mustPlan(t, parts, ao, Options{Parts: known})
		var got []string
		for _, s := range p.Sounds {
			has := false
			for _, v := range s.Voices {
				has = has || v.Part == gated
				if (v.GateDB != 0) != (v.Part == gated) {
					t.Errorf("part %q has a gate at %g", v.Part, v.GateDB)
				}
			}
			if len(s.Rests) > 0 && !has {
				t.Errorf("the sound of stripe %d rests in %v", s.Stripe, s.Rests)
			}
			for _, r := range s.Rests {
				got = append(got, fmt.Sprintf("%g-%g", r.From.Seconds(), r.To.Seconds()))
			}
		}
		return strings.Join(got, " "), p
	}
	if got, p := rests(AutoOptions{}); got != "2-4 23-25" {
		t.Errorf("rests %s (%v)", got, p.Warnings)
	}
	// The output begins 1.5 s early and ends with the longest part; where there is
	// no backing it rests.
	if got, p := rests(union); got != fmt.Sprintf("0-1.5 3.5-5.5 24.5-%g", p.Rate.Time(p.Frames).Seconds()) || p.Frames <= 26*25 {
		t.Errorf("union: rests %s of %d frames", got, p.Frames)
	}
	edit(backing, func(p *Part) { p.Facts.Audio = nil })
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	if len(p.Warnings) != 1 || p.Warnings[0].Part != gated || !strings.Contains(p.Warnings[0].Text, "no sound to rest by") {
		t.Errorf("warnings %v", p.Warnings)
	}
}
