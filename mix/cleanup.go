package mix

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
	if c.Gate {
		t = newGate(t, c, songTime)
	}
	return t
}
