package mix

import (
	"fmt"
	"math"
)

// PanLaw says how a position becomes two gains. The position is -1 (left)
// through 0 (centre) to +1 (right).
type PanLaw int

const (
	// ConstantPower keeps gl² + gr² = 1: -3 dB at the centre, 0 dB at the
	// sides. A voice moved across the stage keeps its loudness in a room.
	// gl = cos((pan+1)·π/4), gr = sin((pan+1)·π/4).
	ConstantPower PanLaw = iota
	// ConstantGain keeps gl + gr = 1: -6 dB at the centre. A voice moved across
	// the stage keeps its level when the two channels are added up (mono).
	ConstantGain
)

// ParsePanLaw reads a law's name; "" is constant power.
func ParsePanLaw(s string) (PanLaw, error) {
	switch s {
	case "", ConstantPower.String():
		return ConstantPower, nil
	case ConstantGain.String():
		return ConstantGain, nil
	}
	return 0, fmt.Errorf("pan law %q, want %q or %q", s, ConstantPower, ConstantGain)
}

func (l PanLaw) String() string {
	if l == ConstantGain {
		return "constant-gain"
	}
	return "constant-power"
}

// Gains returns the factors of the left and right channel. pan is clamped to
// -1..+1; NaN counts as the centre.
//
// A mono source feeds both channels through them. A stereo source has its left
// channel times left and its right channel times right: a balance with the same
// law, so that a stereo recording keeps its image and sits at the same level
// as the mono recording with two equal channels.
func (l PanLaw) Gains(pan float64) (left, right float64) {
	if math.IsNaN(pan) {
		pan = 0
	}
	pan = max(-1, min(1, pan))
	// The ends and the middle are exact, whatever the library's sine says.
	switch {
	case pan == -1:
		return 1, 0
	case pan == 1:
		return 0, 1
	case l == ConstantGain:
		return (1 - pan) / 2, (1 + pan) / 2
	case pan == 0:
		return math.Sqrt2 / 2, math.Sqrt2 / 2
	}
	s, c := math.Sincos((pan + 1) * math.Pi / 4)
	return c, s
}
