package media

// Block is a run of audio: planar float32, full scale is ±1.
type Block struct {
	// Start is the index of the first sample frame, at Rate, on the time line
	// of the source (part time for decoded blocks).
	Start int64
	Rate  SampleRate
	// Channels holds one slice of equal length per channel.
	Channels [][]float32
	// Layout names the channels when there are more than two.
	Layout ChannelLayout
}

// Len returns the number of sample frames.
func (b Block) Len() int {
	if len(b.Channels) == 0 {
		return 0
	}
	return len(b.Channels[0])
}

// ChannelLayout is the order of the channels of a Block.
type ChannelLayout int

const (
	LayoutDefault ChannelLayout = iota // 1: mono, 2: left right
	Layout51                           // left right centre LFE surround-left surround-right
)
