package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
)

// Server-sent events (HTML living standard, section 9.2): one JSON document per
// message. A document that is the same as the one before is not sent again, and
// no more than one every frame; the list of songs, which costs as much as its
// songs together, every listFrame.
const (
	frame     = 200 * time.Millisecond
	listFrame = time.Second
	keepAlive = 15 * time.Second // a comment, so that proxies keep the line open
)

// stream sends documents of next until the browser is gone. next is called again
// after every change of the song, of any song for the zero Song.
func (h *handler) stream(w http.ResponseWriter, r *http.Request, id definition.Song, pace time.Duration, next func(context.Context) (any, error)) {
	ctx := r.Context()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	changed := h.Store.Watch(ctx, id)
	poll := time.NewTicker(keepAlive)
	defer poll.Stop()
	last := ""
	for {
		doc, err := next(ctx)
		message := ": still here\n\n"
		if err == nil {
			var text []byte
			if text, err = json.Marshal(doc); err == nil && string(text) != last {
				last = string(text)
				message = fmt.Sprintf("data: %s\n\n", text)
			}
		}
		if err != nil && ctx.Err() == nil {
			h.Log.Warn("stream", "path", r.URL.Path, "error", err) // the next may be better
		}
		if _, err := fmt.Fprint(w, message); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pace):
		}
		select {
		case <-ctx.Done():
			return
		case _, open := <-changed:
			if !open {
				return
			}
		case <-poll.C:
		}
	}
}

func (h *handler) songsEvents(w http.ResponseWriter, r *http.Request) {
	h.stream(w, r, definition.Song{}, listFrame, func(ctx context.Context) (any, error) {
		return h.summaries(ctx, choirOf(r))
	})
}

func (h *handler) songEvents(w http.ResponseWriter, r *http.Request) {
	if _, err := h.Store.Song(r.Context(), songOf(r)); err != nil {
		h.fail(w, r, err)
		return
	}
	h.stream(w, r, songOf(r), frame, func(ctx context.Context) (any, error) {
		return status.Read(ctx, h.Store, songOf(r), nameOf(r))
	})
}
