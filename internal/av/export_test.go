package av

// Rest is how long memory of pictures is kept after the last decoder.
const Rest = rest

// LibavsOwn has decoders that are opened from now on take the memory of their
// pictures from libavcodec, as it comes.
func LibavsOwn(on bool) { libavsOwn = on }

// Cut leaves size bytes of p.
func (p *Packet) Cut(size int) { p.p.SetSize(size) }
