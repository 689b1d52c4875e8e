package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// A history is which recordings the finals of a song were made from, one final
// after the other: where a part is placed may depend on where it was heard before,
// and on nothing else. A final is compared with that of an undisturbed song of the
// same history.
type history []takes

// takes is the number of the recording of every part, from 1; 0 for a part that is
// not there.
type takes [3]int

func (h history) String() string {
	var all []string
	for _, t := range h {
		all = append(all, fmt.Sprint([3]int(t)))
	}
	return strings.Join(all, " ")
}

// first and second are the histories of a song that is uploaded at once, without and
// with the other recording of its last part.
var first, second = history{{1, 2, 3}}, history{{1, 2, 4}}

// undisturbed makes the first finals that others are compared with.
func (b *bench) undisturbed(t *testing.T) {
	t.Helper()
	for _, h := range []history{first, second} {
		if _, err := b.calmOf(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	one, two := b.calm[first.String()], b.calm[second.String()]
	if one.Pictures == two.Pictures || one.Samples == two.Samples || one.Frames < 40 || one.Seconds < 2 {
		t.Fatalf("the undisturbed finals are %+v and %+v", one, two)
	}
	events, err := b.store.Events(t.Context(), b.song("calm0").id, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	b.steps = len(events)
	t.Logf("undisturbed: %d steps, %d pictures, %.2f s of sound", b.steps, one.Frames, one.Seconds)
}

// calmOf returns the final of an undisturbed song of a history, and makes it first
// where there is none.
func (b *bench) calmOf(ctx context.Context, h history) (final, error) {
	if f, ok := b.calm[h.String()]; ok {
		return f, nil
	}
	s := b.song(fmt.Sprint("calm", len(b.calm)))
	var f final
	var have takes
	err := b.store.PutSong(ctx, s.id, []byte(settings))
	for _, now := range h {
		for part, take := range now {
			if err == nil && take != have[part] {
				err = b.uploadPart(ctx, s, part, take)
			}
		}
		have = now
		if err == nil {
			f, err = b.await(ctx, s)
		}
	}
	if err == nil {
		err = b.once(ctx, s)
	}
	if err == nil {
		err = b.learn(ctx, s, h[len(h)-1])
	}
	var got history
	if err == nil {
		got, err = b.history(ctx, s)
	}
	if err == nil && got.String() != h.String() {
		err = fmt.Errorf("song %s: the undisturbed song has the history %v, want %v", s.id.Song, got, h)
	}
	if err != nil {
		return f, err
	}
	b.calm[h.String()] = f
	return f, nil
}

// learn notes what recordings are converted to.
func (b *bench) learn(ctx context.Context, s *song, now takes) error {
	parts, err := b.store.Parts(ctx, s.id)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if known, ok := b.converted[p.Ingest.SHA256]; ok && known != now[i] {
			return fmt.Errorf("recordings %d and %d are converted to the same", known, now[i])
		}
		b.converted[p.Ingest.SHA256] = now[i]
	}
	return nil
}

// history reads what the finals of a song were made from.
func (b *bench) history(ctx context.Context, s *song) (history, error) {
	renders, err := b.store.Renders(ctx, s.id, 100)
	if err != nil {
		return nil, err
	}
	var h history
	for _, r := range slices.Backward(renders) {
		if r.State != store.Finished {
			continue
		}
		if r, err = b.store.Render(ctx, r.Run); err != nil {
			return nil, err
		}
		var p plan.Plan
		if err := json.Unmarshal(r.Plan, &p); err != nil {
			return nil, err
		}
		var now takes
		for i := range p.Sounds {
			for _, v := range p.Sound(i).Sound.Voices {
				var part int
				_, err := fmt.Sscanf(string(v.Part), "p%d", &part)
				take, known := b.converted[v.SHA256]
				if err != nil || part >= len(now) || !known {
					return nil, fmt.Errorf("run %s has part %q of the unknown recording %s", r.Run, v.Part, v.SHA256)
				}
				now[part] = take
			}
		}
		if len(h) == 0 || h[len(h)-1] != now {
			h = append(h, now)
		}
	}
	return h, nil
}
