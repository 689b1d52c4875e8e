package main

import (
	"context"
	"fmt"
	"image"
	"slices"
	"syscall"
	"time"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
)

// benchCase is a canvas of 1920x1080 with equal tiles, sources filling them.
type benchCase struct {
	Number        int
	Tiles, Across int
	Source, Tile  image.Point
}

// benchCases are those of the design's table; their tiles have other aspects
// than their sources, which are stretched (by their sample aspect) to fit.
var benchCases = []benchCase{
	{1, 16, 4, image.Pt(640, 480), image.Pt(480, 270)},
	{2, 16, 4, image.Pt(1280, 720), image.Pt(480, 270)},
	{3, 4, 2, image.Pt(320, 240), image.Pt(960, 540)},
	{4, 49, 7, image.Pt(640, 480), image.Pt(272, 152)},
}

func (b benchCase) name() string {
	return fmt.Sprintf("%d: %dx %dx%d → %dx%d", b.Number, b.Tiles, b.Source.X, b.Source.Y, b.Tile.X, b.Tile.Y)
}

// result is a case's figures. Times are milliseconds per frame.
type result struct {
	Name       string  `json:"name"`
	CPULeast   float64 `json:"cpu_ms_least"`
	CPUMedian  float64 `json:"cpu_ms_median"`
	WallLeast  float64 `json:"wall_ms_least"`
	WallMedian float64 `json:"wall_ms_median"`
	// FramesPerSecond is by the median of wall time.
	FramesPerSecond float64 `json:"frames_per_second"`
	// PSNR of luma against the ideal, the worst tile, dB; 0 if colour was
	// converted, as the ideal does not know how.
	PSNR float64 `json:"psnr_y_db,omitempty"`
}

func (r result) psnr() string {
	if r.PSNR == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f dB", r.PSNR)
}

func measure(ctx context.Context, e *engine.Engine, b benchCase, c config) (result, error) {
	scene := engine.Scene{Width: 1920, Height: 1080}
	var updates []engine.Update
	for i := range b.Tiles {
		at := image.Pt(i%b.Across*b.Tile.X, i/b.Across*b.Tile.Y)
		scene.Tiles = append(scene.Tiles, engine.Tile{Rect: image.Rectangle{at, at.Add(b.Tile)}})
		f, err := source(c.picture, b.Source.X, b.Source.Y, i)
		if err != nil {
			return result{}, err
		}
		f.SAR = media.Ratio{Num: b.Tile.X * b.Source.Y, Den: b.Tile.Y * b.Source.X}
		f.Color = media.CanvasColor
		if c.bt601 {
			f.Color.Matrix = media.BT601
		}
		updates = append(updates, engine.Update{Tile: i, Frame: f, Opacity: 1})
	}
	canvas, err := e.NewCanvas(ctx, scene)
	if err != nil {
		return result{}, err
	}
	defer canvas.Close()
	r := result{Name: b.name()}
	// The first frame compiles; it is also the one that is looked at.
	f, release, err := canvas.Render(ctx, updates)
	if err != nil {
		return result{}, err
	}
	if !c.bt601 {
		r.PSNR = worstTile(f, scene.Tiles, updates)
	}
	release()
	if c.changed > 0 {
		updates = updates[:min(c.changed, len(updates))]
	}
	var cpus, walls []float64
	for range c.rounds {
		cpu, wall := cpuTime(), time.Now()
		if err := frames(ctx, canvas, updates, c.frames); err != nil {
			return result{}, err
		}
		per := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(c.frames) }
		cpus, walls = append(cpus, per(cpuTime()-cpu)), append(walls, per(time.Since(wall)))
	}
	slices.Sort(cpus)
	slices.Sort(walls)
	r.CPULeast, r.CPUMedian = cpus[0], cpus[len(cpus)/2]
	r.WallLeast, r.WallMedian = walls[0], walls[len(walls)/2]
	r.FramesPerSecond = 1000 / r.WallMedian
	return r, nil
}

// frames renders n frames, as many under way at once as the canvas likes, each
// uploaded, drawn, read back and put together.
func frames(ctx context.Context, canvas *engine.Canvas, updates []engine.Update, n int) error {
	begun := 0
	for done := range n {
		for ; begun < n && begun-done < canvas.InFlight(); begun++ {
			if err := canvas.Begin(ctx, updates); err != nil {
				return err
			}
		}
		_, release, err := canvas.Finish(ctx)
		if err != nil {
			return err
		}
		release()
	}
	return nil
}

// cpuTime is what all threads of the process have used, user and system.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic("bench-compose: internal error: " + err.Error())
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
