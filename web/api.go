package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// Limits of lists.
const (
	choirsLimit  = 100
	songsLimit   = 100
	rendersLimit = 100
	historyLimit = 1000
)

// summary is one line of the list of songs.
type summary struct {
	Song    definition.Song   `json:"song"`
	Title   string            `json:"title,omitempty"`
	State   store.TaskState   `json:"state"`
	Legacy  definition.Status `json:"legacy_status,omitempty"`
	Percent float64           `json:"percent"`
	Parts   int               `json:"parts"`
	Review  int               `json:"needs_review"` // parts whose offset a person should check
	Bad     int               `json:"left_out"`     // parts that were refused or dropped
	Error   string            `json:"error,omitempty"`
	Final   string            `json:"final,omitempty"` // key in the final bucket
	Updated string            `json:"updated"`
}

func (h *handler) summaries(ctx context.Context, choir definition.ChoirID) ([]summary, error) {
	songs, err := h.Store.Songs(ctx, choir, songsLimit)
	if err != nil {
		return nil, err
	}
	all := make([]summary, 0, len(songs))
	for _, s := range songs {
		st, err := status.Read(ctx, h.Store, s.Song, h.shownName(ctx, s))
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		v := summary{
			Song: st.Song, Title: st.Title, State: st.State, Legacy: st.Legacy, Percent: math.Round(st.Percent*10) / 10,
			Parts: len(st.Parts), Error: st.Error, Updated: st.Updated.Format("2006-01-02T15:04:05Z"),
		}
		for _, p := range st.Parts {
			if p.NeedsReview {
				v.Review++
			}
			if p.Error+p.Dropped != "" {
				v.Bad++
			}
		}
		if st.Output != nil {
			v.Final = st.Output.Final
		}
		all = append(all, v)
	}
	return all, nil
}

// shownName is the definition a song is shown by: the automatic one, or where
// there is none, the one rendered last.
func (h *handler) shownName(ctx context.Context, s store.Song) string {
	if !s.Auto {
		if last, err := h.Store.Renders(ctx, s.Song, 1); err == nil && len(last) == 1 {
			return last[0].Name
		}
	}
	return definition.AutoName
}

func (h *handler) songs(w http.ResponseWriter, r *http.Request) {
	all, err := h.summaries(r.Context(), choirOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "songs": all})
}

func (h *handler) song(w http.ResponseWriter, r *http.Request) {
	s, err := status.Read(r.Context(), h.Store, songOf(r), nameOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, s)
}

// event is a step as the API tells it.
type event struct {
	Seq     int64             `json:"seq"`
	At      string            `json:"at"`
	Part    definition.PartID `json:"part_id,omitempty"`
	Run     string            `json:"run,omitempty"`
	Stage   store.Stage       `json:"stage"`
	State   store.TaskState   `json:"state"`
	Legacy  definition.Status `json:"legacy_status,omitempty"`
	Stripe  int               `json:"stripe"`
	Segment int               `json:"segment"`
	Attempt int               `json:"attempt,omitempty"`
	Text    string            `json:"text,omitempty"`
}

func (h *handler) history(w http.ResponseWriter, r *http.Request) {
	after, err1 := number(r, "after", 0, math.MaxInt64)
	limit, err2 := number(r, "limit", historyLimit, historyLimit)
	if err := errors.Join(err1, err2); err != nil {
		h.fail(w, r, err)
		return
	}
	found, err := h.Store.Events(r.Context(), songOf(r), after, int(limit))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	all := make([]event, 0, len(found))
	for _, e := range found {
		all = append(all, event{
			e.Seq, e.At.Format("2006-01-02T15:04:05.000Z"), e.Part, e.Run, e.Stage, e.State, e.Legacy,
			e.Stripe, e.Segment, e.Attempt, e.Text,
		})
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "events": all})
}

// render is a render as the API tells it.
type render struct {
	Run      string             `json:"run"`
	Name     string             `json:"name"`
	State    store.RenderState  `json:"state"`
	Error    string             `json:"error,omitempty"`
	Warnings []plan.PartWarning `json:"warnings,omitempty"`
	Created  string             `json:"created"`
	Output   json.RawMessage    `json:"output,omitempty"`
}

func (h *handler) renders(w http.ResponseWriter, r *http.Request) {
	found, err := h.Store.Renders(r.Context(), songOf(r), rendersLimit)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	all := make([]render, 0, len(found))
	for _, v := range found {
		all = append(all, render{v.Run, v.Name, v.State, v.Error, v.Warnings, v.Created.Format("2006-01-02T15:04:05Z"), v.Output})
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "renders": all})
}

func (h *handler) definition(w http.ResponseWriter, r *http.Request) {
	last, err := h.Store.LatestRender(r.Context(), songOf(r), nameOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(last.Definition) // a caller that is gone needs no error
}

func (h *handler) rerender(w http.ResponseWriter, r *http.Request) {
	run, err := h.Coordinator.Rerender(r.Context(), songOf(r), nameOf(r))
	h.asked(w, r, run, err)
}

func (h *handler) retry(w http.ResponseWriter, r *http.Request) {
	if _, err := h.Store.Song(r.Context(), songOf(r)); err != nil {
		h.fail(w, r, err)
		return
	}
	run, err := h.Coordinator.Retry(r.Context(), songOf(r), nameOf(r))
	h.asked(w, r, run, err)
}

func (h *handler) asked(w http.ResponseWriter, r *http.Request, run string, err error) {
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusAccepted, map[string]any{"ok": true, "run": run})
}

func (h *handler) cancel(w http.ResponseWriter, r *http.Request) {
	ended, err := h.Coordinator.Cancel(r.Context(), r.PathValue("run"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "cancelled": ended})
}

func (h *handler) parts(w http.ResponseWriter, r *http.Request) {
	found, err := h.Store.Parts(r.Context(), songOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	docs := make([]definition.Part, 0, len(found))
	for _, p := range found {
		d, err := status.Document(p)
		if err != nil {
			h.Log.Warn("part document", "song", p.Song.Song, "part", p.Part, "error", err)
		}
		docs = append(docs, d)
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "parts": docs})
}

func partOf(r *http.Request) store.PartID {
	return store.PartID{Song: songOf(r), Part: definition.PartID(r.PathValue("part"))}
}

func (h *handler) part(w http.ResponseWriter, r *http.Request) {
	p, err := h.Store.Part(r.Context(), partOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	d, err := status.Document(p)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, d)
}

func (h *handler) putPart(w http.ResponseWriter, r *http.Request) {
	id := partOf(r)
	var doc definition.Part
	body, err := read(r)
	if err == nil {
		doc, err = parsePart(id, body)
	}
	if err == nil {
		err = h.Coordinator.PutPart(r.Context(), id.Song, doc)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, doc)
}

// patchPart changes the fields of a document that the body names.
func (h *handler) patchPart(w http.ResponseWriter, r *http.Request) {
	var change map[string]any
	body, err := read(r)
	if err == nil {
		change, err = readChange(body)
	}
	if err == nil {
		err = rename(change, definition.PartNames())
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	id := partOf(r)
	var doc definition.Part
	err = h.Coordinator.EditPart(r.Context(), id, func(old []byte) (definition.Part, error) {
		text, err := merge(old, change)
		if err == nil {
			doc, err = parsePart(id, text)
		}
		return doc, err
	})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, doc)
}

// parsePart reads a document that says what its address says.
func parsePart(id store.PartID, text []byte) (definition.Part, error) {
	withID, err := setPartID(text, id.Part)
	if err != nil {
		return definition.Part{}, badRequest{fmt.Errorf("part %q: %w", id.Part, err)}
	}
	doc, err := definition.ParsePart(withID)
	if err != nil {
		return definition.Part{}, badRequest{err}
	}
	doc.ChoirID, doc.SongID = id.Choir, id.Song.Song
	return doc, nil
}

// setPartID makes a document say what its address says.
func setPartID(text []byte, id definition.PartID) ([]byte, error) {
	doc := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	var err error
	if doc["partId"], err = json.Marshal(id); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}
