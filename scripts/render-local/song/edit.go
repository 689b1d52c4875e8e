package song

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/local"
)

// edits are what has been changed and not been written yet.
type edits struct {
	parts map[definition.PartID]map[string]bool // field names of a definition's input
	look  bool
}

// Dirty reports whether there is something to save.
func (s *Song) Dirty() bool { return len(s.edits.parts) > 0 || s.edits.look }

// Bounds of what can be set here, narrower than the definition's.
const (
	maxVolume = 8.0
	maxOffset = 60_000 // ms
)

// SetOffset moves a part: ms is where song time 0 falls in it. The backing, whose
// time is the song's, stays.
func (s *Song) SetOffset(ctx context.Context, part definition.PartID, ms float64) error {
	if part == s.Plan.Backing {
		return errors.New("the backing's time is the song's")
	}
	return s.set(ctx, part, "offset", func(in *definition.Input) {
		in.Offset = definition.Some(math.Max(-maxOffset, math.Min(maxOffset, ms)))
	})
}

// SetVolume changes a part's linear gain, 0 to 8.
func (s *Song) SetVolume(ctx context.Context, part definition.PartID, volume float64) error {
	return s.set(ctx, part, "volume", func(in *definition.Input) {
		in.Volume = definition.Some(math.Max(0, math.Min(maxVolume, volume)))
	})
}

// SetPan moves a part between left, -1, and right, 1.
func (s *Song) SetPan(ctx context.Context, part definition.PartID, pan float64) error {
	return s.set(ctx, part, "pan", func(in *definition.Input) {
		in.Pan = definition.Some(math.Max(-1, math.Min(1, pan)))
	})
}

// Look returns the values that the definition gives the shaders' tunable uniforms.
func (s *Song) Look() map[string]float64 { return s.Definition.Output.Look.Or(nil) }

// SetLook changes one of them.
func (s *Song) SetLook(ctx context.Context, name string, value float64) error {
	before := s.Definition.Output.Look
	look := maps.Clone(before.Or(nil))
	if look == nil {
		look = map[string]float64{}
	}
	look[name] = round(value, 1000)
	s.Definition.Output.Look = definition.Some(look)
	if err := s.Replan(ctx); err != nil {
		s.Definition.Output.Look = before
		return err
	}
	s.edits.look = true
	return nil
}

func (s *Song) set(ctx context.Context, part definition.PartID, field string, change func(*definition.Input)) error {
	in := s.Definition.Input(part)
	if in == nil {
		return fmt.Errorf("part %q is not in the definition", part)
	}
	before := *in
	change(in)
	if err := s.Replan(ctx); err != nil {
		*in = before
		return err
	}
	if s.edits.parts == nil {
		s.edits.parts = map[definition.PartID]map[string]bool{}
	}
	if s.edits.parts[part] == nil {
		s.edits.parts[part] = map[string]bool{}
	}
	s.edits.parts[part][field] = true
	return nil
}

// Target is the file that Save writes: the definition the song was opened by, or
// the folder's song.json.
func (s *Song) Target() string {
	if s.file != "" {
		return s.file
	}
	return filepath.Join(s.Folder.Dir, local.SongFile)
}

// Save writes what was changed back, and nothing else: the rest of the file stays
// as its author has formatted it. An offset in song.json is locked, so that
// alignment keeps it. The file is replaced as a whole.
func (s *Song) Save() error {
	if !s.Dirty() {
		return nil
	}
	doc, err := os.ReadFile(s.Target())
	if errors.Is(err, fs.ErrNotExist) {
		doc, err = []byte("{\n  \"parts\": []\n}\n"), nil
	}
	if err != nil {
		return err
	}
	for _, in := range s.Definition.Inputs {
		fields := map[string]any{}
		if s.edits.parts[in.PartID]["offset"] {
			fields["offset"] = round(in.Offset.Or(0), 1000)
			if s.file == "" {
				fields["offset_locked"] = true
			}
		}
		if s.edits.parts[in.PartID]["volume"] {
			fields["volume"] = round(in.Volume.Or(1), 10000)
		}
		if s.edits.parts[in.PartID]["pan"] {
			fields["pan"] = round(in.Pan.Or(0), 1000)
		}
		if len(fields) == 0 {
			continue
		}
		if doc, err = s.setPart(doc, in.PartID, fields); err != nil {
			return fmt.Errorf("%s: part %q: %w", s.Target(), in.PartID, err)
		}
	}
	if s.edits.look {
		d, err := parseDocument(doc)
		if err == nil {
			doc, err = d.setOutput("look", s.Look())
		}
		if err != nil {
			return fmt.Errorf("%s: output.look: %w", s.Target(), err)
		}
	}
	if err := s.check(doc); err != nil {
		return fmt.Errorf("%s: not written: %w", s.Target(), err)
	}
	if err := replace(s.Target(), doc); err != nil {
		return err
	}
	s.edits = edits{}
	return nil
}

// check reads the document as a render would.
func (s *Song) check(doc []byte) error {
	if s.file != "" {
		_, _, err := definition.Read(doc)
		return err
	}
	_, err := definition.ParseSongFile(doc)
	return err
}

func round(v, steps float64) float64 { return math.Round(v*steps)/steps + 0 }

// replace writes a file so that nobody ever sees half of it.
func replace(file string, text []byte) error {
	mode := fs.FileMode(0o644)
	if st, err := os.Stat(file); err == nil {
		mode = st.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// setPart sets fields of a part's document, which is made when there is none.
func (s *Song) setPart(doc []byte, part definition.PartID, fields map[string]any) ([]byte, error) {
	list, id := []string{"parts"}, []string{"partId", "part_id", "id"}
	if s.file != "" {
		list, id = []string{"inputs"}, []string{"part_id"}
	}
	d, err := parseDocument(doc)
	if err != nil {
		return nil, err
	}
	return d.setIn(list, id, string(part), fields)
}

// encode writes a value as JSON.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
