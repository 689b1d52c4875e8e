package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/plan"
)

const (
	// aboutEvery is how often a node says what it is. Who has not done so for a few
	// times is gone.
	aboutEvery = time.Minute
	// leaveTime bounds saying that it stops, which is not worth waiting for.
	leaveTime = 2 * time.Second
)

// About describes the node. The first call may block for a second. Safe for
// concurrent use.
func (n *Node) About() plan.Node {
	a := plan.Node{Slots: n.cfg.Slots, StripesJoin: n.stripeMV, Encoders: map[string]string{}, Decoders: map[string]string{}}
	for _, c := range []encode.Codec{encode.X264, encode.NVENC} {
		a.Encoders[c.String()] = "available"
		if err := c.Available(); err != nil {
			a.Encoders[c.String()] = "not available: " + err.Error()
		}
	}
	for _, c := range n.missed() {
		if err := c.Available(); err != nil {
			a.Trouble = fmt.Sprintf("pictures are handed back, encoder %v is not available: %v", c, err)
		}
	}
	for _, codec := range decode.Codecs {
		a.Decoders[codec] = n.cfg.Decoder.Says(codec)
	}
	if err := n.Trouble(); err != nil {
		a.Slots, a.Trouble = 0, err.Error()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	a.Decoder = strings.Join(slices.Sorted(maps.Keys(n.decoders)), ", ")
	a.Compositor, a.Software, a.Encoder = n.renderer, n.software, n.encoder
	return a
}

// encodes notes what encodes pictures here.
func (n *Node) encodes(c encode.Codec) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name := c.Library(); n.encoder != name {
		n.encoder = name
		n.say()
	}
}

// misses notes that pictures were handed back for want of an encoder.
func (n *Node) misses(c encode.Codec) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.missing[c] {
		n.missing[c] = true
		n.say()
	}
}

func (n *Node) missed() []encode.Codec {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.missing))
}

// decodes notes what has decoded a cell's pictures here, and logs why a part could
// not be decoded as asked for.
func (n *Node) decodes(tiles *Tiles) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, src := range tiles.sources {
		if src.video == nil {
			continue
		}
		library, fallback := src.video.Decoder()
		if fallback != nil {
			n.cfg.Log.Info("decoded in software", "part", src.tile.Part, "decoder", library, "reason", fallback)
		}
		if !n.decoders[library] {
			n.decoders[library] = true
			n.say()
		}
	}
}

// say has the node say what it is, soon.
func (n *Node) say() {
	select {
	case n.changed <- struct{}{}:
	default: // it will be said already
	}
}

// introduce says what the node is, now and then and when that changes, until ctx
// ends; then that it goes. Nothing waits for it: what cannot be sent is said again.
func (n *Node) introduce(ctx context.Context) error {
	send := func(about *plan.Node, within time.Duration) {
		r := reporter{node: n, log: n.cfg.Log}
		_ = r.sendWithin(ctx, plan.Report{State: plan.ReportNode, About: about}, within)
	}
	tick := time.NewTicker(aboutEvery)
	defer tick.Stop()
	for {
		about := n.About()
		if n.Draining() {
			about.Slots = 0
		}
		send(&about, sendTimeout)
		select {
		case <-ctx.Done():
			send(nil, leaveTime)
			return nil
		case <-tick.C:
		case <-n.changed:
		}
	}
}
