package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/choirless/render/definition"
)

// Folder is a song as a person hands it over: recordings named
// <choirid>+<songid>+<partid>.<ext>, and perhaps a song.json.
type Folder struct {
	Dir  string
	Song definition.Song
	Keys []string // of the recordings, by part id
	// Doc is song.json, nil without one.
	Doc *definition.SongFile
	// Output is what the command line says of the definition; it wins.
	Output definition.Output
	// Ignored are the files that are not named as recordings are.
	Ignored []string
}

// SongFile is the name of the file with the part documents.
const SongFile = "song.json"

// ReadFolder lists a song's folder. Files of two songs in one folder, two
// recordings of one part, and none at all are errors.
func ReadFolder(dir string) (Folder, error) {
	f := Folder{Dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, &InputError{err, ""}
	}
	parts := map[definition.PartID]string{}
	for _, e := range entries {
		if e.IsDir() || e.Name() == SongFile || e.Name()[0] == '.' {
			continue
		}
		k, err := definition.ParseRawKey(e.Name())
		if err != nil {
			f.Ignored = append(f.Ignored, e.Name())
			continue
		}
		switch {
		case len(f.Keys) > 0 && k.Song != f.Song:
			return f, &InputError{fmt.Errorf("%s: %q and %q are of two songs", dir, f.Keys[0], e.Name()), "one song per folder"}
		case parts[k.Part] != "":
			return f, &InputError{fmt.Errorf("%s: %q and %q are both part %q", dir, parts[k.Part], e.Name(), k.Part), "one recording per part"}
		}
		f.Song, parts[k.Part] = k.Song, e.Name()
		f.Keys = append(f.Keys, e.Name())
	}
	if len(f.Keys) == 0 {
		return f, &InputError{fmt.Errorf("%s holds no recordings", dir), "recordings are named <choirid>+<songid>+<partid>.<extension>"}
	}
	sort.Strings(f.Keys)
	f.Doc, err = readSongFile(filepath.Join(dir, SongFile))
	return f, err
}

func readSongFile(file string) (*definition.SongFile, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := definition.ParseSongFile(b)
	if err != nil {
		return nil, &InputError{fmt.Errorf("%s: %w", file, err), ""}
	}
	return doc, nil
}

// Document gives every recording of the folder a part document. The notes are
// for a person: what the song file says of parts that are not there, and such.
func (f Folder) Document() (*definition.SongFile, []string) {
	ids := make([]definition.PartID, len(f.Keys))
	for i, key := range f.Keys {
		k, _ := definition.ParseRawKey(key) // ReadFolder has parsed it
		ids[i] = k.Part
	}
	parts, notes := f.Doc.Resolve(f.Song, ids)
	doc := definition.SongFile{}
	if f.Doc != nil {
		doc = *f.Doc
	}
	doc.Parts = parts
	doc.Output = f.Output.Or(doc.Output)
	return &doc, notes
}

// Misc is the folder with watermarks and impulse responses: misc in the song's
// folder where there is one, else the song's folder.
func (f Folder) Misc() string {
	misc := filepath.Join(f.Dir, "misc")
	if st, err := os.Stat(misc); err == nil && st.IsDir() {
		return misc
	}
	return f.Dir
}

// InputError says that what a person handed over cannot be used.
type InputError struct {
	Err  error
	Hint string // what to do about it, or ""
}

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }
