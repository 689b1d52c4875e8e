package mix

import "github.com/choirless/render/media"

// BalancePart is what Balance wants to know of one part.
type BalancePart struct {
	// Level is as measured at ingest.
	Level media.Level
	// Section is the part's name as its singer chose it: "Soprano", "S1", "alto",
	// "T", "Bass 2"; anything else, or nothing, is a section of its own name.
	Section string
	// Volume is a person's factor, 1 by default, 0 mutes.
	Volume float64
	// Backing marks the accompaniment.
	Backing bool
}

// Balance returns a linear gain for every part, Volume included.
func Balance(parts []BalancePart) []float64 { panic("unfinished") }
