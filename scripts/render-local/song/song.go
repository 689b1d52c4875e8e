// Package song opens a song for render-local: the folder, what ingest and
// alignment made of it, the definition, and the plan that a render of it would
// follow. A change goes through the definition into a new plan, never past it.
package song

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/local"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
)

// Options say how a song is opened.
type Options struct {
	// Parts is the folder with the recordings of a definition; by default the
	// definition's own.
	Parts string
	// Output is what the command line says of the canvas; it wins. Not for a
	// definition, which says it all.
	Output definition.Output
	// Cache is where converted parts are kept; "" is the user's cache folder.
	Cache   string
	NoCache bool
	Log     *slog.Logger
}

// Song is an opened song. Not safe for concurrent use.
type Song struct {
	Folder     local.Folder
	Definition *definition.Definition
	Plan       *plan.Plan
	Warnings   []plan.PartWarning
	Buckets    bucket.Buckets

	file    string // of the definition; "" when it is made from the folder
	process *local.Process
	work    *local.WorkDir
	edits   edits
}

// Open opens a folder of recordings or a definition. Parts are converted and
// aligned unless the cache has them, which takes as long as it does for a
// render. The caller must Close the song.
func Open(ctx context.Context, path string, o Options) (_ *Song, err error) {
	s := &Song{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	dir := path
	st, err := os.Stat(path)
	if err != nil {
		return nil, &local.InputError{Err: err}
	}
	if !st.IsDir() {
		s.file, dir = path, filepath.Dir(path)
		if o.Parts != "" {
			dir = o.Parts
		}
	}
	if s.Folder, err = local.ReadFolder(dir); err != nil {
		return nil, err
	}
	if s.file != "" {
		if s.Definition, err = readDefinition(s.file); err != nil {
			return nil, err
		}
		if s.Definition.Ref() != s.Folder.Song {
			return nil, &local.InputError{
				Err:  fmt.Errorf("%s: is of song %q, the recordings in %s are of %q", s.file, s.Definition.SongID, dir, s.Folder.Song.Song),
				Hint: "--parts names the folder with the recordings",
			}
		}
	}
	s.Folder.Output = o.Output
	if s.work, err = local.OpenWorkDir(o.Cache, o.NoCache, s.Folder.Song); err != nil {
		return nil, err
	}
	return s, s.prepare(ctx, o)
}

// prepare runs the song up to its definition, then has it planned.
func (s *Song) prepare(ctx context.Context, o Options) (err error) {
	s.process, err = local.Open(ctx, local.Options{
		Data: s.work.Dir, Raw: s.Folder.Dir, Misc: s.Folder.Misc(), NoSync: true, Log: o.Log,
		Config: func(c *coordinator.Config) { c.Debounce = 50 * time.Millisecond },
	})
	if err != nil {
		return err
	}
	s.Buckets = s.process.Buckets
	text, notes, err := s.process.Definition(ctx, s.Folder)
	for _, n := range notes {
		o.Log.Warn("song file", "note", n)
	}
	if herr := s.process.Halt(); err == nil {
		err = herr // what has begun of a render is dropped
	}
	if err != nil {
		return err
	}
	if s.Definition == nil {
		if s.Definition, err = definition.Parse(text); err != nil {
			return err
		}
	}
	return s.Replan(ctx)
}

func readDefinition(file string) (*definition.Definition, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, &local.InputError{Err: err}
	}
	d, _, err := definition.Read(b)
	if err != nil {
		return nil, &local.InputError{Err: fmt.Errorf("%s: %w", file, err)}
	}
	return d, nil
}

// Replan makes the plan anew after a change of the definition.
func (s *Song) Replan(ctx context.Context) error {
	p, warnings, err := s.process.Coordinator.Plan(ctx, s.Definition)
	if err != nil {
		return err
	}
	s.Plan, s.Warnings = p, append(p.Warnings, warnings...)
	return nil
}

// Canvas is the whole canvas over the whole song as one cell.
func (s *Song) Canvas() *plan.Picture { return s.Plan.Canvas() }

// Voices are all voices of the song in the order in which they are summed.
func (s *Song) Voices() []plan.Voice {
	var out []plan.Voice
	for _, sound := range s.Plan.Sounds {
		out = append(out, sound.Voices...)
	}
	return out
}

// MixVoices are Voices for the mixer.
func (s *Song) MixVoices(ctx context.Context) ([]mix.Voice, error) {
	return node.Voices(ctx, s.Buckets, s.Plan.Sounds...)
}

// Master is how the sound is finished.
func (s *Song) Master(ctx context.Context) (mix.MasterOptions, error) {
	o, _, err := s.process.Coordinator.MasterOptions(ctx, s.Plan.Master)
	return o, err
}

// Recording is the file a part was recorded in, "" when there is none.
func (s *Song) Recording(part definition.PartID) string {
	for _, key := range s.Folder.Keys {
		if k, err := definition.ParseRawKey(key); err == nil && k.Part == part {
			return filepath.Join(s.Folder.Dir, key)
		}
	}
	return ""
}

// Part is what a person sees and changes of one part.
type Part struct {
	ID   definition.PartID
	Name string
	// Tile is where it is on the canvas; empty when it is only heard.
	Tile image.Rectangle
	// Offset is in milliseconds, Volume a linear gain on top of the balance, Pan
	// -1 left to 1 right, as in the definition.
	Offset, Volume, Pan float64
	Backing             bool
}

// Parts lists the parts that are in the plan, in the order of the definition.
func (s *Song) Parts() []Part {
	in := map[definition.PartID]bool{}
	for _, v := range s.Voices() {
		in[v.Part] = true
	}
	tiles := map[definition.PartID]image.Rectangle{}
	for _, t := range s.Canvas().Tiles {
		tiles[t.Part] = image.Rect(t.X, t.Y, t.X+t.W, t.Y+t.H)
		in[t.Part] = true
	}
	var out []Part
	for _, i := range s.Definition.Inputs {
		if !in[i.PartID] {
			continue
		}
		name := i.Name
		if name == "" {
			name = string(i.PartID)
		}
		out = append(out, Part{
			ID: i.PartID, Name: name, Tile: tiles[i.PartID],
			Offset: i.Offset.Or(0), Volume: i.Volume.Or(1), Pan: i.Pan.Or(0),
			Backing: i.PartID == s.Plan.Backing,
		})
	}
	return out
}

// Close stops everything and gives the work folder back. It may be called twice.
func (s *Song) Close() error {
	var err error
	if s.process != nil {
		err = s.process.Close()
		s.process = nil
	}
	if s.work != nil {
		s.work.Close()
		s.work = nil
	}
	return err
}
