package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/choirless/render/encode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/node"
	"github.com/choirless/render/scripts/render-local/monitor"
	"github.com/choirless/render/scripts/render-local/song"
	"github.com/choirless/render/stitch"
)

// recordBitrate is that of the sound, bit/s: that of a final.
const recordBitrate = 192000

// record writes the whole song: the canvas as one stripe and one segment, the
// sound mastered as the service does it.
func record(ctx context.Context, s *song.Song, eng *engine.Engine, file string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".render-local-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sound, mastered, err := recordSound(ctx, s)
	if err != nil {
		return fmt.Errorf("sound: %w", err)
	}
	cell := filepath.Join(dir, "picture.h264")
	frames, err := recordPicture(ctx, s, eng, cell)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	part, err := os.Create(filepath.Join(dir, "movie.mp4"))
	if err != nil {
		return err
	}
	movie := stitch.Movie{Rate: s.Plan.Rate, Audio: sound, Segments: []stitch.Segment{{
		Frames:  frames,
		Stripes: []stitch.Opener{func() (io.ReadCloser, error) { return os.Open(cell) }},
	}}}
	stats, err := stitch.WriteMP4(ctx, part, movie)
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), file); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d frames, %dx%d, %.1f LUFS, %.1f dBTP\n", file, stats.Frames, stats.Width, stats.Height,
		float64(mastered.Integrated), float64(mastered.TruePeak))
	return nil
}

func recordPicture(ctx context.Context, s *song.Song, eng *engine.Engine, file string) (frames int, err error) {
	p := s.Canvas()
	scene, err := node.Scene(ctx, s.Buckets, p)
	if err != nil {
		return 0, err
	}
	canvas, err := eng.NewCanvas(ctx, scene)
	if err != nil {
		return 0, err
	}
	defer canvas.Close()
	w, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	enc, err := encode.NewCell(w, encode.CellOptions{
		Width: p.Width, Height: p.Height, Rate: p.Rate, Preset: p.Encoder.Preset, CRF: p.Encoder.CRF, GOP: p.Encoder.GOP, Threads: 1,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, enc.Close()); frames = enc.Frames() }()
	tiles := node.OpenTiles(ctx, s.Buckets, p)
	defer tiles.Close()
	for i := range p.Segment.Count {
		f, release, err := canvas.Render(ctx, tiles.At(p.Rate.Time(i)))
		if err != nil {
			return 0, fmt.Errorf("frame %d: %w", i, err)
		}
		err = enc.Write(f)
		release()
		if err != nil {
			return 0, fmt.Errorf("frame %d: %w", i, err)
		}
	}
	return 0, nil
}

func recordSound(ctx context.Context, s *song.Song) (*stitch.Audio, mix.Mastered, error) {
	voices, err := s.MixVoices(ctx)
	if err != nil {
		return nil, mix.Mastered{}, err
	}
	o, err := s.Master(ctx)
	if err != nil {
		return nil, mix.Mastered{}, err
	}
	coder, err := encode.NewAAC(media.MixRate, 2, recordBitrate)
	if err != nil {
		return nil, mix.Mastered{}, err
	}
	defer coder.Close()
	var packets []stitch.AudioPacket
	keep := func(p []encode.Packet) {
		for _, k := range p {
			packets = append(packets, stitch.AudioPacket{Data: bytes.Clone(k.Data), Duration: 1024})
		}
	}
	var at int64
	m, err := mix.Master(ctx, monitor.Sums(ctx, voices, s.Plan.Samples), s.Plan.Samples, o, func(stereo [][]float32) error {
		p, err := coder.Write(media.Block{Start: at, Rate: media.MixRate, Channels: stereo})
		at += int64(len(stereo[0]))
		keep(p)
		return err
	})
	if err != nil {
		return nil, m, err
	}
	rest, err := coder.Flush()
	if err != nil {
		return nil, m, err
	}
	keep(rest)
	return &stitch.Audio{
		Config: coder.Config(), Packets: stitch.Packets(packets), Priming: coder.Priming(),
		Samples: s.Plan.Samples, Rate: media.MixRate, Channels: 2,
	}, m, nil
}
