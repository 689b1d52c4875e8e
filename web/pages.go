package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
)

// functions of the templates.
var functions = template.FuncMap{
	"songPath": func(s definition.Song) string {
		return "/songs/" + url.PathEscape(string(s.Choir)) + "/" + url.PathEscape(string(s.Song))
	},
	"mediaPath": func(role, key string) string { return "/media/" + role + "/" + url.PathEscape(key) },
	"percent":   func(p float64) string { return fmt.Sprintf("%.0f", p) },
}

func (h *handler) songsPage(w http.ResponseWriter, r *http.Request) {
	all, err := h.summaries(r.Context(), choirOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	nodes, err := h.nodesNow(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	choirs, err := h.choirsNow(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.page(w, r, "songs.html", map[string]any{"Choir": choirOf(r), "Choirs": choirs, "Songs": all, "Nodes": nodes})
}

func (h *handler) songPage(w http.ResponseWriter, r *http.Request) {
	id, name := songOf(r), r.FormValue("name")
	song, err := h.Store.Song(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if name == "" {
		name = h.shownName(r.Context(), song)
	}
	s, err := status.Read(r.Context(), h.Store, id, name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.page(w, r, "song.html", s)
}

func (h *handler) page(w http.ResponseWriter, r *http.Request, name string, v any) {
	var b bytes.Buffer // so that half a page is never sent
	if err := h.pages.ExecuteTemplate(&b, name, v); err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(b.Bytes()) // a browser that is gone needs no error
}
