package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// A history is which recordings a song was aligned with, one after the other, from
// the last time on that nothing had been heard of it: from then on the places of its
// parts depend on where they were heard before, and on nothing else. A final is
// compared with that of an undisturbed song of the same history.
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
	t.Logf("undisturbed: %d pictures, %.2f s of sound", one.Frames, one.Seconds)
}

// steps is the number of steps of a song, from the first upload to the final, at
// least: on a slow machine it may be aligned and defined more than once.
const steps = 29

// calmTries is how often an undisturbed song may turn out to have another history,
// because its uploads took longer than the coordinator waits for more.
const calmTries = 5

// calmOf returns the final of an undisturbed song of a history, and makes it first
// where there is none.
func (b *bench) calmOf(ctx context.Context, h history) (final, error) {
	if f, ok := b.calm[h.String()]; ok {
		return f, nil
	}
	for try := range calmTries {
		s := b.song(fmt.Sprint("calm", len(b.calm), "try", try))
		f, err := b.makeCalm(ctx, s, h)
		if err != nil {
			return f, err
		}
		got, err := b.histories(ctx, s)
		if err != nil {
			return f, err
		}
		if len(got) == 1 && got[0].String() == h.String() {
			b.calm[h.String()] = f
			return f, nil
		}
	}
	return final{}, fmt.Errorf("no undisturbed song of the history %v in %d tries", h, calmTries)
}

// makeCalm uploads the recordings of a history and returns the final of the last.
func (b *bench) makeCalm(ctx context.Context, s *song, h history) (f final, err error) {
	var have takes
	err = b.store.PutSong(ctx, s.id, []byte(settings))
	for i, now := range h {
		if i > 0 {
			time.Sleep(moment) // so that the places of before have surely been heard
		}
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
	return f, err
}

// moment is more than passes between looking up whether something has been heard and
// writing down the places.
const moment = time.Second

// histories reads from a song's steps which histories its newest final may have: one,
// unless it was aligned while its first final was being finished.
func (b *bench) histories(ctx context.Context, s *song) ([]history, error) {
	events, err := b.store.Events(ctx, s.id, 0, 10_000)
	if err != nil {
		return nil, err
	}
	type alignment struct {
		takes takes
		at    time.Time
	}
	var all []alignment
	var heard time.Time
	uploads, seen := map[definition.PartID]int{}, map[definition.PartID]int{}
	for _, e := range events {
		if e.Stage == store.StageUpload {
			uploads[e.Part]++
		}
	}
	for _, e := range events {
		switch {
		case e.Stage == store.StageUpload:
			seen[e.Part]++
		case e.Stage == store.StageFinish && e.State == store.TaskDone && heard.IsZero():
			heard = e.At
		case e.Stage == store.StageAlign && e.State == store.TaskDone:
			if len(all) == 0 || !all[len(all)-1].at.Equal(e.At) { // one transaction, one time
				all = append(all, alignment{at: e.At})
			}
			var part int
			if _, err := fmt.Sscanf(string(e.Part), "p%d", &part); err != nil || part >= len(s.takes) {
				return nil, fmt.Errorf("song %s: unknown part %q", s.id.Song, e.Part)
			}
			// Of two recordings that came close together the first may never have
			// been seen.
			order := s.order[part]
			all[len(all)-1].takes[part] = order[len(order)-uploads[e.Part]+seen[e.Part]-1]
		}
	}
	out := []history{nil}
	for _, a := range all {
		keep := out
		out = nil
		if heard.IsZero() || a.at.Before(heard.Add(moment)) {
			out = append(out, history{a.takes})
		}
		if heard.IsZero() || a.at.Before(heard) {
			continue
		}
		for _, h := range keep {
			if len(h) == 0 || h[len(h)-1] != a.takes {
				h = append(slices.Clone(h), a.takes)
			}
			out = append(out, h)
		}
	}
	return out, nil
}
