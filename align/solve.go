package align

import (
	"math"
	"slices"

	"github.com/choirless/render/media"
)

// An equation says that part b lies d ms after part a, with a weight.
type equation struct {
	a, b   int
	d      float64
	weight float64
}

// How much an equation counts, and where its error begins to count less.
const (
	directWeight = 1.0
	pairWeight   = 0.3
	huberMS      = 12.0
	agreeMS      = 80.0 // farther from the chosen places it is another place
)

// equations gathers all pairs that agree with the chosen places.
func (s *choir) equations() []equation {
	var out []equation
	add := func(a, b int, m *measurement, weight float64) {
		want := s.nodes[b].at - s.nodes[a].at
		for _, c := range m.candidates {
			if d := c.Offset.MS(); math.Abs(d-want) < agreeMS {
				out = append(out, equation{a, b, d, weight * c.Confidence})
				return
			}
		}
	}
	for i, m := range s.direct {
		if m != nil && !s.nodes[i].fixed {
			add(s.backing, i, m, directWeight)
		}
	}
	for _, e := range s.edges {
		if s.nodes[e.a].placed && s.nodes[e.b].placed {
			add(e.a, e.b, e.m, pairWeight)
		}
	}
	return out
}

// solve finds the offsets that leave the smallest weighted squares, fixed ones
// kept, by Gauss–Seidel sweeps: the system is diagonally dominant, so they
// converge, and they need no matrix.
func (s *choir) solve() {
	eqs := s.equations()
	of := make([][]int, len(s.nodes))
	for i, e := range eqs {
		of[e.a], of[e.b] = append(of[e.a], i), append(of[e.b], i)
	}
	for range 200 {
		moved := 0.0
		for i := range s.nodes {
			n := &s.nodes[i]
			if n.fixed || len(of[i]) == 0 {
				continue
			}
			var sum, weight float64
			for _, k := range of[i] {
				e := eqs[k]
				at := s.nodes[e.a].at + e.d
				if e.a == i {
					at = s.nodes[e.b].at - e.d
				}
				w := e.weight
				if r := math.Abs(at - n.at); r > huberMS {
					w *= huberMS / r
				}
				sum += w * at
				weight += w
			}
			at := sum / weight
			moved = max(moved, math.Abs(at-n.at))
			n.at = at
		}
		if moved < 1e-4 {
			break
		}
	}
}

// results turns the solution into answers.
func (s *choir) results() []Result {
	out := make([]Result, len(s.nodes))
	for i := range out {
		out[i] = s.resultOf(i)
	}
	return out
}

func (s *choir) resultOf(i int) Result {
	n, m := s.nodes[i], s.direct[i]
	if i == s.backing {
		return Result{Confidence: 1, Method: MethodBacking}
	}
	if off, ok := s.locked[i]; ok {
		r := Result{Offset: off, Confidence: 1, Method: MethodLocked}
		if m != nil && m.bleed != nil && math.Abs(float64(m.bleed.offset-off)) < float64(sameNS) {
			r.DriftPPM = m.bleed.ppm
		}
		return r
	}
	if m == nil {
		reason := "no usable sound"
		if s.parts[i] != nil {
			reason = "the backing has no usable sound"
		}
		return Result{Offset: s.o.Fallback[i], Method: MethodFallback, NeedsReview: true, Reason: reason}
	}
	r := m.result(s.o)
	if n.fixed {
		return s.keep(i, r)
	}
	r.Offset, r.Confidence = media.OffsetMS(n.at), n.confidence
	if n.helped {
		r.Method = MethodJoint
		r.Candidates = s.merged(i)
	}
	r.NeedsReview, r.Reason = false, ""
	if r.Confidence < s.o.threshold() {
		r.Offset, r.NeedsReview, r.Method, r.Reason = s.o.Fallback[i], true, MethodFallback, m.doubt()
		return r
	}
	return s.keep(i, r)
}

// merged lists the chosen place first, then the other candidates.
func (s *choir) merged(i int) []Candidate {
	n := s.nodes[i]
	list := []Candidate{{media.OffsetMS(n.at), n.confidence}}
	for _, c := range s.direct[i].candidates {
		if math.Abs(c.Offset.MS()-n.at) >= 60 {
			c.Confidence = min(c.Confidence, 1-n.confidence)
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list[1:], func(a, b Candidate) int {
		switch {
		case a.Confidence > b.Confidence:
			return -1
		case a.Confidence < b.Confidence:
			return 1
		}
		return 0
	})
	return list
}

// keep leaves a part where it was unless it would move noticeably.
func (s *choir) keep(i int, r Result) Result {
	if was, ok := s.o.Previous[i]; ok {
		if d := r.Offset - was; d <= keepMoves && d >= -keepMoves {
			r.Offset = was
		}
	}
	return r
}
