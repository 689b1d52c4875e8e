package mix

import "github.com/choirless/render/media"

// LevelMeter measures how loud a part is where it really sings.
// Not safe for concurrent use.
type LevelMeter struct{}

// NewLevelMeter returns a meter for blocks of the given rate.
func NewLevelMeter(rate media.SampleRate) *LevelMeter { panic("unfinished") }

// Write takes the next block: mono or stereo.
func (m *LevelMeter) Write(b media.Block) { panic("unfinished") }

// Level returns what was measured so far. It may be called once, at the end.
func (m *LevelMeter) Level() media.Level { panic("unfinished") }

// Faults says in words for a person what is wrong with a part of that level:
// silent, clipped, noisy. Nil when nothing is.
func Faults(l media.Level) []string { panic("unfinished") }
