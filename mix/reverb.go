package mix

// Reverb adds a room to a sum as it comes, as Master does, for whoever plays a
// song while it is being changed. It knows no end of the song, so that nothing
// rounds off the reverberation there. Not safe for concurrent use.
type Reverb struct {
	conv     *Convolver // nil: dry
	dry, wet float32
	send     [2][]float32
}

// NewReverb returns the room that o asks for by Room or IR and Wet.
func NewReverb(o MasterOptions) (*Reverb, error) {
	p, err := newProgram(nil, 0, o)
	if err != nil {
		return nil, err
	}
	r := &Reverb{dry: float32(p.dry), wet: float32(p.wet)}
	if p.wet != 0 {
		r.conv = NewConvolver(p.ir.responses(), BlockSize)
		for c := range r.send {
			r.send[c] = make([]float32, BlockSize)
		}
	}
	return r, nil
}

// Add turns a dry sum into the dry sum with reverb. Blocks follow each other; all
// but the last have BlockSize sample frames.
func (r *Reverb) Add(sum, send [][]float32) {
	if r.conv == nil {
		return
	}
	for c := range r.send {
		clear(r.send[c][copy(r.send[c], send[c]):])
	}
	wet := r.conv.Process(r.send[:])
	for c := range sum {
		for i, v := range sum[c] {
			sum[c][i] = v*r.dry + wet[c][i]*r.wet
		}
	}
}
