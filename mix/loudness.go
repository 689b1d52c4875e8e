package mix

import "github.com/choirless/render/media"

// Meter is an EBU R 128 meter.
type Meter struct{}

// NewMeter returns a meter for the given rate and number of channels (1, 2, or
// 5 and 6 in the order of media.Layout51).
func NewMeter(rate media.SampleRate, channels int) *Meter { panic("unfinished") }

// Write takes the next sample frames, one slice per channel.
func (m *Meter) Write(channels [][]float32) { panic("unfinished") }

// Integrated returns the gated loudness of all so far, -Inf for silence.
func (m *Meter) Integrated() LUFS { panic("unfinished") }

// Range returns the loudness range in LU (EBU Tech 3342).
func (m *Meter) Range() float64 { panic("unfinished") }

// TruePeak returns the largest true peak so far, -Inf for silence.
func (m *Meter) TruePeak() DBTP { panic("unfinished") }
