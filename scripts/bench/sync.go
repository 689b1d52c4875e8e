package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/barcode"
	"github.com/choirless/render/media"
)

// syncError is how far a final's pictures are from where they belong.
type syncError struct {
	Worst    float64 // ms: 99 of 100 labels are nearer
	Late     float64 // share of labels more than half an output frame off
	Readable float64 // share of the labels that could be read
}

// stretch is a time of a recording's pictures that carry one label.
type stretch struct {
	label      int
	start, end time.Duration
}

// sync reads the frame number that each tile of a final carries and compares the
// time it is shown at with the time it has in the recording: the distance is 0
// while the recording itself would show it. Offsets are the generator's truth
// where there is one (so that ours answers for its alignment), else those all
// contenders were given. A choir without labels gives no readable ones.
func (w *work) sync(ctx context.Context, final string) (syncError, error) {
	truth, err := w.truth()
	if err != nil {
		return syncError{}, err
	}
	type watched struct {
		rect   image.Rectangle
		offset time.Duration
		runs   []stretch
	}
	var tiles []watched
	for _, p := range w.shown() {
		runs, err := w.labels(ctx, w.files[p.PartID])
		if err != nil {
			return syncError{}, err
		}
		pos, size := p.Position.Or(definition.Pair{}), p.Size.Or(definition.Pair{})
		offset := p.Offset.Or(0)
		if t, ok := truth[filepath.Base(w.files[p.PartID])]; ok {
			offset = t
		}
		tiles = append(tiles, watched{
			image.Rect(pos[0], pos[1], pos[0]+size[0], pos[1]+size[1]),
			time.Duration(media.OffsetMS(offset)), runs,
		})
	}
	var off []time.Duration
	asked := 0
	half := time.Second / 50 // half of one of 25 frames
	late := 0
	err = pictures(ctx, final, func(f *media.Frame) {
		for _, t := range tiles {
			at := f.Time + t.offset
			if len(t.runs) < 2 || at < t.runs[0].start || at > t.runs[len(t.runs)-1].start {
				continue
			}
			asked++
			n, ok := barcode.Read(f.Planes[0], t.rect)
			if !ok {
				continue
			}
			best := time.Hour
			for _, r := range t.runs {
				if r.label == n {
					best = min(best, max(0, r.start-at, at-r.end))
				}
			}
			if best > time.Second { // no such number near: misread
				continue
			}
			off = append(off, best)
			if best > half {
				late++
			}
		}
	})
	if err != nil || len(off) == 0 {
		return syncError{}, err
	}
	slices.Sort(off)
	return syncError{
		Worst:    off[len(off)*99/100].Seconds() * 1000,
		Late:     float64(late) / float64(len(off)),
		Readable: float64(len(off)) / float64(asked),
	}, nil
}

// truth is the offset in milliseconds of each recording by its file, empty when
// nobody knows.
func (w *work) truth() (map[string]float64, error) {
	b, err := os.ReadFile(filepath.Join(w.source, "truth.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var t struct {
		Parts []struct {
			File   string  `json:"file"`
			Offset float64 `json:"offset_ms"`
		} `json:"parts"`
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("truth.json: %w", err)
	}
	offsets := map[string]float64{}
	for _, p := range t.Parts {
		offsets[p.File] = p.Offset
	}
	return offsets, nil
}

// labels lists the runs of labels of a recording. Recordings that are used again
// under another name are links to one file, read once.
func (w *work) labels(ctx context.Context, file string) ([]stretch, error) {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, err
	}
	if runs, ok := w.runs[real]; ok {
		return runs, nil
	}
	var runs []stretch
	err = pictures(ctx, file, func(f *media.Frame) {
		n, ok := barcode.Read(f.Planes[0], image.Rect(0, 0, f.Width(), f.Height()))
		if !ok {
			n = -1
		}
		if k := len(runs); k > 0 {
			runs[k-1].end = f.Time
			if runs[k-1].label == n {
				return
			}
		}
		runs = append(runs, stretch{n, f.Time, time.Hour})
	})
	w.runs[real] = runs
	return runs, err
}

// pictures reads all pictures of a file.
func pictures(ctx context.Context, file string, do func(*media.Frame)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	v, err := decode.OpenVideo(ctx, f, decode.VideoOptions{Threads: 2})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer v.Close()
	for {
		p, err := v.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		do(p)
	}
}
