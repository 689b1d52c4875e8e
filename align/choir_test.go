package align

import (
	"bytes"
	"image/png"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/choirless/render/media"
)

// choirOf returns a backing and parts with known offsets in ms. The last part
// rests until 15 s.
func choirOf(t testing.TB) (parts []*Features, truth []float64) {
	t.Helper()
	truth = []float64{0, 120, -340, 800, 55}
	if choirParts == nil {
		choirParts = makeChoir(t, truth)
	}
	return slices.Clone(choirParts), truth
}

var choirParts []*Features // made once

func makeChoir(t testing.TB, truth []float64) []*Features {
	t.Helper()
	parts := []*Features{extracted(t, refSong)}
	for i, ms := range truth[1:] {
		notes := human(tune, uint64(10+i), 0.02)
		if i == 3 {
			for notes[0].at < 15 {
				notes = notes[1:]
			}
		}
		parts = append(parts, extracted(t, record(sung, notes, songSeconds, ms/1000, 0, uint64(20+i))))
	}
	return parts
}

func TestChoir(t *testing.T) {
	parts, truth := choirOf(t)
	var o Options
	o.Cache = &Cache{}
	rs, err := Choir(t.Context(), 0, parts, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		near(t, "joint", r.Offset, truth[i], 35)
		if r.NeedsReview {
			t.Errorf("part %d: %+v", i, r)
		}
	}
	if rs[0].Method != MethodBacking || rs[0].Offset != 0 || rs[1].Method != MethodJoint {
		t.Errorf("methods %s, %s", rs[0].Method, rs[1].Method)
	}
	again, err := Choir(t.Context(), 0, parts, nil, o)
	if err != nil || !reflect.DeepEqual(rs, again) {
		t.Errorf("solved again from the cache: other results (%v)", err)
	}
	// The backing may stand anywhere.
	turned := append(append([]*Features{}, parts[1:]...), parts[0])
	rs2, err := Choir(t.Context(), 4, turned, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		near(t, "turned", rs2[i].Offset, rs[i+1].Offset.MS(), 0.5)
	}
}

// A person's offset is kept, and a part that fits only that one follows it.
func TestChoirLocked(t *testing.T) {
	parts, truth := choirOf(t)
	locked := map[int]media.Offset{2: media.OffsetMS(-300)}
	rs, err := Choir(t.Context(), 0, parts, locked, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := rs[2]; r.Offset != locked[2] || r.Method != MethodLocked || r.NeedsReview || r.Confidence != 1 {
		t.Errorf("%+v", r)
	}
	near(t, "beside a locked part", rs[1].Offset, truth[1], 25)
	if _, err := Choir(t.Context(), 7, parts, nil, Options{}); err == nil {
		t.Error("no such backing, but no error")
	}
}

// Parts that did not move keep their offset to the nanosecond.
func TestChoirIsStable(t *testing.T) {
	parts, truth := choirOf(t)
	first, err := Choir(t.Context(), 0, parts[:4], nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	previous := map[int]media.Offset{1: first[1].Offset + media.OffsetMS(4), 2: first[2].Offset + media.OffsetMS(60)}
	rs, err := Choir(t.Context(), 0, parts, nil, Options{Previous: previous})
	if err != nil {
		t.Fatal(err)
	}
	if rs[1].Offset != previous[1] {
		t.Errorf("moved by %.2f ms", (rs[1].Offset - previous[1]).MS())
	}
	near(t, "was wrong", rs[2].Offset, truth[2], 25)
}

// What cannot be trusted falls back, is flagged and says what else it could be.
func TestChoirFallback(t *testing.T) {
	parts, _ := choirOf(t)
	parts = append(parts, nil, extracted(t, record(sung, slower(melody(99, 55, songSeconds), 0.87), songSeconds, 0, 0, 2)))
	fallback := map[int]media.Offset{5: media.OffsetMS(11), 6: media.OffsetMS(-22)}
	rs, err := Choir(t.Context(), 0, parts, nil, Options{Fallback: fallback})
	if err != nil {
		t.Fatal(err)
	}
	for i, off := range fallback {
		if r := rs[i]; r.Offset != off || !r.NeedsReview || r.Reason == "" || r.Method != MethodFallback {
			t.Errorf("part %d: %+v", i, r)
		}
	}
	if len(rs[6].Candidates) < 2 {
		t.Errorf("candidates %v", rs[6].Candidates)
	}
	rs, err = Choir(t.Context(), 5, parts, map[int]media.Offset{1: 5}, Options{Fallback: fallback})
	if err != nil || rs[1].Offset != 5 || !rs[2].NeedsReview {
		t.Errorf("backing without sound: %v %+v %+v", err, rs[1], rs[2])
	}
}

// The least squares find the offsets behind noisy pairs, outliers or not.
func TestSolve(t *testing.T) {
	at := []float64{0, 100, -50, 30}
	s := &choir{nodes: make([]node, 4), direct: make([]*measurement, 4), parts: make([]*Features, 4)}
	s.nodes[0] = node{fixed: true, placed: true}
	m := func(d float64) *measurement {
		return &measurement{candidates: []Candidate{{media.OffsetMS(d), 1}}}
	}
	for i := 1; i < 4; i++ {
		s.nodes[i] = node{placed: true, at: at[i] + 15}
		s.direct[i] = m(at[i])
	}
	s.direct[3] = m(at[3] + 60) // one bad direct measurement …
	for i := 1; i < 4; i++ {
		for j := i + 1; j < 4; j++ {
			for range 5 { // … against many good pairs
				s.edges = append(s.edges, edge{i, j, m(at[j] - at[i])})
			}
		}
	}
	s.solve()
	for i := 1; i < 4; i++ {
		if d := s.nodes[i].at - at[i]; math.Abs(d) > 12 {
			t.Errorf("part %d is off by %.1f ms", i, d)
		}
	}
}

func TestPlot(t *testing.T) {
	parts, _ := choirOf(t)
	r := pairOf(t, parts[0], parts[1])
	r.DriftPPM, r.NeedsReview, r.Reason = 12, true, "for the picture"
	var b bytes.Buffer
	if err := Plot(&b, parts[0], parts[1], r, Options{}); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if s := img.Bounds().Size(); s.X != 1600 || s.Y != 1100 {
		t.Errorf("size %v", s)
	}
	seen := map[any]int{}
	for y := range 1100 {
		for x := range 1600 {
			seen[img.At(x, y)]++
		}
	}
	for name, c := range map[string]any{"reference": blue, "part": rust, "place": green} {
		if seen[c] < 500 {
			t.Errorf("%s: %d pixels", name, seen[c])
		}
	}
	if Plot(&b, nil, parts[1], r, Options{}) == nil {
		t.Error("nothing to draw, but no error")
	}
}
