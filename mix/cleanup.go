package mix

import "fmt"

// ParseCleanup reads the names of clean-up steps: "highpass", "gate", "declick".
func ParseCleanup(names []string) (Cleanup, error) {
	var c Cleanup
	for _, n := range names {
		switch n {
		case "highpass":
			c.HighPass = true
		case "gate":
			c.Gate = true
		case "declick":
			c.DeClick = true
		default:
			return Cleanup{}, fmt.Errorf(`clean-up %q, want "highpass", "gate" or "declick"`, n)
		}
	}
	return c, nil
}

// wrap puts the chosen steps around a track, in the order that each helps the
// next: clicks would ring in the filter, and rumble would hold the gate open.
// songTime turns part time into song time, for the rests.
func (c Cleanup) wrap(t track, songTime func(int64) int64) track {
	if c.DeClick {
		t = newDeClick(t)
	}
	if c.HighPass {
		t = newHighPass(t)
	}
	if c.Gate && len(c.Rests) > 0 {
		t = newGate(t, c, songTime)
	}
	return t
}
