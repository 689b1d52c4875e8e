package main

import (
	"fmt"
	"image"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/scripts/render-local/monitor"
	"github.com/choirless/render/scripts/render-local/panel"
	"github.com/choirless/render/scripts/render-local/window"
)

// view is what of the canvas is seen where: all of it or one tile, as large as
// fits above the transport.
func (a *app) view() window.View {
	w, h := a.win.GetFramebufferSize()
	area := image.Rect(0, 0, w, h)
	if a.panelsOn {
		area.Max.Y = max(area.Min.Y+2, area.Max.Y-panel.TransportHeight-2*gap)
	}
	part := image.Rect(0, 0, a.song.Plan.Width, a.song.Plan.Height)
	if a.zoom >= 0 && a.zoom < len(a.parts) && !a.parts[a.zoom].Tile.Empty() {
		part = a.parts[a.zoom].Tile
	}
	return window.View{Part: part, Place: letterbox(part.Size(), area), Mode: a.mode, Divide: a.divide}
}

// letterbox is the largest rectangle of a shape in the middle of an area.
func letterbox(shape image.Point, area image.Rectangle) image.Rectangle {
	k := math.Min(float64(area.Dx())/float64(shape.X), float64(area.Dy())/float64(shape.Y))
	size := image.Pt(max(1, int(float64(shape.X)*k)), max(1, int(float64(shape.Y)*k)))
	at := area.Min.Add(area.Size().Sub(size).Div(2))
	return image.Rectangle{at, at.Add(size)}
}

// tileAt is the part whose tile is under a point of the window, -1 none.
func (a *app) tileAt(pt image.Point) int {
	v := a.view()
	if !pt.In(v.Place) {
		return -1
	}
	x := v.Part.Min.X + (pt.X-v.Place.Min.X)*v.Part.Dx()/v.Place.Dx()
	y := v.Part.Min.Y + (pt.Y-v.Place.Min.Y)*v.Part.Dy()/v.Place.Dy()
	for i := len(a.parts) - 1; i >= 0; i-- {
		if image.Pt(x, y).In(a.parts[i].Tile) {
			return i
		}
	}
	return -1
}

// drawPanels draws the panels that are there, and forgets the others.
func (a *app) drawPanels(now time.Time, s monitor.State) {
	a.lastPanel, a.dirty = now, false
	w, h := a.win.GetFramebufferSize()
	if w < 320 || h < 200 {
		clear(a.panels)
		return
	}
	next := map[int]*panel.Panel{}
	at := map[int]image.Point{}
	put := func(id int, p *panel.Panel, x, y int) { next[id], at[id] = p, image.Pt(x, y) }
	put(transportPanel, a.transport(now, s).Draw(w-2*gap), gap, h-gap-panel.TransportHeight)
	room := h - 3*gap - panel.TransportHeight
	if w >= panel.PartsWidth+panel.LeftWidth {
		put(partsPanel, a.partRows().Draw(room), w-gap-panel.PartsWidth, gap)
	}
	y := gap
	left := func(id int, p *panel.Panel) {
		if y+p.Image.Rect.Dy() <= room+gap {
			put(id, p, gap, y)
			y += p.Image.Rect.Dy() + gap
		}
	}
	left(readOutPanel, panel.ReadOuts("Render", a.readOuts(s)))
	if len(a.tunables) > 0 {
		left(slidersPanel, a.sliders().Draw())
	}
	if a.mode != window.Ours {
		left(rivalPanel, panel.ReadOuts("Against ffmpeg", a.rival.readOuts(a.mode)))
	}
	if err := a.reloads.err; err != nil {
		heading, lines := explain(err)
		p := panel.Message(heading, lines, w-4*gap)
		put(messagePanel, p, (w-p.Image.Rect.Dx())/2, max(gap, (h-panel.TransportHeight-p.Image.Rect.Dy())/2))
	}
	if a.helpOn {
		p := panel.Help(help())
		put(helpPanel, p, (w-p.Image.Rect.Dx())/2, max(gap, (h-p.Image.Rect.Dy())/2))
	}
	clear(a.panels)
	for id, p := range next {
		a.panels[id] = window.Panel{Image: p.Image, At: at[id], Fresh: true}
	}
	a.drawn = next
}

func (a *app) transport(now time.Time, s monitor.State) panel.Transport {
	t := panel.Transport{
		Time: media.MixRate.Duration(int64(s.Sample)), Length: a.monitor.Duration(),
		LoopFrom: media.MixRate.Duration(s.Loop.From), LoopTo: media.MixRate.Duration(s.Loop.To),
		Playing: s.Playing, Speed: s.Speed, Device: a.device, FPS: a.rate.fps(now), Dropped: a.dropped,
		Note: a.note, Dirty: a.song.Dirty(), Loudness: "measuring loudness",
	}
	if a.frame != nil {
		t.Frame = a.frame.Index
	}
	if m := a.mastered; m != nil {
		t.Loudness = fmt.Sprintf("%.1f LUFS", float64(m.Integrated))
	}
	if s.Err != nil {
		t.Note = s.Err.Error()
	}
	return t
}

func (a *app) partRows() panel.Parts {
	v := panel.Parts{Selected: a.selected}
	levels, peaks := a.monitor.Levels(), a.monitor.Peaks()
	for _, p := range a.parts {
		r := panel.PartRowView{Name: p.Name, Offset: p.Offset, Pan: p.Pan, GainDB: 20 * math.Log10(p.Volume), Backing: p.Backing}
		if i, ok := a.voices[string(p.ID)]; ok {
			r.Mute, r.Solo, r.Peak = levels[i].Mute, levels[i].Solo, float64(peaks[i])
		}
		v.Rows = append(v.Rows, r)
	}
	return v
}

func (a *app) sliders() panel.Sliders {
	var v panel.Sliders
	look := a.song.Look()
	for _, t := range a.tunables {
		now, ok := look[t.Name]
		if !ok {
			now = t.Default
		}
		v.Rows = append(v.Rows, panel.SliderView{Name: t.Name, Least: t.Least, Most: t.Most, Default: t.Default, Now: now})
	}
	return v
}

func (a *app) readOuts(s monitor.State) []panel.ReadOut {
	st := a.stage.Stats()
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
	out := []panel.ReadOut{
		{Name: "canvas", Value: fmt.Sprintf("%d×%d, %s fps", a.song.Plan.Width, a.song.Plan.Height, a.song.Plan.Rate)},
		{Name: "compose a frame", Value: ms(st.Compose)},
		{Name: "draw the window", Value: ms(a.lead)},
	}
	if n := time.Duration(st.Drawn); n > 0 {
		for _, pass := range slices.Sorted(maps.Keys(st.Work.Passes)) {
			out = append(out, panel.ReadOut{Name: "GPU, " + pass, Value: ms(st.Work.Passes[pass] / n)})
		}
		mb := func(b int64) string { return fmt.Sprintf("%.2f MB", float64(b)/float64(n)/1e6) }
		out = append(out, panel.ReadOut{Name: "uploaded a frame", Value: mb(st.Work.Uploaded)}, panel.ReadOut{Name: "read back a frame", Value: mb(st.Work.ReadBack)})
		if a.presented > 0 {
			out = append(out, panel.ReadOut{Name: "to the window a frame", Value: fmt.Sprintf("%.2f MB", float64(a.win.Uploaded())/float64(a.presented)/1e6)})
		}
	}
	if m := a.mastered; m != nil {
		out = append(out, panel.ReadOut{Name: "master gain, limiter", Value: fmt.Sprintf("%+.1f, −%.1f dB", m.GainDB, m.LimitDB)})
	}
	if s.Starved > 0 {
		out = append(out, panel.ReadOut{Name: "sound late", Value: fmt.Sprintf("%.0f ms", float64(s.Starved)/float64(media.MixRate)*1000)})
	}
	if st.Reloaded > 0 {
		out = append(out, panel.ReadOut{Name: "shaders reloaded", Value: fmt.Sprintf("%d×, %s", st.Reloaded, ms(a.reloads.took))})
	}
	return out
}

// explain makes a heading and lines of a compiler's message: what it says, then
// the lines it speaks of with what is around them.
func explain(err error) (heading string, lines []string) {
	var source []string
	for l := range strings.Lines(err.Error()) {
		l = strings.TrimRight(l, "\n")
		if isSource(l) {
			source = append(source, l)
			continue
		}
		if i := strings.LastIndex(l, "_body: "); i >= 0 {
			l = l[i+len("_body: "):]
		}
		for _, prefix := range []string{"engine: ", "gl: ", "compile ", "tile "} {
			l = strings.TrimPrefix(l, prefix)
		}
		if strings.TrimSpace(l) != "" {
			lines = append(lines, l)
		}
	}
	heading = "The shaders do not compile; the last good picture stays"
	for i, l := range source {
		if !strings.HasPrefix(l, ">") {
			continue
		}
		f := strings.Fields(l)
		if len(f) > 1 && i > 0 {
			heading = f[1] + " does not compile; the last good picture stays"
		}
		lines = append(lines, "")
		lines = append(lines, source[max(0, i-2):min(len(source), i+3)]...)
		break
	}
	return heading, lines
}

// isSource tells a line of the numbered source from the compiler's own.
func isSource(l string) bool {
	if len(l) < 2 || l[0] != ' ' && l[0] != '>' || l[1] != ' ' {
		return false
	}
	f := strings.Fields(l[2:])
	return len(f) > 0 && strings.Contains(f[0], ".glsl:")
}

// gainOf is a volume in dB.
func gainOf(db float64) float64 { return mix.GainOf(db) }
