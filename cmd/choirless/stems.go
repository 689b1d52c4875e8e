package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/local"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
)

// stemHeadroom is how much lower than in the mix everything is written, dB.
const stemHeadroom = 12

// writeStems writes every part as it enters the mix (trimmed or delayed, gained
// and panned, over the whole song), and the dry and the wet sum before the
// master's gain, as 24-bit FLAC of equal length. Where a part is named dry or wet,
// a sum is +dry.flac or +wet.flac: no part's id has a plus. All are stemHeadroom down, so
// that sums fit; the parts add up to dry.flac where reverb is 0, and otherwise
// to dry.flac over the dry share.
func writeStems(ctx context.Context, l *local.Process, res coordinator.Result, dir string) error {
	var p plan.Plan
	if err := json.Unmarshal(res.Render.Plan, &p); err != nil {
		return fmt.Errorf("stems: plan: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	voices, err := node.Voices(ctx, l.Buckets, p.Sounds...)
	if err != nil {
		return err
	}
	names := make([]string, len(voices))
	for i, v := range voices {
		names[i] = v.Name
	}
	err = flacFiles(dir, names, func(write func(file int, pcm [][]float32) error) error {
		return mix.Stems(ctx, voices, p.Samples, write)
	})
	if err != nil {
		return fmt.Errorf("stems: %w", err)
	}
	o, _, err := l.Coordinator.MasterOptions(ctx, p.Master)
	if err != nil {
		return err
	}
	sumNames := []string{"dry", "wet"}
	for i, name := range sumNames {
		if slices.Contains(names, name) {
			sumNames[i] = "+" + name
		}
	}
	err = flacFiles(dir, sumNames, func(write func(file int, pcm [][]float32) error) error {
		o.Stems = func(dry, wet [][]float32) error {
			return errors.Join(write(0, dry), write(1, wet))
		}
		_, err := mix.Master(ctx, sums(ctx, l.Buckets, &p), p.Samples, o, func([][]float32) error { return nil })
		return err
	})
	if err != nil {
		return fmt.Errorf("stems: %w", err)
	}
	return nil
}

// sums opens the dry sums of a plan.
func sums(ctx context.Context, b bucket.Buckets, p *plan.Plan) []func() (mix.Source, error) {
	var open []func() (mix.Source, error)
	for i := range p.Sounds {
		out := p.Sound(i).Sound.Out
		open = append(open, func() (mix.Source, error) {
			r, _, err := bucket.Open(ctx, b[out.Bucket], out.Key)
			if err != nil {
				return nil, err
			}
			return mix.OpenWAV(r)
		})
	}
	return open
}

// flacFiles opens a stereo FLAC file per name, lets fill write to them by index,
// and closes them.
func flacFiles(dir string, names []string, fill func(write func(file int, pcm [][]float32) error) error) (err error) {
	type out struct {
		f    *os.File
		flac *encode.FLAC
		at   int64
	}
	outs := make([]*out, len(names))
	defer func() {
		for _, o := range outs {
			if o == nil {
				continue
			}
			err = errors.Join(err, o.flac.Close(), o.f.Close())
		}
	}()
	for i, name := range names {
		f, err := os.Create(filepath.Join(dir, name+".flac"))
		if err != nil {
			return err
		}
		flac, err := encode.NewFLAC(f, media.MixRate, 2)
		if err != nil {
			f.Close()
			return err
		}
		outs[i] = &out{f: f, flac: flac}
	}
	gain := float32(mix.GainOf(-stemHeadroom))
	return fill(func(file int, pcm [][]float32) error {
		o := outs[file]
		block := make([][]float32, len(pcm))
		for c, in := range pcm {
			block[c] = make([]float32, len(in))
			for i, v := range in {
				block[c][i] = v * gain
			}
		}
		err := o.flac.Write(media.Block{Start: o.at, Rate: media.MixRate, Channels: block})
		o.at += int64(len(pcm[0]))
		return err
	})
}
