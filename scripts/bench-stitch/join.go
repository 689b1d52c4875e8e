package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
	"github.com/choirless/render/store"
)

// atLeast is how many pictures are joined for the throughput.
const atLeast = 20000

// kept is the plan of the last render and the cells it was made of.
func (b bench) kept(ctx context.Context) (*plan.Plan, []stitch.Segment, error) {
	dirs, err := filepath.Glob(filepath.Join(b.dir, "cache", "*+*"))
	if err != nil || len(dirs) != 1 {
		return nil, nil, fmt.Errorf("%d songs in the cache (%v)", len(dirs), err)
	}
	s, err := store.OpenSQLite(ctx, filepath.Join(dirs[0], "choirless.db"))
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	all, err := s.Renders(ctx, definition.Song{}, 1)
	if err != nil || len(all) == 0 {
		return nil, nil, fmt.Errorf("no render (%v)", err)
	}
	r, err := s.Render(ctx, all[0].Run)
	if err != nil {
		return nil, nil, err
	}
	p := &plan.Plan{}
	if err := json.Unmarshal(r.Plan, p); err != nil {
		return nil, nil, err
	}
	cells, err := bucket.OpenDir(filepath.Join(dirs[0], definition.BucketFinalParts), bucket.DirOptions{})
	if err != nil {
		return nil, nil, err
	}
	var segments []stitch.Segment
	var list strings.Builder // for scripts/browsercheck
	defer func() {
		os.WriteFile(filepath.Join(b.dir, "cells.txt"), []byte(list.String()), 0o644) // a convenience
	}()
	for i, seg := range p.Segments {
		one := stitch.Segment{Frames: seg.Count}
		for row := range p.Stripes {
			key := p.Picture(row, i).Picture.Out.Key
			fmt.Fprintf(&list, "%s ", filepath.Join(cells.Path(), key))
			one.Stripes = append(one.Stripes, func() (io.ReadCloser, error) {
				r, _, err := cells.Get(ctx, key, bucket.Range{})
				return r, err
			})
		}
		fmt.Fprintln(&list)
		segments = append(segments, one)
	}
	return p, segments, nil
}

func usage() (cpu float64, rss int64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9, u.Maxrss * 1024
}

// throughput joins the cells of the last render again and again.
func (b bench) throughput(ctx context.Context) error {
	p, segments, err := b.kept(ctx)
	if err != nil {
		return err
	}
	m := stitch.Movie{Rate: p.Rate}
	for n := 0; n < atLeast; n += p.Frames {
		m.Segments = append(m.Segments, segments...)
	}
	name := filepath.Join(b.dir, "joined.mp4")
	w, err := os.Create(name)
	if err != nil {
		return err
	}
	defer os.Remove(name)
	defer w.Close()
	before, _ := usage()
	began := time.Now()
	stats, err := stitch.WriteMP4(ctx, w, m)
	if err != nil {
		return err
	}
	after, rss := usage()
	cpu, wall := after-before, time.Since(began).Seconds()
	fmt.Printf("%d parts: %d stripes joined: %d pictures, %.0f MB, %.2f CPU s, %.2f s: %.0f pictures per CPU s, %.0f per s, %d MB RSS\n",
		b.parts, len(p.Stripes), stats.Frames, float64(stats.Bytes)/1e6, cpu, wall, float64(stats.Frames)/cpu, float64(stats.Frames)/wall, rss/1e6)
	return nil
}

// quality is what an encode came to.
type quality struct {
	bytes int
	psnr  float64 // luma, dB
}

// bits encodes the first pictures of a fine render as the plan's stripes, and as
// whole pictures at two qualities, between which that of the stripes lies or
// nearly so, and compares the bits at equal PSNR.
func (b bench) bits(ctx context.Context, pictures int) error {
	if _, err := b.render(ctx, "fine", "--crf", "4"); err != nil {
		return err
	}
	p, _, err := b.kept(ctx)
	if err != nil {
		return err
	}
	crf := plan.EncoderDefault.CRF
	joined, err := b.encoded(ctx, p, p.Stripes, crf, pictures)
	if err != nil {
		return err
	}
	whole := []plan.Stripe{{Height: p.Height}}
	same, err := b.encoded(ctx, p, whole, crf, pictures)
	if err != nil {
		return err
	}
	next, err := b.encoded(ctx, p, whole, crf+1, pictures)
	if err != nil {
		return err
	}
	slope := math.Log(float64(same.bytes)/float64(next.bytes)) / (same.psnr - next.psnr) // per dB
	equal := float64(same.bytes) * math.Exp(slope*(joined.psnr-same.psnr))
	fmt.Printf("%d parts: %d pictures as %d stripes: %.3f MB at %.2f dB; whole: %.3f MB at %.2f dB, %.3f MB at %.2f dB; bits at equal PSNR: %.4f\n",
		b.parts, pictures, len(p.Stripes), float64(joined.bytes)/1e6, joined.psnr, float64(same.bytes)/1e6, same.psnr,
		float64(next.bytes)/1e6, next.psnr, float64(joined.bytes)/equal)
	return nil
}

// encoded encodes the first pictures of the final in stripes and measures them.
func (b bench) encoded(ctx context.Context, p *plan.Plan, stripes []plan.Stripe, crf float64, pictures int) (q quality, err error) {
	src, err := b.open(ctx)
	if err != nil {
		return q, err
	}
	defer src.Close()
	out := make([]bytes.Buffer, len(stripes))
	cells := make([]*encode.Cell, len(stripes))
	for i, s := range stripes {
		if cells[i], err = encode.NewCell(&out[i], encode.CellOptions{
			Width: p.Width, Height: s.Height, Rate: p.Rate, Preset: p.Encoder.Preset, CRF: crf, GOP: p.Encoder.GOP,
			CanvasHeight: p.Height, StripeMV: len(stripes) > 1,
		}); err != nil {
			return q, err
		}
		defer cells[i].Close()
	}
	for range pictures {
		f, err := src.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return q, err
		}
		for i, s := range stripes {
			if err := cells[i].Write(rows(f, s.Y, s.Height)); err != nil {
				return q, err
			}
		}
	}
	for i, c := range cells {
		if err := c.Close(); err != nil {
			return q, err
		}
		q.bytes += out[i].Len()
	}
	q.psnr, err = b.psnr(ctx, p, stripes, out)
	return q, err
}

func (b bench) open(ctx context.Context) (*decode.Video, error) {
	data, err := os.ReadFile(filepath.Join(b.dir, "final.mp4"))
	if err != nil {
		return nil, err
	}
	return decode.OpenVideo(ctx, strings.NewReader(string(data)), decode.VideoOptions{Threads: 1})
}

// rows is a view of a picture's rows, in the colour of the canvas.
func rows(f *media.Frame, y, height int) *media.Frame {
	v := *f
	v.Color, v.Siting = media.CanvasColor, media.SitingLeft
	for i := range v.Planes {
		p := &v.Planes[i]
		top, n := y, height
		if i > 0 {
			top, n = y/2, height/2
		}
		p.Data, p.Height = p.Data[top*p.Stride:], n
	}
	return &v
}

// psnr compares the luma of decoded stripes with the final's.
func (b bench) psnr(ctx context.Context, p *plan.Plan, stripes []plan.Stripe, coded []bytes.Buffer) (float64, error) {
	src, err := b.open(ctx)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	var decoded []*decode.Video
	for i := range stripes {
		v, err := decode.OpenStripe(ctx, bytes.NewReader(coded[i].Bytes()), p.Rate)
		if err != nil {
			return 0, err
		}
		defer v.Close()
		decoded = append(decoded, v)
	}
	sum, n := 0.0, 0
	for {
		var f *media.Frame
		for i, s := range stripes {
			d, err := decoded[i].Read()
			if errors.Is(err, io.EOF) {
				return 10 * math.Log10(255*255*float64(n)/sum), nil
			} else if err != nil {
				return 0, err
			}
			if f == nil {
				if f, err = src.Read(); err != nil {
					return 0, err
				}
			}
			want, got := f.Planes[0], d.Planes[0]
			for y := range s.Height {
				a, c := want.Data[(s.Y+y)*want.Stride:][:p.Width], got.Data[y*got.Stride:][:p.Width]
				for x := range a {
					d := int(a[x]) - int(c[x])
					sum += float64(d * d)
				}
			}
			n += s.Height * p.Width
		}
	}
}
