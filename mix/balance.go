package mix

import (
	"strings"

	"github.com/choirless/render/media"
)

// Automatic balance: every part is brought to the loudness of its section,
// measured where it really sings (media.Level). The targets are fixed numbers,
// so a gain depends on its own part only: one more singer changes nobody else's
// sound, and stripes mixed earlier stay valid. How loud the whole becomes is
// none of its business; the master sees to that.
//
// Sections differ by half a decibel: inner voices are masked by the outer ones
// and get a little more, and so does the accompaniment, which everybody tunes
// to. All parts of a song lie within 1 LU, measurement aside.

const (
	// voiceTarget is the loudness of a single voice. Ten of them add up to about
	// -16 LUFS, so a choir arrives at the master with a gain near 1.
	voiceTarget LUFS = -26
	// A part is raised by 30 dB at most (beyond, one hears its microphone) and
	// lowered by 40.
	maxRaiseDB = 30
	maxLowerDB = 40
)

// sectionLU is what a section gets above voiceTarget.
var sectionLU = map[string]float64{
	"soprano": 0, "mezzo": 0.5, "alto": 0.5, "tenor": 0.5, "baritone": 0.5, "bass": 0,
}

const backingLU = 0.5

// sectionStems are how names of sections begin, longer ones first.
var sectionStems = []struct{ stem, section string }{
	{"sop", "soprano"}, {"mez", "mezzo"}, {"alt", "alto"}, {"ten", "tenor"}, {"bari", "baritone"}, {"bass", "bass"},
}

// Section returns the section that a part's name stands for: "soprano", "mezzo",
// "alto", "tenor", "baritone" or "bass", or "" when the name says nothing.
// "Soprano 1", "S2", "sop", "Alti", "T", "BASS II" are understood.
func Section(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, s := range sectionStems {
		if strings.HasPrefix(name, s.stem) {
			return s.section
		}
	}
	letter, rest := "", name
	if name != "" {
		letter, rest = name[:1], strings.Trim(name[1:], " -_.0123456789i")
	}
	if rest != "" {
		return ""
	}
	return map[string]string{"s": "soprano", "m": "mezzo", "a": "alto", "t": "tenor", "b": "bass"}[letter]
}

// BalancePart is what Balance wants to know of one part.
type BalancePart struct {
	// Level is as measured at ingest.
	Level media.Level
	// Section is the part's name as the choir uses it; see Section.
	Section string
	// Volume is a person's linear factor, 1 by default; 0 mutes. Soloists are
	// lifted by it.
	Volume float64
	// Backing marks the accompaniment.
	Backing bool
}

// Balance returns a linear gain for every part, Volume included. A silent part
// is left at its Volume, so that nothing is made of its hiss.
func Balance(parts []BalancePart) []float64 {
	gains := make([]float64, len(parts))
	for i, p := range parts {
		gains[i] = p.Volume
		if p.Level.Silent || p.Level.LUFS <= FloorLUFS {
			continue
		}
		target := float64(voiceTarget) + sectionLU[Section(p.Section)]
		if p.Backing {
			target = float64(voiceTarget) + backingLU
		}
		gains[i] *= GainOf(max(-maxLowerDB, min(maxRaiseDB, target-p.Level.LUFS)))
	}
	return gains
}
