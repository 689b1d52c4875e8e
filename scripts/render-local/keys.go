package main

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-gl/glfw/v3.3/glfw"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/scripts/render-local/panel"
	"github.com/choirless/render/scripts/render-local/window"
)

// binding is what a key does. Neighbours that do the same, one way and the other,
// share a line of the help.
type binding struct {
	name string // as in the help and for the command "key"
	key  glfw.Key
	mods glfw.ModifierKey
	does string
	do   func(a *app)
}

// bindings are all keys, in groups.
func bindings() [][]binding {
	const shift, control = glfw.ModShift, glfw.ModControl
	return [][]binding{
		{
			{"Space", glfw.KeySpace, 0, "play, pause", func(a *app) { a.play(!a.monitor.State(time.Now()).Playing) }},
			{"Left", glfw.KeyLeft, 0, "one second back, on", func(a *app) { a.jump(a.now() - time.Second) }},
			{"Right", glfw.KeyRight, 0, "one second back, on", func(a *app) { a.jump(a.now() + time.Second) }},
			{",", glfw.KeyComma, 0, "one frame back, on", func(a *app) { a.step(-1) }},
			{".", glfw.KeyPeriod, 0, "one frame back, on", func(a *app) { a.step(1) }},
			{"Home", glfw.KeyHome, 0, "to the beginning", func(a *app) { a.jump(0) }},
			{"[", glfw.KeyLeftBracket, 0, "loop from here, to here", func(a *app) { a.loopFrom = a.now(); a.say("loop from here") }},
			{"]", glfw.KeyRightBracket, 0, "loop from here, to here", func(a *app) { a.setLoop(a.loopFrom, a.now()) }},
			{"\\", glfw.KeyBackslash, 0, "no loop", func(a *app) { a.setLoop(0, 0) }},
			{"-", glfw.KeyMinus, 0, "slower, faster", func(a *app) { a.speed(1 / math.Sqrt2) }},
			{"=", glfw.KeyEqual, 0, "slower, faster", func(a *app) { a.speed(math.Sqrt2) }},
		},
		{
			{"Up", glfw.KeyUp, 0, "choose a part", func(a *app) { a.choose(a.selected - 1) }},
			{"Down", glfw.KeyDown, 0, "choose a part", func(a *app) { a.choose(a.selected + 1) }},
			{"S", glfw.KeyS, 0, "solo", func(a *app) { a.solo(a.selected) }},
			{"M", glfw.KeyM, 0, "mute", func(a *app) { a.mute(a.selected) }},
			{"J", glfw.KeyJ, 0, "1 ms: sounds later, earlier", func(a *app) { a.nudge(-1) }},
			{"K", glfw.KeyK, 0, "1 ms: sounds later, earlier", func(a *app) { a.nudge(1) }},
			{"Shift+J", glfw.KeyJ, shift, "10 ms", func(a *app) { a.nudge(-10) }},
			{"Shift+K", glfw.KeyK, shift, "10 ms", func(a *app) { a.nudge(10) }},
			{"Q", glfw.KeyQ, 0, "0.5 dB softer, louder", func(a *app) { a.gain(-0.5) }},
			{"W", glfw.KeyW, 0, "0.5 dB softer, louder", func(a *app) { a.gain(0.5) }},
			{"A", glfw.KeyA, 0, "to the left, right", func(a *app) { a.pan(-0.05) }},
			{"D", glfw.KeyD, 0, "to the left, right", func(a *app) { a.pan(0.05) }},
			{"Ctrl+S", glfw.KeyS, control, "save", (*app).save},
		},
		{
			{"Z", glfw.KeyZ, 0, "the chosen tile alone, all", (*app).zoomIn},
			{"F", glfw.KeyF, 0, "full screen", (*app).fullScreen},
			{"Tab", glfw.KeyTab, 0, "panels", func(a *app) { a.panelsOn = !a.panelsOn }},
			{"F1", glfw.KeyF1, 0, "keys", func(a *app) { a.helpOn = !a.helpOn }},
			{"Esc", glfw.KeyEscape, 0, "close, zoom out", func(a *app) { a.helpOn, a.zoom = false, -1 }},
			{"Ctrl+Q", glfw.KeyQ, control, "quit", func(a *app) { a.quit = true }},
		},
		{
			{"C", glfw.KeyC, 0, "beside ffmpeg's frame", func(a *app) { a.compare(window.Split) }},
			{"X", glfw.KeyX, 0, "difference to it, ×8", func(a *app) { a.compare(window.Difference) }},
			{"Backspace", glfw.KeyBackspace, 0, "all sliders to their defaults", (*app).resetLook},
			{"R", glfw.KeyR, 0, "load the shaders again", func(a *app) { a.work.Go(func() error { a.reload(); return nil }) }},
		},
	}
}

// help is the list of keys for the panel.
func help() [][]panel.Key {
	var out [][]panel.Key
	for _, group := range bindings() {
		var keys []panel.Key
		for i, b := range group {
			if i > 0 && group[i-1].does == b.does {
				keys[len(keys)-1].Keys += "  " + b.name
				continue
			}
			keys = append(keys, panel.Key{Keys: b.name, Does: b.does})
		}
		out = append(out, keys)
	}
	return out
}

// press does what a key does, by its name.
func (a *app) press(name string) error {
	for _, group := range bindings() {
		for _, b := range group {
			if strings.EqualFold(b.name, name) {
				b.do(a)
				a.dirty = true
				return nil
			}
		}
	}
	return fmt.Errorf("key %q does nothing", name)
}

// listen takes the window's events.
func (a *app) listen() {
	table := slices.Concat(bindings()...)
	a.win.SetKeyCallback(func(_ *glfw.Window, key glfw.Key, _ int, action glfw.Action, mods glfw.ModifierKey) {
		if action == glfw.Release {
			return
		}
		for _, b := range table {
			if b.key == key && b.mods == mods&(glfw.ModShift|glfw.ModControl) {
				b.do(a)
				a.dirty = true
				return
			}
		}
	})
	a.win.SetMouseButtonCallback(func(_ *glfw.Window, button glfw.MouseButton, action glfw.Action, _ glfw.ModifierKey) {
		if button == glfw.MouseButtonLeft {
			a.mouse(a.cursor(), action == glfw.Press)
		}
	})
	a.win.SetCursorPosCallback(func(*glfw.Window, float64, float64) {
		if a.dragging {
			a.dragTo(a.cursor())
		}
	})
	a.win.SetFramebufferSizeCallback(func(*glfw.Window, int, int) { a.dirty = true })
	a.win.SetRefreshCallback(func(*glfw.Window) { a.dirty = true })
}

// cursor is where the mouse is, in pixels of the framebuffer.
func (a *app) cursor() image.Point {
	x, y := a.win.GetCursorPos()
	w, h := a.win.GetSize()
	fw, fh := a.win.GetFramebufferSize()
	return image.Pt(int(x*float64(fw)/float64(max(1, w))), int(y*float64(fh)/float64(max(1, h))))
}

// mouse begins or ends a click.
func (a *app) mouse(at image.Point, down bool) {
	a.dirty = true
	if !down {
		a.dragging = false
		return
	}
	if a.helpOn {
		a.helpOn = false
		return
	}
	if a.panelsOn {
		for id := helpPanel; id >= 0; id-- {
			p, ok := a.panels[id]
			if !ok || !at.In(p.Image.Rect.Add(p.At)) {
				continue
			}
			a.hit(a.drawn[id].At(at.Sub(p.At)))
			return
		}
	}
	if a.mode == window.Split {
		v := a.view()
		if x := float64(at.X-v.Place.Min.X) / float64(v.Place.Dx()); math.Abs(x-a.divide) < 0.02 {
			a.drag, a.dragging = panel.Hit{}, true
			return
		}
	}
	if i := a.tileAt(at); i >= 0 {
		a.choose(i)
	}
}

func (a *app) hit(h panel.Hit) {
	switch h.Kind {
	case panel.Timeline:
		a.drag, a.dragging = h, true
		a.jump(time.Duration(h.Value * float64(a.monitor.Duration())))
	case panel.Slider:
		a.drag, a.dragging = h, true
		a.slide(h.Index, h.Value)
	case panel.PlayButton:
		a.play(!a.monitor.State(time.Now()).Playing)
	case panel.PartRow:
		a.choose(h.Index)
	case panel.SoloButton:
		a.solo(h.Index)
	case panel.MuteButton:
		a.mute(h.Index)
	}
}

// dragTo follows the mouse.
func (a *app) dragTo(at image.Point) {
	a.dirty = true
	switch a.drag.Kind {
	case panel.Timeline:
		v := a.drawn[transportPanel].Value(panel.Timeline, 0, at.X-a.panels[transportPanel].At.X)
		a.jump(time.Duration(v * float64(a.monitor.Duration())))
	case panel.Slider:
		a.slide(a.drag.Index, a.drawn[slidersPanel].Value(panel.Slider, a.drag.Index, at.X-a.panels[slidersPanel].At.X))
	case panel.Nothing:
		v := a.view()
		a.divide = min(max(float64(at.X-v.Place.Min.X)/float64(v.Place.Dx()), 0), 1)
	}
}

func (a *app) play(on bool) {
	a.monitor.Hold(on)
	a.monitor.Play(on)
	a.lastFrame = -1
}

// step stops and shows the next frame, or the one before.
func (a *app) step(by int) {
	a.monitor.Play(false)
	i := a.frameAt(a.monitor.State(time.Now()).Sample)
	if a.frame != nil {
		i = a.frame.Index
	}
	// The middle of a frame is the same frame after any rounding.
	r := a.song.Plan.Rate
	a.jump(r.Time(min(max(i+by, 0), a.song.Plan.Frames-1)) + r.Time(1)/2)
}

func (a *app) setLoop(from, to time.Duration) {
	a.monitor.SetLoop(mix.Span{From: media.MixRate.Samples(from), To: media.MixRate.Samples(to)})
	a.lastFrame = -1
	if to > from {
		a.say("looping")
	} else {
		a.say("no loop")
	}
}

func (a *app) speed(by float64) {
	s := a.monitor.State(time.Now()).Speed * by
	if math.Abs(s-1) < 0.05 {
		s = 1
	}
	a.monitor.SetSpeed(s)
}

func (a *app) choose(i int) {
	if len(a.parts) == 0 {
		return
	}
	a.selected = min(max(i, 0), len(a.parts)-1)
	if a.zoom >= 0 {
		a.zoom = a.selected
	}
}

func (a *app) zoomIn() {
	switch {
	case a.zoom >= 0:
		a.zoom = -1
	case a.selected >= 0 && !a.parts[a.selected].Tile.Empty():
		a.zoom = a.selected
	default:
		a.say("the part is not shown")
	}
}

// fullScreen goes to the main monitor and back.
func (a *app) fullScreen() {
	if a.win.GetMonitor() != nil {
		r := a.windowed
		a.win.SetMonitor(nil, r.Min.X, r.Min.Y, r.Dx(), r.Dy(), 0)
		return
	}
	m := glfw.GetPrimaryMonitor()
	if m == nil {
		a.say("no monitor")
		return
	}
	x, y := a.win.GetPos()
	w, h := a.win.GetSize()
	a.windowed = image.Rect(x, y, x+w, y+h)
	v := m.GetVideoMode()
	a.win.SetMonitor(m, 0, 0, v.Width, v.Height, v.RefreshRate)
}
