package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// The render table of the original: its front-ends ask how far a song or a part
// is, list what is done, and its pipeline reported steps. Ours takes steps by
// itself; a reported one is written into the history and changes nothing.

// legacyDoneLimit is how many finished songs are listed.
const legacyDoneLimit = 50

var legacyStatuses = []definition.Status{
	definition.StatusNew, definition.StatusConverted, definition.StatusAligned,
	definition.StatusRendered, definition.StatusComposited, definition.StatusDone,
}

func legacyRow(e store.Event) definition.RenderStatus {
	row := definition.RenderStatus{
		ChoirID: e.Choir, SongID: e.Song.Song, Status: e.Legacy, Date: e.At.UTC().Format(time.RFC3339),
	}
	if e.Part != "" {
		row.PartID = &e.Part
	}
	return row
}

// legacyStatus is GET /render?choirId=&songId=[&partId=]: the newest status of the
// song, or of one part.
func (h *handler) legacyStatus(w http.ResponseWriter, r *http.Request) {
	id := definition.Song{Choir: definition.ChoirID(r.FormValue("choirId")), Song: definition.SongID(r.FormValue("songId"))}
	if id.Choir == "" || id.Song == "" {
		h.fail(w, r, badRequest{fmt.Errorf("choirId and songId: both must be given")})
		return
	}
	part := definition.PartID(r.FormValue("partId"))
	if err := checkIDs(id, part); err != nil {
		h.fail(w, r, err)
		return
	}
	found, err := h.Store.Legacy(r.Context(), id, "", historyLimit)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	i := slices.IndexFunc(found, func(e store.Event) bool { return part == "" || e.Part == part || e.Part == "" })
	if i < 0 {
		h.fail(w, r, fmt.Errorf("status of song %q: %w", id.Song, store.ErrNotFound))
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "render": legacyRow(found[i])})
}

// legacyReport is POST /render {choirId, songId, partId, status}.
func (h *handler) legacyReport(w http.ResponseWriter, r *http.Request) {
	body, err := read(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	var row definition.RenderStatus
	if err := json.Unmarshal(body, &row); err != nil {
		h.fail(w, r, badRequest{fmt.Errorf("status: %w", err)})
		return
	}
	if row.ChoirID == "" || row.SongID == "" || !slices.Contains(legacyStatuses, row.Status) {
		h.fail(w, r, badRequest{fmt.Errorf("choirId, songId and status: all must be given, status one of %v", legacyStatuses)})
		return
	}
	e := store.Event{
		Song:  definition.Song{Choir: row.ChoirID, Song: row.SongID},
		Stage: store.StageUpload, State: store.TaskDone, Legacy: row.Status, Text: "reported from outside",
	}
	if row.PartID != nil {
		e.Part = *row.PartID
	}
	if err := checkIDs(e.Song, e.Part); err != nil {
		h.fail(w, r, err)
		return
	}
	if err := h.Store.Record(r.Context(), e); err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true})
}

// checkIDs reports what is wrong with the names of a song or, where one is given, a part.
func checkIDs(id definition.Song, part definition.PartID) error {
	err := definition.CheckSong(id)
	if err == nil && part != "" {
		err = definition.CheckPart(id, part)
	}
	if err != nil {
		return badRequest{err}
	}
	return nil
}

// legacyDone is GET /render/done: finished songs, newest first.
func (h *handler) legacyDone(w http.ResponseWriter, r *http.Request) {
	found, err := h.Store.Legacy(r.Context(), definition.Song{}, definition.StatusDone, legacyDoneLimit)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	rows := make([]definition.RenderStatus, 0, len(found))
	for _, e := range found {
		rows = append(rows, legacyRow(e))
	}
	h.answer(w, http.StatusOK, map[string]any{"ok": true, "renders": rows})
}
