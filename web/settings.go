package web

import (
	"encoding/json"
	"net/http"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

func (h *handler) settings(w http.ResponseWriter, r *http.Request) {
	s, err := h.Store.Song(r.Context(), songOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	set, err := status.Settings(s)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, set)
}

func (h *handler) putSettings(w http.ResponseWriter, r *http.Request) {
	var set definition.Settings
	body, err := read(r)
	if err == nil {
		set, err = parseSettings(body)
	}
	if err == nil {
		err = h.Coordinator.PutSettings(r.Context(), songOf(r), set)
	}
	h.answerSettings(w, r, set, err)
}

// patchSettings changes the fields that the body names, also inside output and layout.
func (h *handler) patchSettings(w http.ResponseWriter, r *http.Request) {
	var change map[string]any
	body, err := read(r)
	if err == nil {
		change, err = readChange(body)
	}
	if layout, ok := change["layout"].(map[string]any); err == nil && ok {
		err = rename(layout, definition.LayoutNames())
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	var set definition.Settings
	err = h.Coordinator.EditSettings(r.Context(), songOf(r), func(old definition.Settings) (definition.Settings, error) {
		text, err := json.Marshal(old)
		if err == nil {
			text, err = merge(text, change)
		}
		if err == nil {
			set, err = parseSettings(text)
		}
		return set, err
	})
	h.answerSettings(w, r, set, err)
}

func (h *handler) answerSettings(w http.ResponseWriter, r *http.Request, set definition.Settings, err error) {
	if err != nil {
		h.fail(w, r, err)
		return
	}
	set.Auto = definition.Some(set.Auto.Or(true))
	h.answer(w, http.StatusOK, set)
}

func parseSettings(text []byte) (definition.Settings, error) {
	set, err := definition.ParseSettings(text)
	if err == nil {
		err = plan.CheckLook(set.Output)
	}
	if err != nil {
		return set, badRequest{err}
	}
	return set, nil
}
