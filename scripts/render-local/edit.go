package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/choirless/render/scripts/render-local/song"
)

// errNotHeard says that the chosen part has no sound.
var errNotHeard = errors.New("the part is not heard")

func (a *app) voice(part int) (int, bool) {
	if part < 0 || part >= len(a.parts) {
		return 0, false
	}
	i, ok := a.voices[string(a.parts[part].ID)]
	if !ok {
		a.fail(errNotHeard)
	}
	return i, ok
}

func (a *app) solo(part int) {
	if i, ok := a.voice(part); ok {
		a.monitor.SetSolo(i, !a.monitor.Levels()[i].Solo)
	}
}

func (a *app) mute(part int) {
	if i, ok := a.voice(part); ok {
		a.monitor.SetMute(i, !a.monitor.Levels()[i].Mute)
	}
}

// nudge moves the chosen part against the song. A larger offset trims more of its
// head: everything in it comes earlier.
func (a *app) nudge(ms float64) {
	a.edit(func(p song.Part) error { return a.song.SetOffset(a.ctx, p.ID, p.Offset+ms) }, true)
}

// gain makes the chosen part louder by db. From silence it comes back at -40 dB.
func (a *app) gain(db float64) {
	a.edit(func(p song.Part) error {
		now := 20 * math.Log10(p.Volume)
		if math.IsInf(now, -1) {
			now = -40 - db
		}
		return a.song.SetVolume(a.ctx, p.ID, gainOf(now+db))
	}, false)
}

func (a *app) pan(by float64) {
	a.edit(func(p song.Part) error { return a.song.SetPan(a.ctx, p.ID, math.Round((p.Pan+by)*100)/100) }, false)
}

// edit changes the chosen part; what follows from it is heard and seen at once.
func (a *app) edit(change func(song.Part) error, moved bool) {
	if a.selected < 0 || a.selected >= len(a.parts) {
		a.fail(errors.New("no part is chosen"))
		return
	}
	if err := change(a.parts[a.selected]); err != nil {
		a.fail(err)
		return
	}
	voices, err := a.song.MixVoices(a.ctx)
	if err != nil {
		a.fail(err)
		return
	}
	a.takeParts()
	a.monitor.SetVoices(voices)
	if moved {
		a.stage.Replace(a.song.Canvas())
	}
	a.loudness.measure(voices)
}

// slide sets a tunable uniform to a place between its ends, 0..1.
func (a *app) slide(i int, place float64) {
	t := a.tunables[i]
	a.setLook(t.Name, t.Least+place*(t.Most-t.Least))
}

func (a *app) setLook(name string, v float64) {
	if err := a.song.SetLook(a.ctx, name, v); err != nil {
		a.fail(err)
		return
	}
	a.stage.Replace(a.song.Canvas())
}

// resetLook gives every tunable uniform its default.
func (a *app) resetLook() {
	for _, t := range a.tunables {
		if v, ok := a.song.Look()[t.Name]; ok && v != t.Default {
			a.setLook(t.Name, t.Default)
		}
	}
}

// save writes what was changed back.
func (a *app) save() {
	if !a.song.Dirty() {
		a.say("nothing to save")
		return
	}
	if err := a.song.Save(); err != nil {
		a.fail(err)
		return
	}
	a.say("saved to " + filepath.Base(a.song.Target()))
}

// reloads follows what becomes of changed shader files.
type reloads struct {
	err   error
	saved time.Time // when the files loaded last were saved; zero: shown already
	look  int       // of the frame in the window
	took  time.Duration
}

// failed takes over what the stage says of its shaders and reports a change.
func (r *reloads) failed(err error) bool {
	same := (err == nil) == (r.err == nil) && (err == nil || err.Error() == r.err.Error())
	r.err = err
	return !same
}

// shown takes note of a picture of a look.
func (r *reloads) shown(look int, at time.Time) {
	if look != r.look {
		r.look = look
		if !r.saved.IsZero() {
			r.took, r.saved = at.Sub(r.saved), time.Time{}
		}
	}
}

// reload loads the shader files and has the stage try them. Any thread but the
// main one.
func (a *app) reload() {
	saved := newest(a.dir)
	files, err := loadShaders(a.dir)
	a.onMain(a.ctx, func() {
		if err != nil {
			a.say(fmt.Sprint(err))
			return
		}
		a.reloads.saved = saved
		if a.tunables, err = files.Tunables(); err != nil {
			a.fail(err)
		}
		a.stage.Reload(files)
	})
}
