package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strconv"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/health"
	"github.com/choirless/render/store"
)

//go:embed assets
var assets embed.FS

// Coordinator is what the handlers ask of a coordinator; *coordinator.Coordinator
// is one.
type Coordinator interface {
	PutPart(ctx context.Context, song definition.Song, doc definition.Part) error
	PutSettings(ctx context.Context, song definition.Song, set definition.Settings) error
	EditSettings(ctx context.Context, song definition.Song, edit func(definition.Settings) (definition.Settings, error)) error
	EditPart(ctx context.Context, id store.PartID, edit func(doc []byte) (definition.Part, error)) error
	Cancel(ctx context.Context, run string) (bool, error)
	Rerender(ctx context.Context, song definition.Song, name string) (run string, _ error)
	Retry(ctx context.Context, song definition.Song, name string) (run string, _ error)
}

// Config is what the handlers need. All but Log and Stopping must be set.
type Config struct {
	Store       store.Store
	Coordinator Coordinator
	Buckets     bucket.Buckets
	Log         *slog.Logger
	// Stopping, where set, tells that the process takes no more work: /readyz then
	// says so.
	Stopping func() bool
}

// maxBody is how large a request may be, in bytes.
const maxBody = 1 << 20

// handler serves everything. Safe for concurrent use.
type handler struct {
	Config
	pages *template.Template
}

// New returns the handler of everything. Streams end with their request's context.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	h := &handler{Config: cfg}
	h.pages = template.Must(template.New("").Funcs(functions).ParseFS(assets, "assets/*.html"))
	mux := http.NewServeMux()
	handle := func(pattern string, f http.HandlerFunc) { mux.HandleFunc(pattern, h.named(f)) }
	handle("GET /{$}", h.songsPage)
	handle("GET /songs/{choir}/{song}", h.songPage)
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	handle("GET /media/{bucket}/{key}", h.media)
	state := health.Handler(h.checks()...)
	mux.Handle("GET /healthz", state)
	mux.Handle("GET /readyz", state)

	handle("GET /api/choirs", h.choirs)
	handle("GET /api/songs", h.songs)
	handle("GET /api/events", h.songsEvents)
	handle("GET /api/nodes", h.nodes)
	const song = "/api/songs/{choir}/{song}"
	handle("GET "+song, h.song)
	handle("GET "+song+"/events", h.songEvents)
	handle("GET "+song+"/history", h.history)
	handle("GET "+song+"/renders", h.renders)
	handle("GET "+song+"/definition", h.definition)
	handle("POST "+song+"/render", h.rerender)
	handle("POST "+song+"/retry", h.retry)
	handle("GET "+song+"/settings", h.settings)
	handle("PUT "+song+"/settings", h.putSettings)
	handle("PATCH "+song+"/settings", h.patchSettings)
	handle("GET "+song+"/parts", h.parts)
	handle("GET "+song+"/parts/{part}", h.part)
	handle("PUT "+song+"/parts/{part}", h.putPart)
	handle("PATCH "+song+"/parts/{part}", h.patchPart)
	handle("POST /api/runs/{run}/cancel", h.cancel)

	handle("GET /render", h.legacyStatus)
	handle("POST /render", h.legacyReport)
	handle("GET /render/done", h.legacyDone)
	return http.NewCrossOriginProtection().Handler(safe(mux))
}

// safe says what browsers may do with our pages: nothing but what is ours.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; media-src 'self' blob:; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// badRequest is an error that is the caller's.
type badRequest struct{ error }

// fail answers with an error as JSON.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := http.StatusInternalServerError
	if bad := (badRequest{}); errors.As(err, &bad) {
		err = bad // without the call it came through
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, bucket.ErrNotFound):
		code = http.StatusNotFound
	case errors.As(err, new(badRequest)):
		code = http.StatusBadRequest
	case errors.As(err, new(*http.MaxBytesError)):
		code = http.StatusRequestEntityTooLarge
	case r.Context().Err() != nil:
		return // nobody listens
	default:
		h.Log.Error("request", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	h.answer(w, code, map[string]any{"ok": false, "error": err.Error()})
}

func (h *handler) answer(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		h.Log.Error("answer", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	w.Write(append(body, '\n')) // a caller that is gone needs no error
}

// named answers requests for what cannot be the name of anything, which no database need
// be asked about.
func (h *handler) named(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := checkNames(r); err != nil {
			h.fail(w, r, err)
			return
		}
		next(w, r)
	}
}

// checkNames reports what is wrong with the names in a request's address.
func checkNames(r *http.Request) error {
	query := r.URL.Query() // not FormValue, which would read the body
	for what, s := range map[string]string{
		"choir id": query.Get("choir"), "definition name": query.Get("name"), "run id": r.PathValue("run"),
	} {
		if s == "" {
			continue
		}
		if err := definition.CheckID(what, s); err != nil {
			return badRequest{err}
		}
	}
	if id := partOf(r); id.Song != (definition.Song{}) {
		return checkIDs(id.Song, id.Part)
	}
	return nil
}

func songOf(r *http.Request) definition.Song {
	return definition.Song{Choir: definition.ChoirID(r.PathValue("choir")), Song: definition.SongID(r.PathValue("song"))}
}

func nameOf(r *http.Request) string { return definition.NameOr(r.FormValue("name")) }

// number reads a query parameter between 0 and most.
func number(r *http.Request, name string, def, most int64) (int64, error) {
	s := r.FormValue(name)
	if s == "" {
		return def, nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || v > most {
		return 0, badRequest{fmt.Errorf("%s: %q, want a number from 0 to %d", name, s, most)}
	}
	return v, nil
}

// checks are what the process depends on.
func (h *handler) checks() []health.Check {
	all := []health.Check{
		{Name: "process", Ready: func(context.Context) error {
			if h.Stopping != nil && h.Stopping() {
				return errors.New("stopping")
			}
			return nil
		}},
		{Name: "database", Ready: h.Store.Ping},
	}
	for _, role := range definition.Buckets() {
		all = append(all, health.Check{Name: "bucket " + role, Ready: func(ctx context.Context) error {
			_, err := h.Buckets[role].Stat(ctx, "readyz")
			if errors.Is(err, bucket.ErrNotFound) {
				return nil
			}
			return err
		}})
	}
	return all
}

// served are the buckets that people may read.
var served = map[string]bool{
	definition.BucketPreview: true, definition.BucketFinal: true, definition.BucketSnapshots: true,
}

// mediaTypes are those that cannot be left to the system's table of endings.
var mediaTypes = map[string]string{
	".mp4": "video/mp4", ".m4s": "video/mp4", ".m3u8": "application/vnd.apple.mpegurl", ".jpg": "image/jpeg",
}

func (h *handler) media(w http.ResponseWriter, r *http.Request) {
	role, key := r.PathValue("bucket"), r.PathValue("key")
	if !served[role] || bucket.CheckKey(key) != nil {
		http.NotFound(w, r)
		return
	}
	file, info, err := bucket.Open(r.Context(), h.Buckets[role], key)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer file.Close()
	if t := mediaTypes[path.Ext(key)]; t != "" {
		w.Header().Set("Content-Type", t)
	}
	w.Header().Set("ETag", strconv.Quote(info.ETag))
	w.Header().Set("Cache-Control", "no-cache") // ask, and be told that nothing changed
	if r.FormValue("download") != "" {
		w.Header().Set("Content-Disposition", "attachment")
	}
	http.ServeContent(w, r, key, info.Modified, file)
}

// read returns the body of a request.
func read(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil && !errors.As(err, new(*http.MaxBytesError)) {
		err = badRequest{err}
	}
	return b, err
}
