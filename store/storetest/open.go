package storetest

import (
	"sync"
	"testing"
)

// testOpen has many open a new database at the same moment, as coordinators that start
// together do: its tables are made once, and everybody can use them.
func testOpen(t *testing.T, open Database) {
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			s, err := open()
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.PutSong(t.Context(), song, nil); err != nil {
				t.Error(err)
			}
			if _, err := s.Nodes(t.Context()); err != nil { // of the newest tables
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
