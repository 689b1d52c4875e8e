package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/choirless/render/definition"
)

// folder is a song as a person hands it over: recordings named
// <choirid>+<songid>+<partid>.<ext>, and perhaps a song.json.
type folder struct {
	dir  string
	song definition.Song
	keys []string // of the recordings, by part id
	doc  *definition.SongFile
	// output is what the command line says of the definition; it wins.
	output definition.Output
	// ignored are the files that are not named as recordings are.
	ignored []string
}

// songFile is the name of the file with the part documents.
const songFile = "song.json"

// readFolder lists a song's folder. Files of two songs in one folder, two
// recordings of one part, and none at all are errors.
func readFolder(dir string) (folder, error) {
	f := folder{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, badInput(err, "")
	}
	parts := map[definition.PartID]string{}
	for _, e := range entries {
		if e.IsDir() || e.Name() == songFile || e.Name()[0] == '.' {
			continue
		}
		k, err := definition.ParseRawKey(e.Name())
		if err != nil {
			f.ignored = append(f.ignored, e.Name())
			continue
		}
		switch {
		case len(f.keys) > 0 && k.Song != f.song:
			return f, badInput(fmt.Errorf("%s: %q and %q are of two songs", dir, f.keys[0], e.Name()), "one song per folder")
		case parts[k.Part] != "":
			return f, badInput(fmt.Errorf("%s: %q and %q are both part %q", dir, parts[k.Part], e.Name(), k.Part), "one recording per part")
		}
		f.song, parts[k.Part] = k.Song, e.Name()
		f.keys = append(f.keys, e.Name())
	}
	if len(f.keys) == 0 {
		return f, badInput(fmt.Errorf("%s holds no recordings", dir), "recordings are named <choirid>+<songid>+<partid>.<extension>")
	}
	sort.Strings(f.keys)
	f.doc, err = readSongFile(filepath.Join(dir, songFile))
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
		return nil, badInput(fmt.Errorf("%s: %w", file, err), "")
	}
	return doc, nil
}
