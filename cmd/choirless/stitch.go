package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/stitch"
)

const aacBitrate = 192_000

type stitchFlags struct {
	out, audio, title string
	fps               string
	anyMotion, verify bool
}

func newStitch() *cobra.Command {
	var o stitchFlags
	c := &cobra.Command{
		Use:   "stitch STRIPE... --out OUT.mp4",
		Short: "join H.264 stripes into one video without re-encoding",
		Long: `stitch puts stripes, top to bottom, into one video by rewriting headers only.

Stripes are H.264 files (raw, MP4 or Matroska) of one width, made with the same
options by an encoder that keeps motion inside the picture (libx264 with
stripe-mv=1; scripts/x264 builds it). Whatever cannot be joined exactly is
refused with the stripe, the picture and both values.`,
		Args: args(1, -1, "at least one stripe"),
		RunE: func(c *cobra.Command, a []string) error {
			if o.out == "" {
				return usage("stitch: --out is missing")
			}
			stats, err := stitchFiles(c.Context(), a, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %d pictures of %dx%d, %.2f s\n", o.out, stats.Frames, stats.Width, stats.Height, stats.Duration.Seconds())
			if o.verify {
				fmt.Fprintf(c.OutOrStdout(), "%s: verified: every picture decodes to its stripes\n", o.out)
			}
			return nil
		},
	}
	c.Flags().StringVar(&o.out, "out", "", "the MP4 `file` to write")
	c.Flags().StringVar(&o.audio, "audio", "", "a `file` with the finished sound; AAC in MP4 is copied, anything else encoded")
	c.Flags().StringVar(&o.title, "title", "", "title written into the file")
	c.Flags().StringVar(&o.fps, "fps", "", "frame rate, such as 25, 29.97, 25000/1001; by default what the stripes say")
	c.Flags().BoolVar(&o.anyMotion, "any-motion", false, "join stripes whose encoder did not promise to keep motion inside (not exact)")
	c.Flags().BoolVar(&o.verify, "verify", false, "decode the result and the stripes and compare every picture")
	return c
}

func stitchFiles(ctx context.Context, files []string, o stitchFlags) (stitch.Stats, error) {
	m := stitch.Movie{Title: o.title, AnyMotion: o.anyMotion}
	w := &wrong{}
	w.file("out", o.out)
	var fps definition.FPS
	if o.fps != "" {
		var err error
		if fps, err = definition.ParseFPS(o.fps); err != nil {
			w.add("--fps: %w", err)
		}
	}
	if err := w.err(); err != nil {
		return stitch.Stats{}, err
	}
	var seg stitch.Segment
	for i, file := range files {
		info, err := inspectStripe(file)
		if err != nil {
			return stitch.Stats{}, badInput(fmt.Errorf("stripe %d: %s: %w", i, file, err), "")
		}
		if i == 0 {
			m.Rate = info.Rate
		}
		seg.Stripes = append(seg.Stripes, opener(file))
	}
	if o.fps != "" {
		m.Rate = media.FrameRate{Num: int64(fps.Num), Den: int64(fps.Den)}
	}
	if m.Rate.Num == 0 {
		return stitch.Stats{}, usage("stitch: the stripes do not say their frame rate; give --fps")
	}
	m.Segments = []stitch.Segment{seg}
	if o.audio != "" {
		audio, done, err := readSound(ctx, o.audio)
		if err != nil {
			return stitch.Stats{}, badInput(fmt.Errorf("%s: %w", o.audio, err), "")
		}
		defer done()
		m.Audio = audio
	}
	stats, err := writeFile(o.out, func(w io.WriteSeeker) (stitch.Stats, error) { return stitch.WriteMP4(ctx, w, m) })
	if err != nil {
		return stats, err
	}
	if o.verify {
		return stats, verifyStitch(ctx, files, o.out, m.Rate)
	}
	return stats, nil
}

// writeFile writes a file that appears under its name only when it is whole.
func writeFile[T any](name string, write func(io.WriteSeeker) (T, error)) (T, error) {
	temp := name + ".part"
	f, err := os.Create(temp)
	if err != nil {
		var none T
		return none, err
	}
	v, err := write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		os.Remove(temp)
	}
	return v, err
}

type elementary struct {
	io.Reader
	io.Closer
}

func opener(file string) stitch.Opener {
	return func() (io.ReadCloser, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		r, err := stitch.Elementary(f)
		if err != nil {
			f.Close()
			return nil, err
		}
		return elementary{r, f}, nil
	}
}

func inspectStripe(file string) (stitch.Info, error) {
	r, err := opener(file)()
	if err != nil {
		return stitch.Info{}, err
	}
	defer r.Close()
	return stitch.Inspect(r)
}

// readSound gives the sound of a file as AAC packets. done frees what it needs.
func readSound(ctx context.Context, file string) (*stitch.Audio, func() error, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	if a, err := stitch.ReadAudio(f); err == nil && a != nil {
		return a, f.Close, nil
	}
	defer f.Close()
	a, err := encodeSound(ctx, f)
	return a, func() error { return nil }, err
}

// encodeSound encodes any sound libav reads; 48 kHz stereo.
func encodeSound(ctx context.Context, src io.ReadSeeker) (*stitch.Audio, error) {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	dec, err := decode.OpenAudio(ctx, src)
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	channels := min(2, dec.Channels())
	enc, err := encode.NewAAC(media.MixRate, channels, aacBitrate)
	if err != nil {
		return nil, err
	}
	defer enc.Close()
	rs := mix.NewResampler(dec.Rate(), media.MixRate, channels)
	var packets []stitch.AudioPacket
	total := int64(0)
	write := func(pcm [][]float32) error {
		p, err := enc.Write(media.Block{Start: total, Rate: media.MixRate, Channels: pcm})
		if len(pcm) > 0 {
			total += int64(len(pcm[0]))
		}
		packets = appendPackets(packets, p)
		return err
	}
	for {
		b, err := dec.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := write(rs.Process(mix.FoldDown(b).Channels)); err != nil {
			return nil, err
		}
	}
	if err := write(rs.Flush()); err != nil {
		return nil, err
	}
	rest, err := enc.Flush()
	if err != nil {
		return nil, err
	}
	packets = appendPackets(packets, rest)
	return &stitch.Audio{
		Config: enc.Config(), Packets: stitch.Packets(packets), Priming: enc.Priming(),
		Samples: total, Rate: media.MixRate, Channels: channels,
	}, nil
}

func appendPackets(list []stitch.AudioPacket, more []encode.Packet) []stitch.AudioPacket {
	for _, p := range more {
		list = append(list, stitch.AudioPacket{Data: p.Data, Duration: p.Duration})
	}
	return list
}

// verifyStitch decodes the stripes and the result and compares every picture.
func verifyStitch(ctx context.Context, files []string, out string, rate media.FrameRate) error {
	var stripes []*decode.Video
	for _, file := range files {
		r, err := opener(file)()
		if err != nil {
			return err
		}
		defer r.Close()
		v, err := decode.OpenStripe(ctx, r, rate)
		if err != nil {
			return err
		}
		defer v.Close()
		stripes = append(stripes, v)
	}
	f, err := os.Open(out)
	if err != nil {
		return err
	}
	defer f.Close()
	whole, err := decode.OpenVideo(ctx, f, decode.VideoOptions{Threads: 1})
	if err != nil {
		return err
	}
	defer whole.Close()
	for n := 0; ; n++ {
		frame, err := whole.Read()
		if errors.Is(err, io.EOF) {
			return verifyEnd(stripes, n)
		}
		if err != nil {
			return err
		}
		y := 0
		for i, s := range stripes {
			part, err := s.Read()
			if err != nil {
				return fmt.Errorf("verify: stripe %d, picture %d: %w", i, n, err)
			}
			if !stitch.SameRows(frame, y, part) {
				return fmt.Errorf("verify: stripe %d, picture %d: the stitched picture differs from the stripe", i, n)
			}
			y += part.Height()
		}
	}
}

// verifyEnd fails when a stripe has more pictures than the result, which has n.
func verifyEnd(stripes []*decode.Video, n int) error {
	for i, s := range stripes {
		switch _, err := s.Read(); {
		case err == nil:
			return fmt.Errorf("verify: stripe %d: has a picture %d, the result ends before it", i, n)
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("verify: stripe %d, picture %d: %w", i, n, err)
		}
	}
	return nil
}
