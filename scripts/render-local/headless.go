package main

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/scripts/render-local/song"
	"github.com/choirless/render/scripts/render-local/stage"
)

// headless draws a frame, compares it, records the song: what was asked for.
func headless(ctx context.Context, path string, o flags, out, errOut io.Writer) error {
	s, err := o.open(ctx, path, errOut)
	if err != nil {
		return err
	}
	defer s.Close()
	files, err := loadShaders(o.shaderDir())
	if err != nil {
		return err
	}
	eng, err := engine.New(ctx, engine.Options{Software: o.software, Plain: o.plain, Shaders: files})
	if err != nil {
		return err
	}
	defer eng.Close()
	if o.out != "" || o.compare != "" {
		if err := still(ctx, s, eng, o, out); err != nil {
			return err
		}
	}
	if o.record != "" {
		return record(ctx, s, eng, o.record, out)
	}
	return nil
}

// still draws one frame of the canvas, writes it and compares it.
func still(ctx context.Context, s *song.Song, eng *engine.Engine, o flags, out io.Writer) error {
	p := s.Canvas()
	if o.frame >= p.Segment.Count {
		return usageError{fmt.Errorf("--frame: %d, the song has %d", o.frame, p.Segment.Count)}
	}
	m, err := drawFrame(ctx, s, eng, p, o.frame)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writePNG(o.out, m); err != nil {
			return err
		}
		fmt.Fprintf(out, "frame %d of %d, %dx%d: %s\n", o.frame, p.Segment.Count, p.Width, p.Height, o.out)
	}
	if o.compare == "" {
		return nil
	}
	want, err := readPNG(o.compare)
	if err != nil {
		return err
	}
	got, err := psnr(m, want)
	if err != nil {
		return fmt.Errorf("%s: %w", o.compare, err)
	}
	fmt.Fprintf(out, "psnr %.2f dB\n", got)
	if got < o.psnr {
		return fmt.Errorf("frame %d and %s: %w: PSNR %.2f dB, want %.2f or more", o.frame, o.compare, errDiffers, got, o.psnr)
	}
	return nil
}

// drawFrame draws one output frame.
func drawFrame(ctx context.Context, s *song.Song, eng *engine.Engine, p *plan.Picture, index int) (*image.RGBA, error) {
	scene, err := node.Scene(ctx, s.Buckets, p)
	if err != nil {
		return nil, err
	}
	canvas, err := eng.NewCanvas(ctx, scene)
	if err != nil {
		return nil, err
	}
	defer canvas.Close()
	from := *p
	from.Segment.First = index
	tiles := node.OpenTiles(ctx, s.Buckets, &from)
	defer tiles.Close()
	f, release, err := canvas.Render(ctx, tiles.At(p.Rate.Time(index)))
	if err != nil {
		return nil, err
	}
	defer release()
	return stage.RGBA(f), nil
}

func writePNG(file string, m image.Image) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := png.Encode(f, m); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func readPNG(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// psnrMost is what equal pictures are given instead of infinity, dB.
const psnrMost = 99

// psnr compares two pictures of one size over R, G and B, in dB.
func psnr(got *image.RGBA, want image.Image) (float64, error) {
	if got.Rect.Size() != want.Bounds().Size() {
		return 0, fmt.Errorf("is %v, the frame is %v", want.Bounds().Size(), got.Rect.Size())
	}
	sum := 0.0
	for y := range got.Rect.Dy() {
		for x := range got.Rect.Dx() {
			r, g, b, _ := want.At(want.Bounds().Min.X+x, want.Bounds().Min.Y+y).RGBA()
			px := got.Pix[got.PixOffset(x, y):]
			for i, v := range [3]uint32{r, g, b} {
				d := float64(px[i]) - float64(v>>8)
				sum += d * d
			}
		}
	}
	mean := sum / float64(3*got.Rect.Dx()*got.Rect.Dy())
	if mean == 0 {
		return psnrMost, nil
	}
	return math.Min(psnrMost, 10*math.Log10(255*255/mean)), nil
}
