package media

// Block is a run of audio: planar float32, full scale is ±1.
type Block struct {
	// Start is the index of the first sample frame, at Rate, on the time line
	// of the source (part time for decoded blocks).
	Start int64
	Rate  SampleRate
	// Channels holds one slice of equal length per channel: mono, left and right, or
	// 5.1 as left, right, centre, LFE, surround left and surround right.
	Channels [][]float32
}

// Len returns the number of sample frames.
func (b Block) Len() int {
	if len(b.Channels) == 0 {
		return 0
	}
	return len(b.Channels[0])
}
