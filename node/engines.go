package node

import (
	"context"

	"github.com/choirless/render/engine"
)

// takeEngine returns an idle engine or makes one. Each picture has an engine to
// itself; there are never more engines than pictures composed at once.
func (n *Node) takeEngine(ctx context.Context) (*engine.Engine, error) {
	n.mu.Lock()
	if k := len(n.engines); k > 0 {
		e := n.engines[k-1]
		n.engines = n.engines[:k-1]
		n.mu.Unlock()
		return e, nil
	}
	n.mu.Unlock()
	e, err := engine.New(ctx, n.cfg.Engine)
	if err != nil {
		return nil, n.noEngine(err)
	}
	n.cfg.Log.Info("compositor ready", "renderer", e.Renderer(), "software", e.Software(), "opened", e.Device().Opened)
	n.mu.Lock()
	if n.renderer != e.Renderer() {
		n.renderer, n.software = e.Renderer(), e.Software()
		n.say()
	}
	n.newest = e
	n.mu.Unlock()
	n.metrics.renderer(e.Renderer(), e.Software())
	return e, nil
}

// gpuMemory returns how many bytes of the GPU's own memory are free, as the newest
// engine's driver says; false where there is none, or it does not say.
func (n *Node) gpuMemory(ctx context.Context) (int64, bool) {
	n.mu.Lock()
	e := n.newest
	n.mu.Unlock()
	if e == nil || e.Software() {
		return 0, false
	}
	free, known, err := e.FreeMemory(ctx)
	return free, known && err == nil
}

// giveEngine returns an engine after use. One whose picture failed is closed
// instead: its context may be the cause.
func (n *Node) giveEngine(e *engine.Engine, failed bool) {
	if failed {
		if err := e.Close(); err != nil {
			n.cfg.Log.Warn("closing an engine", "error", err)
		}
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.engines = append(n.engines, e)
}

func (n *Node) closeEngines() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.engines {
		if err := e.Close(); err != nil {
			n.cfg.Log.Warn("closing an engine", "error", err)
		}
	}
	n.engines = nil
}
