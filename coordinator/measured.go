package coordinator

import (
	"slices"
	"sync"

	"github.com/choirless/render/align"
	"github.com/choirless/render/definition"
)

// measuredSongs is how many songs' measured pairs are kept. A song of 36 parts
// takes some 4 MB, so that all of them together stay modest; what is forgotten is
// only measured again.
const measuredSongs = 8

// measured keeps the pairs that alignment measured, of the songs aligned last, so
// that a part more does not measure all the others again. The zero value is
// empty. Safe for concurrent use.
type measured struct {
	mu    sync.Mutex
	songs []definition.Song // aligned last comes last
	pairs map[definition.Song]*align.Cache
}

// of returns the pairs of a song.
func (m *measured) of(id definition.Song) *align.Cache {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pairs == nil {
		m.pairs = map[definition.Song]*align.Cache{}
	}
	if i := slices.Index(m.songs, id); i >= 0 {
		m.songs = slices.Delete(m.songs, i, i+1)
	} else {
		m.pairs[id] = &align.Cache{}
	}
	m.songs = append(m.songs, id)
	if len(m.songs) > measuredSongs {
		delete(m.pairs, m.songs[0])
		m.songs = m.songs[1:]
	}
	return m.pairs[id]
}
