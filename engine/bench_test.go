package engine

import (
	"image"
	"math/rand"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/choirless/render/media"
)

func cpuTime() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func BenchmarkCase1(b *testing.B) {
	e := open(b, Options{})
	s := Scene{Width: 1920, Height: 1080}
	var u []Update
	rng := rand.New(rand.NewSource(1))
	for i := range 16 {
		x, y := i%4*480, i/4*270
		s.Tiles = append(s.Tiles, Tile{Rect: image.Rect(x, y, x+480, y+270)})
		f := newFrame(640, 360, 1, 1, 8)
		f = newFrame(640, 480, 1, 1, 8)
		s.Tiles[i].Fit = Cover
		f.SAR = media.Ratio{Num: 4, Den: 3}
		f.Color = media.CanvasColor
		if os.Getenv("C601") == "1" {
			f.Color.Matrix = media.BT601
		}
		rng.Read(f.Planes[0].Data)
		u = append(u, Update{Tile: i, Frame: f, Opacity: 1})
	}
	c, err := e.NewCanvas(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	step := func() {
		_, release, err := c.Render(b.Context(), u)
		if err != nil {
			b.Fatal(err)
		}
		release()
	}
	step()
	t := cpuTime()
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(cpuTime()-t)/1e6/float64(b.N), "cpu-ms/op")
}
