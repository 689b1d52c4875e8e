package mix

import "context"

// MasterOptions says how the final sound is made. The zero value is dry,
// -16 LUFS, -1 dBTP.
type MasterOptions struct {
	// Room names a synthesised room (RoomNames); unused when IR is set. "" is "hall".
	Room string
	// IR is a person's own impulse response.
	IR *IR
	// Wet is the reverberated share of the energy, 0 (bit-exact dry) to 1.
	Wet float64
	// Target is the integrated loudness wanted; 0 means DefaultTarget.
	Target LUFS
	// Ceiling is the largest true peak allowed; 0 means DefaultCeiling.
	Ceiling DBTP
	// Stems, when set, is handed the dry sum and the wet signal as they enter
	// the master, before its gain. Blocks are valid until it returns.
	Stems func(dry, wet [][]float32) error
}

const (
	DefaultTarget  LUFS = -16
	DefaultCeiling DBTP = -1
)

// Mastered is what came out.
type Mastered struct {
	Integrated LUFS    `json:"lufs"`       // of the output; -Inf is given as -70
	Range      float64 `json:"lra_lu"`     // loudness range, LU
	TruePeak   DBTP    `json:"dbtp"`       // of the output; -Inf is given as -120
	GainDB     float64 `json:"gain_db"`    // linear gain that was applied
	LimitDB    float64 `json:"limit_db"`   // largest reduction by the limiter, 0 or more
	InputLUFS  LUFS    `json:"input_lufs"` // before gain, reverb included
	Silent     bool    `json:"silent"`     // nothing to hear: gain left at 1
}

// Master adds up the sums (each two channels, or four with the reverb send
// in channels 3 and 4), adds reverb, brings the whole to Target and keeps it
// under Ceiling. It reads its input twice: inputs are opened again.
func Master(ctx context.Context, inputs []func() (Source, error), samples int64, o MasterOptions, sink func(stereo [][]float32) error) (Mastered, error) {
	panic("unfinished")
}
