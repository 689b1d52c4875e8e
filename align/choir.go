package align

import (
	"context"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/internal/cores"
	"github.com/choirless/render/media"
)

// A choir knows more than its pairs. A part that has almost nothing in common
// with the backing (it enters late, or sings other notes than the only voice
// there) agrees with its neighbours, and the errors of many pairs average out.
// So parts are placed in three steps:
//
//  1. every part against the backing, and against up to neighboursMost others;
//  2. the place of each part is chosen on the sum of the combined curves of all
//     its pairs, those with parts already placed moved to song time;
//  3. the milliseconds come from weighted least squares over all pairs that
//     agree with the chosen places, re-weighted so that outliers lose (Huber).
//
// A direct measurement by bleed is exact and moves no more; so are locked
// offsets and the backing.

// neighboursMost bounds the pairs per part: the work grows with the number of
// parts, not with its square.
const neighboursMost = 12

// keepMoves is how far a part must move before its previous offset is given up.
const keepMoves = media.Offset(5e6) // 5 ms

// Choir places all parts of a song together: every part is measured against the
// backing and against other parts, and the offsets that agree best with all
// measurements are found by weighted least squares.
//
// backing is the index of the backing in parts; its result is 0. locked holds
// offsets given by a person, by index; they are kept and help to place the
// others; drift that bleed proves is reported of such a part too, where the bleed
// is within 60 ms of the person's offset. A nil entry of parts is a recording without usable sound: its result
// is the fallback and needs review. Errors are misuse, no such backing, and the cause of
// ctx's end, within a fraction of a second of it.
func Choir(ctx context.Context, backing int, parts []*Features, locked map[int]media.Offset, o Options) ([]Result, error) {
	if backing < 0 || backing >= len(parts) {
		return nil, fmt.Errorf("align: backing is part %d of %d", backing, len(parts))
	}
	s := &choir{
		o: o, backing: backing, parts: parts, locked: locked, cache: o.Cache,
		nodes: make([]node, len(parts)), direct: make([]*measurement, len(parts)),
	}
	if s.cache == nil {
		s.cache = &Cache{}
	}
	defer s.cache.forgetPrepared()
	if err := s.measureDirect(ctx); err != nil {
		return nil, err
	}
	if err := s.measureEdges(ctx); err != nil {
		return nil, err
	}
	s.place()
	s.solve()
	return s.results(), nil
}

// choir is the state of one solution.
type choir struct {
	o       Options
	backing int
	parts   []*Features
	locked  map[int]media.Offset
	cache   *Cache
	direct  []*measurement // against the backing; nil where there is none
	edges   []edge
	nodes   []node
}

// node is what is known of a part while solving.
type node struct {
	fixed      bool    // backing, locked or bleed: does not move
	placed     bool    // may serve others
	at         float64 // offset, ms
	confidence float64
	helped     bool // others had a say
}

// edge is a pair of parts, neither of them the backing.
type edge struct {
	a, b int // part b measured against part a
	m    *measurement
}

func (s *choir) measureDirect(ctx context.Context) error {
	backing := s.parts[s.backing]
	var pairs []pair
	for i, f := range s.parts {
		if i != s.backing && f != nil && backing != nil {
			pairs = append(pairs, pair{backing, f, true, &s.direct[i]})
		}
	}
	if err := s.measure(ctx, pairs); err != nil {
		return err
	}
	for i, f := range s.parts {
		n, m := &s.nodes[i], s.direct[i]
		off, locked := s.locked[i]
		switch {
		case i == s.backing:
			*n = node{fixed: true, placed: f != nil, confidence: 1}
		case locked: // measured as well, for its clock drifts all the same
			*n = node{fixed: true, placed: true, at: off.MS(), confidence: 1}
		case m != nil:
			best := m.candidates[0]
			*n = node{fixed: m.bleed != nil, at: best.Offset.MS(), confidence: best.Confidence}
			n.placed = n.confidence >= placedAt
		}
	}
	return nil
}

// pair is a measurement to be made, and where it goes.
type pair struct {
	ref, part *Features
	bleed     bool
	to        **measurement
}

// measure makes measurements, as many beside each other as there are cores.
func (s *choir) measure(ctx context.Context, pairs []pair) error {
	var g errgroup.Group
	g.SetLimit(cores.Count())
	for _, p := range pairs {
		g.Go(func() (err error) {
			if ctx.Err() != nil { // before its parts are made ready
				return context.Cause(ctx)
			}
			*p.to, err = s.cache.measure(ctx, p.ref, p.part, s.o, p.bleed)
			return err
		})
	}
	return g.Wait()
}

// placedAt is the confidence from which a part may help to place others.
const placedAt = 0.9

// measureEdges measures parts against each other. Where there are too many, each
// meets those that are placed best, and its next by index for variety.
func (s *choir) measureEdges(ctx context.Context) error {
	if s.parts[s.backing] == nil {
		return nil
	}
	var order []int
	for i, f := range s.parts {
		if f != nil && i != s.backing {
			order = append(order, i)
		}
	}
	best := slices.Clone(order)
	slices.SortStableFunc(best, func(a, b int) int {
		switch d := s.nodes[b].confidence - s.nodes[a].confidence; {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return a - b
	})
	done := map[[2]int]bool{}
	add := func(i, j int) {
		a, b := min(i, j), max(i, j)
		if a == b || done[[2]int{a, b}] || (s.nodes[a].fixed && s.nodes[b].fixed) {
			return
		}
		done[[2]int{a, b}] = true
		s.edges = append(s.edges, edge{a: a, b: b})
	}
	for at, i := range order {
		for _, j := range best[:min(len(best), neighboursMost/2+1)] {
			add(i, j)
		}
		for k := 1; k <= neighboursMost/2; k++ {
			add(i, order[(at+k)%len(order)])
		}
	}
	pairs := make([]pair, len(s.edges))
	for i := range s.edges {
		e := &s.edges[i]
		pairs[i] = pair{s.parts[e.a], s.parts[e.b], false, &e.m}
	}
	return s.measure(ctx, pairs)
}

// othersWeigh is how much the curve of a pair of parts counts against that with
// the backing: their mistakes are alike (a beat slip in one is one in all), so
// they must not add up to certainty.
const othersWeigh = 0.3

// place chooses the place of every part that is not fixed, surest first.
func (s *choir) place() {
	var order []int
	for i := range s.nodes {
		if s.direct[i] != nil && !s.nodes[i].fixed {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch d := s.nodes[b].confidence - s.nodes[a].confidence; {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return a - b
	})
	for _, i := range order {
		s.placeOne(i)
	}
}

// placeOne chooses the place of part i on the curves of all its pairs.
func (s *choir) placeOne(i int) {
	n := &s.nodes[i]
	c := s.direct[i].c
	sum := slices.Clone(c.odds)
	type help struct {
		m    *measurement
		at   float64 // what to add to an offset of the pair, ms
		sign float64
		sure float64
	}
	var helps []help
	for _, e := range s.edges {
		switch {
		case e.b == i && s.nodes[e.a].placed:
			helps = append(helps, help{e.m, s.nodes[e.a].at, 1, s.nodes[e.a].confidence})
		case e.a == i && s.nodes[e.b].placed:
			helps = append(helps, help{e.m, s.nodes[e.b].at, -1, s.nodes[e.b].confidence})
		}
	}
	if len(helps) == 0 {
		return
	}
	share := float32(othersWeigh * math.Min(1, 3/float64(len(helps))))
	for _, h := range helps {
		for k := range sum {
			// The part at lag k−m of the song lies at this lag of the pair.
			l := h.sign * (float64(k-c.m) + c.shift - h.at*frameRate/1000)
			if j := int(math.Round(l-h.m.c.shift)) + h.m.c.m; j >= 0 && j < len(h.m.c.total) {
				sum[k] += share * h.m.c.total[j]
			} else {
				sum[k] += share * h.m.c.least
			}
		}
	}
	at := n.at
	if !n.placed { // a part that is sure of its place is not argued out of it
		at = frameOffset(c.refine(argmax(sum))).MS()
	}
	own := s.direct[i].confidenceNear(at)
	// Others vouch for the place, three at most, each half as much as it knows.
	var votes []float64
	for _, h := range helps {
		votes = append(votes, 0.5*h.sure*h.m.confidenceNear(h.sign*(at-h.at)))
	}
	slices.Sort(votes)
	wrong := 1 - own
	for _, v := range votes[max(0, len(votes)-3):] {
		wrong *= 1 - v
	}
	n.at, n.confidence, n.helped = at, 1-wrong, true
	n.placed = n.placed || n.confidence >= placedAt
}

// confidenceNear returns the confidence of the candidate at an offset, 0 if none.
func (m *measurement) confidenceNear(ms float64) float64 {
	for _, c := range m.candidates {
		if math.Abs(c.Offset.MS()-ms) < 60 {
			return c.Confidence
		}
	}
	return 0
}
