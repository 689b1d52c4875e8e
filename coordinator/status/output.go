package status

// Output is the facts of a final, as stored with its render.
type Output struct {
	Preview    string  `json:"preview"` // key in the preview bucket
	Final      string  `json:"final"`   // key in the final bucket
	Snapshot   string  `json:"snapshot,omitempty"`
	ETag       string  `json:"etag"` // of the final
	SHA256     string  `json:"sha256"`
	Bytes      int64   `json:"bytes"`
	Duration   float64 `json:"duration_s"`
	Frames     int     `json:"frames"`
	FPS        string  `json:"fps"`
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	LUFS       float64 `json:"lufs"`      // integrated, of the sound as a player decodes it
	TruePeak   float64 `json:"dbtp"`      // likewise
	Range      float64 `json:"lra_lu"`    // loudness range
	Silent     bool    `json:"silent"`    // nothing to hear
	Stacked    int     `json:"stacked"`   // segments whose stripes were stacked and encoded once more
	Verified   bool    `json:"verified"`  // decoded, and found equal to its stripes
	Seconds    float64 `json:"seconds"`   // the finish took
	Rendered   float64 `json:"cpu_s"`     // all its cells and sounds took, reused ones included
	SoundRetry int     `json:"remasters"` // times the master was made quieter because coding raised its peaks
}
