package web

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/choirless/render/store"
)

// machine is a render node as people want to read of it.
type machine struct {
	store.Node
	// Composes is "GPU: …", "CPU: …" or "" before the first picture.
	Composes string `json:"composes,omitempty"`
	// Lacks says why an encoder cannot be used, one after the other.
	Lacks string `json:"lacks,omitempty"`
}

func (h *handler) nodesNow(ctx context.Context) ([]machine, error) {
	nodes, err := h.Store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]machine, len(nodes))
	for i, n := range nodes {
		all[i].Node = n
		switch {
		case n.Compositor == "":
		case n.Software:
			all[i].Composes = "CPU: " + n.Compositor
		default:
			all[i].Composes = "GPU: " + n.Compositor
		}
		var lacks []string
		for _, name := range slices.Sorted(maps.Keys(n.Encoders)) {
			if says := n.Encoders[name]; says != "available" {
				lacks = append(lacks, name+" "+says)
			}
		}
		all[i].Lacks = strings.Join(lacks, "; ")
	}
	return all, nil
}

func (h *handler) nodes(w http.ResponseWriter, r *http.Request) {
	all, err := h.nodesNow(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "nodes": all})
}
