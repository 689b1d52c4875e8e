package coordinator

import (
	"fmt"
	"testing"

	"github.com/choirless/render/definition"
)

func TestMeasured(t *testing.T) {
	var m measured
	song := func(i int) definition.Song {
		return definition.Song{Choir: "c", Song: definition.SongID(fmt.Sprint(i))}
	}
	first := m.of(song(0))
	for i := 1; i < 3*measuredSongs; i++ {
		m.of(song(i))
		if m.of(song(0)) != first {
			t.Fatalf("the song used all the time is forgotten after %d others", i)
		}
	}
	last := m.of(song(3*measuredSongs - 1))
	for i := range measuredSongs {
		m.of(song(100 + i))
	}
	if m.of(song(3*measuredSongs-1)) == last || len(m.pairs) != measuredSongs || len(m.songs) != measuredSongs {
		t.Errorf("%d songs are kept, want the last %d", len(m.pairs), measuredSongs)
	}
}
