package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/choirless/render/align"
)

// pair is one line of a manifest.
type pair struct {
	ID       int      `json:"id"`
	Ref      string   `json:"ref"`
	Part     string   `json:"part"`
	Offset   *float64 `json:"offset_ms"`
	Drift    float64  `json:"drift_ppm"`
	Category string   `json:"category"`
	Params   struct {
		Ref     string   `json:"ref"`
		BleedDB *float64 `json:"bleed_db"`
	} `json:"params"`
}

// piece is what a part sings, as far as the manifest says.
func (p pair) piece() string {
	piece, _, _ := strings.Cut(p.Params.Ref, "-")
	return piece
}

// outcome is a pair and what came of it.
type outcome struct {
	pair
	set        string
	err        float64 // ms; NaN where the truth is "refuse"
	confidence float64
	method     align.Method
	wrongSong  bool // an extra pair, made here
}

// right says that trusting the result would be right.
func (o outcome) right() bool { return math.Abs(o.err) < 60 }

type bench struct {
	single, joint []outcome
	choirs        [][]outcome // of choirgen
	cpu, minutes  float64
}

// measure runs one set.
func (b *bench) measure(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var m struct {
		Pairs []pair `json:"pairs"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	s := set{name: filepath.Base(filepath.Dir(file)), features: map[string]*align.Features{}, seconds: map[string]float64{}}
	before := cpu()
	for _, p := range m.Pairs {
		for _, name := range []string{p.Ref, p.Part} {
			if _, done := s.seconds[name]; done {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			f, seconds, err := features(ctx, filepath.Dir(file), name)
			if err != nil {
				return err
			}
			s.features[name], s.seconds[name] = f, seconds
			b.minutes += seconds / 60
		}
	}
	for _, p := range m.Pairs {
		o, err := s.try(ctx, p)
		if err != nil {
			return err
		}
		b.single = append(b.single, o)
	}
	b.cpu += cpu() - before
	wrong, err := s.wrongSongs(ctx, m.Pairs)
	if err != nil {
		return err
	}
	b.single = append(b.single, wrong...)
	joint, err := s.choirs(ctx, m.Pairs)
	b.joint = append(b.joint, joint...)
	return err
}

// set holds the features of one manifest by file name.
type set struct {
	name     string
	features map[string]*align.Features
	seconds  map[string]float64
}

// judge compares a result with the truth, which holds mid-reference.
func (s *set) judge(p pair, r align.Result) outcome {
	o := outcome{pair: p, set: s.name, err: math.NaN(), confidence: r.Confidence, method: r.Method}
	best := r.Offset
	if r.Method == align.MethodFallback && len(r.Candidates) > 0 {
		best = r.Candidates[0].Offset
	}
	if p.Offset != nil {
		o.err = best.MS() + r.DriftPPM*1e-3*s.seconds[p.Ref]/2 - *p.Offset
	}
	return o
}

func (s *set) try(ctx context.Context, p pair) (outcome, error) {
	if s.features[p.Ref] == nil || s.features[p.Part] == nil {
		return s.judge(p, align.Result{NeedsReview: true, Method: align.MethodFallback}), nil
	}
	r, err := align.Pair(ctx, s.features[p.Ref], s.features[p.Part], align.Options{})
	if err != nil {
		return outcome{}, fmt.Errorf("pair %d: %w", p.ID, err)
	}
	return s.judge(p, r), nil
}

// wrongSongs tries every part against the reference of another piece.
func (s *set) wrongSongs(ctx context.Context, pairs []pair) ([]outcome, error) {
	var out []outcome
	for i, p := range pairs {
		if p.Offset == nil || p.piece() == "" {
			continue
		}
		for k := range pairs {
			q := pairs[(i+k)%len(pairs)]
			if q.piece() == "" || q.piece() == p.piece() {
				continue
			}
			p.Ref, p.Offset, p.Category = q.Ref, nil, "wrong-song"
			o, err := s.try(ctx, p)
			if err != nil {
				return nil, err
			}
			o.wrongSong = true
			out = append(out, o)
			break
		}
	}
	return out, nil
}

// choirs places all parts of each reference together.
func (s *set) choirs(ctx context.Context, pairs []pair) ([]outcome, error) {
	byRef := map[string][]pair{}
	var order []string
	for _, p := range pairs {
		if p.Offset == nil {
			continue
		}
		if byRef[p.Ref] == nil {
			order = append(order, p.Ref)
		}
		byRef[p.Ref] = append(byRef[p.Ref], p)
	}
	var out []outcome
	for _, ref := range order {
		parts := []*align.Features{s.features[ref]}
		for _, p := range byRef[ref] {
			parts = append(parts, s.features[p.Part])
		}
		results, err := align.Choir(ctx, 0, parts, nil, align.Options{})
		if err != nil {
			return nil, fmt.Errorf("choir of %s: %w", ref, err)
		}
		for i, p := range byRef[ref] {
			out = append(out, s.judge(p, results[i+1]))
		}
	}
	return out, nil
}
