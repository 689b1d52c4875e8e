package main

import (
	"context"
	"image"
	"io"
	"time"

	"github.com/go-gl/glfw/v3.3/glfw"
	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/scripts/render-local/monitor"
	"github.com/choirless/render/scripts/render-local/panel"
	"github.com/choirless/render/scripts/render-local/song"
	"github.com/choirless/render/scripts/render-local/stage"
	"github.com/choirless/render/scripts/render-local/window"
	"github.com/choirless/render/shaders"
)

// app is the program behind an open window. All of it belongs to the main thread.
type app struct {
	o       flags
	ctx     context.Context
	work    *errgroup.Group
	out     io.Writer
	dir     string // of the shaders, "" for the built-in ones
	song    *song.Song
	engine  *engine.Engine
	win     *window.Window
	stage   *stage.Stage
	monitor *monitor.Monitor
	device  string
	log     *avLog

	loudness *loudness
	mastered *mix.Mastered // nil: not measured yet

	parts    []song.Part
	voices   map[string]int // index in the mix, by part
	tunables []shaders.Tunable
	selected int
	zoom     int // part whose tile fills the window, -1 none

	// What is seen.
	panelsOn, helpOn bool
	mode             window.Mode
	divide           float64
	rival            rivalFrame
	panels           map[int]window.Panel
	drawn            map[int]*panel.Panel
	note             string
	noteUntil        time.Time
	drag             panel.Hit
	dragging         bool
	dirty            bool // panels are to be drawn anew
	shots            []func(*image.RGBA)
	windowed         image.Rectangle // where the window was before it was full screen

	// Time.
	frame     *stage.Frame // what is in the window
	due       int          // index asked for last
	lastFrame int          // index of the frame shown before, -1 after a jump
	lead      time.Duration
	presented int
	dropped   int
	rate      rateMeter
	loopFrom  time.Duration
	lastDraw  time.Time
	lastPanel time.Time
	reloads   reloads

	calls chan func() // to be run on the main thread
	quit  bool
}

// rateMeter counts frames over the last second.
type rateMeter struct {
	times []time.Time
}

func (r *rateMeter) tick(now time.Time) { r.times = append(r.times, now) }

// fps returns how many ticks there were in the second before now.
func (r *rateMeter) fps(now time.Time) float64 {
	for len(r.times) > 0 && now.Sub(r.times[0]) > time.Second {
		r.times = r.times[1:]
	}
	return float64(len(r.times))
}

// Panels by id, in the order in which they are drawn.
const (
	transportPanel = iota
	partsPanel
	slidersPanel
	readOutPanel
	rivalPanel
	messagePanel
	helpPanel
)

const (
	// panelEvery is how often panels that move are drawn.
	panelEvery = 100 * time.Millisecond
	// idle bounds how long the loop waits for something to happen.
	idle = 15 * time.Millisecond
	// noteTime is how long a note stays.
	noteTime = 4 * time.Second
	gap      = 12 // window pixels around panels
)

func wakeWindow() { glfw.PostEmptyEvent() }

// begin sets everything up before the first loop.
func (a *app) begin() {
	a.panels, a.drawn = map[int]window.Panel{}, map[int]*panel.Panel{}
	a.takeParts()
	for i, p := range a.parts {
		if !p.Backing {
			a.selected = i
			break
		}
	}
	a.listen()
	if voices, err := a.song.MixVoices(a.ctx); err == nil {
		a.loudness.measure(voices)
	}
	a.stage.Want(0, !a.o.paused)
	a.monitor.Hold(true)
	a.monitor.Play(!a.o.paused)
	a.dirty = true
}

// takeParts reads the parts anew after a change.
func (a *app) takeParts() {
	a.parts = a.song.Parts()
	a.voices = map[string]int{}
	for i, v := range a.song.Voices() {
		a.voices[string(v.Part)] = i
	}
}

// loop runs until the window is closed.
func (a *app) loop() error {
	for !a.quit && !a.win.ShouldClose() && a.ctx.Err() == nil {
		a.runCalls()
		if err := a.tick(time.Now()); err != nil {
			return err
		}
		if d := a.wait(); d > 0 {
			glfw.WaitEventsTimeout(d.Seconds())
		} else {
			glfw.PollEvents()
		}
	}
	return nil
}

func (a *app) runCalls() {
	for {
		select {
		case f := <-a.calls:
			f()
		default:
			return
		}
	}
}

// wait is how long there is nothing to do, if nothing happens.
func (a *app) wait() time.Duration {
	s := a.monitor.State(time.Now().Add(a.lead))
	if !s.Playing {
		return idle
	}
	index := a.frameAt(s.Sample)
	if index != a.due {
		return 0 // another has become due while the last one was drawn
	}
	next := a.song.Plan.Rate.Time(index + 1)
	due := time.Duration(float64(next-media.MixRate.Duration(int64(s.Sample))) / s.Speed)
	return max(time.Millisecond, min(due, idle))
}

// frameAt is the output frame that is on at a song sample.
func (a *app) frameAt(sample float64) int {
	r := a.song.Plan.Rate
	t := media.MixRate.Duration(int64(sample))
	n := r.Frames(t) // rounded to the nearest
	if r.Time(n) > t+time.Microsecond {
		n--
	}
	return min(max(n, 0), a.song.Plan.Frames-1)
}

// tick shows what is due.
func (a *app) tick(now time.Time) error {
	s := a.monitor.State(now.Add(a.lead))
	index := a.frameAt(s.Sample)
	a.due = index
	a.stage.Want(index, s.Playing)
	fresh := a.stage.Take(index)
	if fresh != nil {
		a.count(fresh, s.Playing)
		if a.frame != nil {
			a.frame.Release()
		}
		a.frame = fresh
		if err := a.win.SetPicture(window.Canvas, fresh.Frame); err != nil {
			return err
		}
	}
	if a.frame != nil && a.stage.Made() >= min(index+stage.Ahead, a.song.Plan.Frames-1) {
		a.monitor.Hold(false)
	}
	if a.reloads.failed(a.stage.Err()) {
		a.dirty = true
	}
	a.followRival(s.Playing)
	if a.noteUntil.Before(now) && a.note != "" {
		a.note, a.dirty = "", true
	}
	if moving := s.Playing || fresh != nil; a.dirty || moving && now.Sub(a.lastPanel) > panelEvery {
		a.drawPanels(now, s)
	} else if fresh == nil && len(a.shots) == 0 {
		return nil
	}
	return a.draw(now, fresh)
}

// count counts frames, and those that should have been between them.
func (a *app) count(f *stage.Frame, playing bool) {
	if missed := f.Index - a.lastFrame - 1; playing && a.lastFrame >= 0 && missed > 0 {
		a.dropped += missed
	}
	a.lastFrame = -1
	if playing {
		a.lastFrame = f.Index
	}
	a.presented++
}

// draw draws the window.
func (a *app) draw(now time.Time, fresh *stage.Frame) error {
	shots := a.shots
	a.shots = nil
	var shot func(*image.RGBA)
	if len(shots) > 0 || a.log != nil && fresh != nil {
		shot = func(m *image.RGBA) {
			for _, f := range shots {
				f(m)
			}
			if a.log != nil && fresh != nil {
				a.log.look(m)
			}
		}
	}
	panels := a.panels
	if !a.panelsOn {
		panels = a.onlyUrgent()
	}
	if err := a.win.Draw(a.view(), panels, shot); err != nil {
		return err
	}
	for id, p := range a.panels {
		p.Fresh = false
		a.panels[id] = p
	}
	shown := time.Now()
	if fresh != nil {
		a.rate.tick(shown)
		// What drawing takes is known well enough from the last times.
		a.lead += (min(shown.Sub(now), 40*time.Millisecond) - a.lead) / 8
		a.reloads.shown(fresh.Look, shown)
		if a.log != nil {
			a.log.frame(shown, fresh.Index)
		}
	}
	a.lastDraw = shown
	return nil
}

// onlyUrgent are the panels that are seen even when panels are off.
func (a *app) onlyUrgent() map[int]window.Panel {
	out := map[int]window.Panel{}
	for _, id := range []int{messagePanel, helpPanel} {
		if p, ok := a.panels[id]; ok {
			out[id] = p
		}
	}
	return out
}

// say shows a note for a moment.
func (a *app) say(text string) {
	a.note, a.noteUntil, a.dirty = text, time.Now().Add(noteTime), true
}

// fail says what did not work.
func (a *app) fail(err error) {
	if err != nil {
		a.say(err.Error())
	}
}

// jump goes to a song time.
func (a *app) jump(t time.Duration) {
	t = min(max(t, 0), a.monitor.Duration())
	a.monitor.Hold(true)
	a.monitor.GoTo(media.MixRate.Samples(t))
	a.lastFrame, a.dirty = -1, true
}

// now is the song time that is heard.
func (a *app) now() time.Duration {
	return media.MixRate.Duration(int64(a.monitor.State(time.Now()).Sample))
}

// letGo gives back what the window held.
func (a *app) letGo() {
	if a.frame != nil {
		a.frame.Release()
		a.frame = nil
	}
	a.rival.stop()
}
