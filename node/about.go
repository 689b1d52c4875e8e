package node

import (
	"github.com/choirless/render/encode"
)

// About is what a node found on its machine and chose.
type About struct {
	// Compositor is the renderer, empty before the first picture.
	Compositor string `json:"compositor,omitempty"`
	// Encoders says of each encoder "available", or why not.
	Encoders map[string]string `json:"encoders"`
	// StripesJoin: stripes are joined in the bitstream.
	StripesJoin bool `json:"stripes_join"`
}

// About describes the node. The first call may block for a second. Safe for
// concurrent use.
func (n *Node) About() About {
	a := About{StripesJoin: n.stripeMV, Encoders: map[string]string{}}
	for _, c := range []encode.Codec{encode.X264, encode.NVENC} {
		a.Encoders[c.String()] = "available"
		if err := c.Available(); err != nil {
			a.Encoders[c.String()] = "not available: " + err.Error()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	a.Compositor = n.renderer
	return a
}
