package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/scripts/render-local/panel"
	"github.com/choirless/render/scripts/render-local/rival"
	"github.com/choirless/render/scripts/render-local/window"
)

// rivalFrame is the frame that ffmpeg draws of the one in the window.
type rivalFrame struct {
	index, look int // of the canvas it was compared with, when there
	there       bool
	distance    rival.Distance
	took        time.Duration
	err         error
	running     bool
	cancel      context.CancelFunc
}

// compare switches a comparison on or off.
func (a *app) compare(m window.Mode) {
	if a.mode == m {
		m = window.Ours
	}
	a.mode = m
	if m == window.Ours {
		a.rival.stop()
	}
}

// followRival asks for ffmpeg's frame of what is in the window. While playing, one
// after the other as fast as they come; the figures are always of one and the same
// frame.
func (a *app) followRival(playing bool) {
	r := &a.rival
	if a.mode == window.Ours || a.frame == nil {
		return
	}
	current := r.there && r.index == a.frame.Index && r.look == a.frame.Look
	if r.running || current || r.err != nil && r.index == a.frame.Index {
		return
	}
	ctx, cancel := context.WithCancel(a.ctx)
	r.cancel, r.running = cancel, true
	index, look, canvas := a.frame.Index, a.frame.Look, a.song.Canvas()
	ours := a.frame.Planes[0]
	ours.Data = slices.Clone(ours.Data) // the frame may be given back before ffmpeg is done
	a.work.Go(func() error {
		began := time.Now()
		f, err := rival.Frame(ctx, canvas, index, func(t plan.PictureTile) string { return a.song.Recording(t.Part) })
		var d rival.Distance
		if err == nil {
			d, err = rival.Compare(ours, f.Planes[0])
		}
		a.onMain(a.ctx, func() {
			a.tookRival(rivalFrame{index: index, look: look, distance: d, took: time.Since(began), err: err}, f)
		})
		cancel()
		return nil
	})
}

func (a *app) tookRival(r rivalFrame, f *media.Frame) {
	if a.rival.cancel == nil { // switched off in between
		a.rival.running = false
		return
	}
	r.cancel = a.rival.cancel
	if r.err == nil {
		r.err = a.win.SetPicture(window.Other, f)
	}
	r.there = r.err == nil
	a.rival, a.dirty = r, true
}

func (r *rivalFrame) stop() {
	if r.cancel != nil {
		r.cancel()
	}
	running := r.running
	*r = rivalFrame{running: running}
}

// readOuts are the figures of the comparison.
func (r *rivalFrame) readOuts(m window.Mode) []panel.ReadOut {
	shown := "left ours, right ffmpeg"
	if m == window.Difference {
		shown = "difference ×8"
	}
	out := []panel.ReadOut{{Name: "shown", Value: shown}}
	switch {
	case r.err != nil:
		return append(out, panel.ReadOut{Name: "ffmpeg", Value: "failed: see the log"})
	case !r.there:
		return append(out, panel.ReadOut{Name: "ffmpeg", Value: "drawing …"})
	}
	return append(out,
		panel.ReadOut{Name: "frame", Value: fmt.Sprint(r.index)},
		panel.ReadOut{Name: "PSNR, luma", Value: fmt.Sprintf("%.2f dB", r.distance.PSNR)},
		panel.ReadOut{Name: "SSIM, luma", Value: fmt.Sprintf("%.4f", r.distance.SSIM)},
		panel.ReadOut{Name: "ffmpeg took", Value: fmt.Sprintf("%.2f s", r.took.Seconds())},
	)
}
