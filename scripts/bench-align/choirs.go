package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/choirless/render/align"
)

// A choir of choirgen: half of the files are as browsers and phones make them, half
// have no picture, which takes a third of the time and sounds the same.
const (
	choirParts     = "12"
	choirSeconds   = "40"
	choirSoundOnly = "6"
)

// measureChoir makes the choir of a seed and places all its voices together.
func (b *bench) measureChoir(ctx context.Context, seed string) error {
	dir, err := os.MkdirTemp("", "choir")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, "go", "run", "./scripts/choirgen", "--quiet", "--out", dir, "--seed", seed,
		"--parts", choirParts, "--seconds", choirSeconds, "--audio-only", choirSoundOnly)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("choirgen: %w\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		return err
	}
	var truth struct {
		Parts []struct {
			File     string  `json:"file"`
			Voice    string  `json:"part_name"`
			OffsetMS float64 `json:"offset_ms"`
		} `json:"parts"`
	}
	if err := json.Unmarshal(data, &truth); err != nil {
		return err
	}
	var parts []*align.Features
	for _, p := range truth.Parts {
		f, _, err := features(ctx, dir, p.File)
		if err != nil {
			return err
		}
		parts = append(parts, f)
	}
	results, err := align.Choir(ctx, 0, parts, nil, align.Options{})
	if err != nil {
		return err
	}
	var choir []outcome
	for i, r := range results[1:] {
		p := truth.Parts[i+1]
		choir = append(choir, outcome{
			pair: pair{ID: i + 1, Offset: &p.OffsetMS, Category: p.Voice}, set: "choir " + seed,
			err: r.Offset.MS() - p.OffsetMS, confidence: r.Confidence, method: r.Method,
		})
	}
	b.choirs = append(b.choirs, choir)
	return nil
}

// among returns the errors of voices against the median one of their choir: what is
// heard between singers, whatever the backing does.
func among(choirs [][]outcome) []outcome {
	var out []outcome
	for _, c := range choirs {
		var e []float64
		for _, o := range c {
			e = append(e, o.err)
		}
		slices.Sort(e)
		for _, o := range c {
			o.err -= e[len(e)/2]
			out = append(out, o)
		}
	}
	return out
}
