package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/definition"
)

// options are the flags.
type options struct {
	Out       string
	Parts     int
	Seconds   float64
	Seed      uint64
	Tiny      bool
	Spread    float64 // ms
	Jitter    float64 // ms
	Drift     float64 // ppm
	Bleed     float64 // dB, 0 is none
	AudioOnly int
	Flash     bool
	NoLabel   bool
	Jobs      int
}

// validate reports all faults at once.
func (o options) validate() error {
	var faults []string
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if o.Out == "" {
		bad("--out: missing, want a folder")
	}
	if o.Parts < 1 || o.Parts > 1000 {
		bad("--parts: %d, want 1 to 1000", o.Parts)
	}
	if !(o.Seconds >= 1 && o.Seconds <= 3600) {
		bad("--seconds: %g, want 1 to 3600", o.Seconds)
	}
	if !(o.Spread >= 0 && o.Spread <= 60000) {
		bad("--spread: %g, want 0 to 60000 (ms)", o.Spread)
	}
	if !(o.Jitter >= 0 && o.Jitter <= 200) {
		bad("--jitter: %g, want 0 to 200 (ms)", o.Jitter)
	}
	if !(math.Abs(o.Drift) <= 1000) {
		bad("--drift: %g, want -1000 to 1000 (ppm)", o.Drift)
	}
	if !(o.Bleed <= 0 && o.Bleed >= -90) {
		bad("--bleed: %g, want -90 to 0 (dB)", o.Bleed)
	}
	if o.AudioOnly < 0 || o.AudioOnly > max(0, o.Parts-1) {
		bad("--audio-only: %d, want 0 to %d", o.AudioOnly, max(0, o.Parts-1))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s", strings.Join(faults, "\n"))
	}
	return nil
}

// Truth is what is known of a generated choir; truth.json.
type Truth struct {
	Choir   definition.ChoirID `json:"choir_id"`
	Song    definition.SongID  `json:"song_id"`
	Title   string             `json:"title"`
	Seed    uint64             `json:"seed"`
	Seconds float64            `json:"seconds"`
	// SongT0MS is where the first beat sounds in the backing's file.
	SongT0MS float64     `json:"song_t0_ms"`
	BPM      float64     `json:"bpm"`
	Flashes  []float64   `json:"flash_ms,omitempty"` // song time
	Parts    []TruthPart `json:"parts"`
}

// TruthPart is what is known of one file.
type TruthPart struct {
	Part     definition.PartID `json:"part"`
	File     string            `json:"file"`
	Kind     definition.Kind   `json:"part_type"`
	Name     string            `json:"name"`
	PartName string            `json:"part_name"`
	Recipe   string            `json:"recipe"`
	// OffsetMS is where song time 0 falls in the file, as choirless align prints it.
	OffsetMS float64 `json:"offset_ms"`
	SongT0MS float64 `json:"song_t0_ms"` // where the first beat sounds in the file
	DriftPPM float64 `json:"drift_ppm"`
	PeakDB   float64 `json:"peak_dbfs"`
	BleedDB  float64 `json:"bleed_db,omitempty"`
	Rotation int     `json:"rotation"`
	Width    int     `json:"width"` // upright; 0 for sound only
	Height   int     `json:"height"`
	FPS      float64 `json:"fps"`
	Frames   int     `json:"frames"`
	AudioMS  float64 `json:"audio_start_ms"` // first packet after the first picture
	Channels int     `json:"channels"`
	Seconds  float64 `json:"seconds"`
}

var names = []string{
	"Ada", "Ben", "Carmen", "Dev", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena",
	"Mateo", "Nora", "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wen", "Xenia", "Yusuf", "Zoe",
}

// generate writes the choir into o.Out.
func generate(o options, log func(format string, args ...any)) (*Truth, error) {
	if err := os.MkdirAll(o.Out, 0o777); err != nil {
		return nil, err
	}
	g := newGenerator(o)
	if o.Tiny {
		return g.truth, g.tiny()
	}
	var group errgroup.Group
	group.SetLimit(o.Jobs)
	for i := range o.Parts {
		group.Go(func() error {
			start := time.Now()
			t := &g.truth.Parts[i]
			if err := g.recording(i).write(filepath.Join(o.Out, t.File)); err != nil {
				return err
			}
			log("%3d  %-32s %-10s %s", i, t.Recipe, t.Name, time.Since(start).Round(time.Millisecond))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return g.truth, g.documents()
}

// generator knows everything that is drawn by lot before a sound is made.
type generator struct {
	o       options
	truth   *Truth
	piano   []float32 // song time
	recipes []recipe
}

func (g *generator) random(part int, what uint64) *rand.Rand {
	return rand.New(rand.NewPCG(g.o.Seed, uint64(part)<<8|what))
}

func newGenerator(o options) *generator {
	g := &generator{o: o}
	r := g.random(0, 1)
	g.truth = &Truth{
		Choir: definition.ChoirID("001k" + id(r, 28)), Song: definition.SongID("001k" + id(r, 28)),
		Title: "Old Hundredth", Seed: o.Seed, Seconds: o.Seconds, SongT0MS: leadIn * 1000, BPM: 60 / beatSeconds,
	}
	for t := 0.4; o.Flash && t < o.Seconds-0.2; t += 2 {
		g.truth.Flashes = append(g.truth.Flashes, math.Round(t*1000))
	}
	for i := range o.Parts {
		g.addPart(i)
	}
	// Loud enough a song for a part that begins before the backing.
	g.piano = piano(g.random(0, 2), o.Seconds, o.Seconds-0.8)
	return g
}

// addPart draws what a part is like.
func (g *generator) addPart(i int) {
	r := g.random(i, 3)
	rec := recipes[i%len(recipes)]
	if i >= len(recipes) && i%len(recipes) == 0 {
		rec = recipes[1]
	}
	if g.o.AudioOnly > 0 && i >= g.o.Parts-g.o.AudioOnly {
		rec = audioOnly
	}
	g.recipes = append(g.recipes, rec)
	part := definition.PartID(fmt.Sprintf("001k%04d%s", i, id(r, 24)))
	t := TruthPart{
		Part: part, Kind: definition.Rendition, Recipe: rec.Name, Rotation: rec.Rotation,
		Width: rec.W, Height: rec.H, FPS: rec.FPS, Channels: rec.Channels,
		Name: names[(i+25)%len(names)], Seconds: g.o.Seconds, PeakDB: -3,
	}
	if i >= len(names) {
		t.Name = fmt.Sprintf("%s %d", t.Name, i/len(names)+1)
	}
	if i == 0 {
		t.Kind, t.Name, t.PartName = definition.Backing, "Piano", "backing"
	} else {
		// Whole samples, so that the truth is exact.
		t.OffsetMS = math.Round((2*r.Float64()-1)*g.o.Spread*rate/1000) * 1000 / rate
		t.DriftPPM = math.Round((2*r.Float64()-1)*g.o.Drift*10) / 10
		t.PeakDB = -math.Round(10*(4+14*r.Float64())) / 10
		t.BleedDB = g.o.Bleed
		t.PartName = Voice((i - 1) % 4).String()
		t.Seconds = max(1, g.o.Seconds+t.OffsetMS/1000+(0.8*r.Float64()-0.2))
	}
	if rec.Video != "" && rec.Container != phoneMP4 {
		t.AudioMS = math.Round(11 + 29*r.Float64()) // as Chrome's Opus starts
	}
	t.SongT0MS = g.truth.SongT0MS*(1+t.DriftPPM/1e6) + t.OffsetMS
	t.File = definition.RawKey{Song: definition.Song{Choir: g.truth.Choir, Song: g.truth.Song}, Part: part, Ext: rec.ext()}.String()
	g.truth.Parts = append(g.truth.Parts, t)
}

// id draws letters and digits, as a kuuid has them.
func id(r *rand.Rand, n int) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// documents writes song.json and truth.json.
func (g *generator) documents() error {
	type document struct {
		PartID   definition.PartID `json:"partId"`
		Kind     definition.Kind   `json:"partType"`
		PartName string            `json:"partName"`
		Name     string            `json:"name"`
	}
	song := struct {
		Choir definition.ChoirID `json:"choirId"`
		Song  definition.SongID  `json:"songId"`
		Title string             `json:"title"`
		Parts []document         `json:"parts"`
	}{g.truth.Choir, g.truth.Song, g.truth.Title, nil}
	for _, p := range g.truth.Parts {
		song.Parts = append(song.Parts, document{p.Part, p.Kind, p.PartName, p.Name})
	}
	for name, v := range map[string]any{"song.json": song, "truth.json": g.truth} {
		b, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(g.o.Out, name), append(b, '\n'), 0o666); err != nil {
			return err
		}
	}
	return nil
}
