package plan

// Node is what a render node found on its machine and chose, for people and for the
// coordinator, which shares work out.
type Node struct {
	// Slots is how many assignments it works on at once; 0 while it takes none.
	Slots int `json:"slots"`
	// Trouble is why it takes none, or hands some of it back; empty when all is well, or
	// it stops.
	Trouble string `json:"trouble,omitempty"`
	// Compositor is the renderer, empty before the first picture; Software says that
	// it is not a GPU.
	Compositor string `json:"compositor,omitempty"`
	Software   bool   `json:"software"`
	// Encoder made the newest picture: "libx264" or "h264_nvenc"; empty before the first.
	Encoder string `json:"encoder,omitempty"`
	// Encoders says of each encoder "available", or why not.
	Encoders map[string]string `json:"encoders"`
	// Decoder names, in libav's words, what has decoded parts' pictures so far:
	// "vp8_cuvid, h264"; empty before the first.
	Decoder string `json:"decoder,omitempty"`
	// Decoders says of each codec "nvdec", or "software" and perhaps why.
	Decoders map[string]string `json:"decoders"`
	// StripesJoin: stripes are joined in the bitstream.
	StripesJoin bool `json:"stripes_join"`
}
