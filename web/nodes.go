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
	// Decoding says of all codecs what decodes them, and perhaps why.
	Decoding string `json:"decoding,omitempty"`
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
		all[i].Decoding = decoding(n.Decoders)
	}
	return all, nil
}

// decoding says the same of several codecs once: "h264, vp8: nvdec; vp9: software".
func decoding(decoders map[string]string) string {
	codecs := map[string][]string{} // by what is said of them
	for _, codec := range slices.Sorted(maps.Keys(decoders)) {
		codecs[decoders[codec]] = append(codecs[decoders[codec]], codec)
	}
	var all []string
	for says, which := range codecs {
		all = append(all, strings.Join(which, ", ")+": "+says)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func (h *handler) nodes(w http.ResponseWriter, r *http.Request) {
	all, err := h.nodesNow(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "nodes": all})
}
