package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/scripts/render-local/monitor"
	"github.com/choirless/render/scripts/render-local/stage"
	"github.com/choirless/render/scripts/render-local/window"
)

// show opens the window and runs until it is closed. Main thread.
func show(ctx context.Context, path string, o flags, in io.Reader, out, errOut io.Writer) (err error) {
	s, err := o.open(ctx, path, errOut)
	if err != nil {
		return err
	}
	defer s.Close()
	a := &app{o: o, song: s, out: out, zoom: -1, selected: -1, panelsOn: true, divide: 0.5, lastFrame: -1, calls: make(chan func())}
	a.dir = o.shaderDir()
	files, err := loadShaders(a.dir)
	if err != nil {
		return err
	}
	if a.tunables, err = files.Tunables(); err != nil {
		return err
	}
	if a.engine, err = engine.New(ctx, engine.Options{Software: o.software, Plain: o.plain, Timed: true}); err != nil {
		return err
	}
	defer a.engine.Close()
	size, err := parseSize(o.windowSize, 320)
	if err != nil {
		return usageError{err}
	}
	if a.win, err = window.Open("render-local: "+path, int(size[0]), int(size[1])); err != nil {
		return err
	}
	defer a.win.Close()
	voices, err := s.MixVoices(ctx)
	if err != nil {
		return err
	}
	master, err := s.Master(ctx)
	if err != nil {
		return err
	}
	a.monitor = monitor.New(voices, s.Plan.Samples, master)
	if o.avLog != "" {
		if a.log, err = openAVLog(o.avLog); err != nil {
			return err
		}
		defer a.log.close()
		a.monitor.Tap(a.log.sound)
	}
	device, note := monitor.Open(o.mute, a.monitor.Pull)
	defer device.Close()
	a.device = device.Name()
	if note != "" {
		fmt.Fprintln(errOut, "render-local: note:", note)
	}
	a.stage = stage.New(a.engine, s.Buckets, s.Canvas(), files)
	return a.runAll(ctx, in, mix.MasterOptions(master))
}

// runAll runs what works beside the window, and the window.
func (a *app) runAll(ctx context.Context, in io.Reader, master mix.MasterOptions) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(ctx)
	a.ctx, a.work = gctx, g
	g.Go(func() error { return a.stage.Run(gctx) })
	g.Go(func() error { return a.monitor.Run(gctx) })
	if a.dir != "" {
		g.Go(func() error { return watchShaders(gctx, a.dir, a.reload) })
	}
	a.loudness = newLoudness(a.song.Plan.Samples, master, func(m mix.Mastered) {
		a.monitor.SetGain(m.GainDB)
		a.onMain(gctx, func() { a.mastered, a.dirty = &m, true })
	})
	g.Go(func() error { return a.loudness.run(gctx) })
	if a.o.commands {
		// Reading cannot be interrupted; the program ends with or without it.
		go a.readCommands(gctx, in)
	}
	a.begin()
	err := a.loop()
	stop()
	if gerr := g.Wait(); err == nil {
		err = gerr
	}
	a.letGo()
	return err
}

// onMain has f run on the main thread and waits for it; false when the window is
// closing.
func (a *app) onMain(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	select {
	case a.calls <- func() { f(); close(done) }:
		wakeWindow()
		<-done
		return true
	case <-ctx.Done():
		return false
	}
}

// loudness measures, in the background, what the master would do to the song:
// its gain is the monitor's. A new request replaces one that waits.
type loudness struct {
	requests chan []mix.Voice
	samples  int64
	master   mix.MasterOptions
	done     func(mix.Mastered)
}

// loudnessPause is how long a mix must stand still before it is measured.
const loudnessPause = 700 * time.Millisecond

func newLoudness(samples int64, o mix.MasterOptions, done func(mix.Mastered)) *loudness {
	return &loudness{requests: make(chan []mix.Voice, 1), samples: samples, master: o, done: done}
}

// measure asks for a mix to be measured. Main thread.
func (l *loudness) measure(voices []mix.Voice) {
	select {
	case <-l.requests:
	default:
	}
	l.requests <- voices
}

func (l *loudness) run(ctx context.Context) error {
	for {
		var voices []mix.Voice
		select {
		case voices = <-l.requests:
		case <-ctx.Done():
			return nil
		}
		for still := false; !still; {
			select {
			case voices = <-l.requests:
			case <-time.After(loudnessPause):
				still = true
			case <-ctx.Done():
				return nil
			}
		}
		m, err := mix.Master(ctx, monitor.Sums(ctx, voices, l.samples), l.samples, l.master, func([][]float32) error { return nil })
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		l.done(m)
	}
}
