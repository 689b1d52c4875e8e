package web

import (
	"context"
	"net/http"

	"github.com/choirless/render/definition"
)

// choir is a choir as the API tells it.
type choir struct {
	ID      definition.ChoirID `json:"choir_id"`
	Songs   int                `json:"songs"`
	Created string             `json:"created"`
	Updated string             `json:"updated"` // when something last happened
}

func (h *handler) choirsNow(ctx context.Context) ([]choir, error) {
	found, err := h.Store.Choirs(ctx, choirsLimit)
	if err != nil {
		return nil, err
	}
	all := make([]choir, 0, len(found))
	for _, c := range found {
		all = append(all, choir{c.ID, c.Songs, c.Created.Format("2006-01-02T15:04:05Z"), c.Updated.Format("2006-01-02T15:04:05Z")})
	}
	return all, nil
}

func (h *handler) choirs(w http.ResponseWriter, r *http.Request) {
	all, err := h.choirsNow(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "choirs": all})
}

// choirOf is the choir that a list of songs is asked of, empty for all.
func choirOf(r *http.Request) definition.ChoirID { return definition.ChoirID(r.FormValue("choir")) }
