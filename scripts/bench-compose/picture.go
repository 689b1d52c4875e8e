package main

import (
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"

	"github.com/choirless/render/media"
)

// source makes the picture of tile i: detail (zone plates, aliasing where a
// scaler is careless), noise (the hardest for rounding), or frame i, counted
// round, of a raw file.
func source(kind string, w, h, i int) (*media.Frame, error) {
	f := media.NewFrame(w, h)
	switch kind {
	case "detail":
		for p := range f.Planes {
			zonePlate(&f.Planes[p], float64(i), float64(w>>min(p, 1)))
		}
	case "noise":
		rng := rand.New(rand.NewSource(int64(i)))
		for p := range f.Planes {
			for j := range f.Planes[p].Data {
				f.Planes[p].Data[j] = byte(16 + rng.Intn(220))
			}
		}
	default:
		return f, readRaw(f, filepath.Join(kind, fmt.Sprintf("%dx%d.yuv", w, h)), i)
	}
	return f, nil
}

// zonePlate draws circles that grow finer outwards, up to half the samples.
func zonePlate(p *media.Plane, phase, width float64) {
	for y := range p.Height {
		for x := range p.Width {
			dx, dy := float64(x)-0.4*width, float64(y)-0.3*width
			v := math.Cos((dx*dx+dy*dy)*math.Pi/(2*width) + phase)
			p.Data[y*p.Stride+x] = byte(math.Round(125 + 90*v))
		}
	}
}

func readRaw(f *media.Frame, path string, i int) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	size := int64(0)
	for _, p := range f.Planes {
		size += int64(p.Width * p.Height)
	}
	if info.Size() < size {
		return fmt.Errorf("%s: %d bytes, want a frame of %d", path, info.Size(), size)
	}
	at := int64(i) % (info.Size() / size) * size
	for _, p := range f.Planes {
		for y := range p.Height {
			if _, err := r.ReadAt(p.Data[y*p.Stride:y*p.Stride+p.Width], at); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			at += int64(p.Width)
		}
	}
	return nil
}
