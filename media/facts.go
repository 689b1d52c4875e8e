package media

import "time"

// LongestPart is how late a part's picture or sound may end, part time. Who sings for
// longer has to cut; a timestamp that says more is damaged far more likely, and a song
// as long as it says would never be done.
const LongestPart = 6 * time.Hour

// Facts is what reading a recording found out about it. It is stored with the
// part and printed by `choirless probe --json`.
type Facts struct {
	// Container is libav's name of the format, such as "matroska,webm".
	Container string      `json:"container"`
	Video     *VideoFacts `json:"video,omitempty"`
	Audio     *AudioFacts `json:"audio,omitempty"`
	// Duration is from the part's origin (its earliest timestamp) to the end of
	// its last stream, measured on packets where the container does not say.
	Duration time.Duration `json:"duration_ns"`
	// Warnings are for a person: what was odd and what was done about it.
	Warnings []string `json:"warnings,omitempty"`
}

// End is when the last stream ends, part time.
func (f Facts) End() time.Duration {
	var end time.Duration
	if f.Video != nil {
		end = f.Video.End
	}
	if f.Audio != nil {
		end = max(end, f.Audio.End)
	}
	return end
}

// VideoFacts describes the picture of a part. Width and Height are the stored
// size in luma samples; DisplaySize gives the size as seen.
type VideoFacts struct {
	Codec    string        `json:"codec"`
	Width    int           `json:"width"`
	Height   int           `json:"height"`
	SAR      Ratio         `json:"sar"`
	Rotation Rotation      `json:"rotation"`
	Depth    int           `json:"depth"`
	Color    Color         `json:"color"`
	FPS      float64       `json:"fps"` // average
	Frames   int           `json:"frames"`
	Start    time.Duration `json:"start_ns"` // first picture, part time
	End      time.Duration `json:"end_ns"`   // when the last picture goes off
	// Standstill is the longest time that one picture stays, the last one aside.
	Standstill time.Duration `json:"standstill_ns,omitempty"`
	// KeyframeInterval is the longest distance between keyframes.
	KeyframeInterval time.Duration `json:"keyframe_interval_ns"`
}

// DisplaySize returns the upright size as seen, SAR applied.
func (v VideoFacts) DisplaySize() (w, h float64) {
	return DisplaySize(v.Width, v.Height, v.SAR, v.Rotation)
}

// AudioFacts describes the sound of a part.
type AudioFacts struct {
	Codec    string        `json:"codec"`
	Rate     SampleRate    `json:"rate_hz"`
	Channels int           `json:"channels"`
	Start    time.Duration `json:"start_ns"` // first sample, part time
	End      time.Duration `json:"end_ns"`
}

// Level is how loud a part is where it really sings; measured once at ingest.
type Level struct {
	// LUFS is the loudness over the stretches with singing; -70 when silent.
	LUFS float64 `json:"lufs"`
	// PeakDB is the largest sample, dBFS; -120 when silent.
	PeakDB float64 `json:"peak_dbfs"`
	// NoiseDB is the level between the singing, dBFS RMS; -120 when unknown.
	NoiseDB float64 `json:"noise_dbfs"`
	// Clipped is the share of samples in runs at full scale, 0..1.
	Clipped float64 `json:"clipped"`
	// Silent says that there is nothing to hear.
	Silent bool `json:"silent"`
}
