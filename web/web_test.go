package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

var testSong = definition.Song{Choir: "my choir", Song: "old 100th%"}

const songAPI = "/api/songs/my%20choir/old%20100th%25"

// asked stands for the coordinator: it stores documents and notes the rest.
type asked struct {
	store store.Store
	mu    sync.Mutex
	calls []string
}

func (a *asked) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, fmt.Sprintf(format, args...))
}

func (a *asked) PutPart(ctx context.Context, song definition.Song, doc definition.Part) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return a.store.PutPart(ctx, store.PartID{Song: song, Part: doc.PartID}, text)
}

func (a *asked) PutSettings(ctx context.Context, song definition.Song, set definition.Settings) error {
	if err := a.store.PutSong(ctx, song, nil); err != nil {
		return err
	}
	return a.EditSettings(ctx, song, func(definition.Settings) (definition.Settings, error) { return set, nil })
}

func (a *asked) EditSettings(ctx context.Context, song definition.Song, edit func(definition.Settings) (definition.Settings, error)) error {
	return a.store.EditSong(ctx, song, func(s store.Song) (json.RawMessage, bool, error) {
		set, err := status.Settings(s)
		if err == nil {
			set, err = edit(set)
		}
		if err != nil {
			return nil, false, err
		}
		text, err := json.Marshal(set)
		return text, set.Auto.Or(true), err
	})
}

func (a *asked) EditPart(ctx context.Context, id store.PartID, edit func(doc []byte) (definition.Part, error)) error {
	return a.store.EditPart(ctx, id, func(doc json.RawMessage) (json.RawMessage, error) {
		p, err := edit(doc)
		if err != nil {
			return nil, err
		}
		return json.Marshal(p)
	})
}

func (a *asked) Cancel(ctx context.Context, run string) (bool, error) {
	a.note("cancel %s", run)
	return a.store.CancelRender(ctx, run, "cancelled")
}

func (a *asked) Rerender(_ context.Context, song definition.Song, name string) (string, error) {
	a.note("render %s %s", song.Song, name)
	return "newrun", nil
}

func (a *asked) Retry(_ context.Context, song definition.Song, name string) (string, error) {
	a.note("retry %s %s", song.Song, name)
	return "", nil
}

type bench struct {
	*testing.T
	*asked
	server  *httptest.Server
	buckets bucket.Buckets
}

func newBench(t *testing.T) *bench {
	st, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	return newBenchOn(t, st)
}

func newBenchOn(t *testing.T, st store.Store) *bench {
	dir := t.TempDir()
	b := &bench{T: t, asked: &asked{store: st}, buckets: bucket.Buckets{}}
	for _, role := range definition.Buckets() {
		var err error
		if b.buckets[role], err = bucket.OpenDir(filepath.Join(dir, role), bucket.DirOptions{NoSync: true}); err != nil {
			t.Fatal(err)
		}
	}
	b.server = httptest.NewServer(New(Config{
		Store: st, Coordinator: b.asked, Buckets: b.buckets,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}))
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.server.Close()
		st.Close()
	})
	return b
}

// do sends a request and returns status and body.
func (b *bench) do(method, path, body string, header ...string) (int, string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	return r.StatusCode, string(text)
}

func (b *bench) want(method, path, body string, code int, contains ...string) string {
	b.Helper()
	got, text := b.do(method, path, body)
	if got != code {
		b.Fatalf("%s %s: %d %s, want %d", method, path, got, text, code)
	}
	for _, c := range contains {
		if !strings.Contains(text, c) {
			b.Errorf("%s %s: %s\nhas no %s", method, path, text, c)
		}
	}
	return text
}

// fill puts a song with a part that is ready and one that was refused, and a
// render that is done.
func (b *bench) fill() {
	b.Helper()
	ctx := b.Context()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, p := range []definition.PartID{"anna", "<b>evil"} {
		must(b.PutPart(ctx, testSong, definition.Part{PartID: p, Volume: definition.Some(0.5)}))
		_, err := b.store.Uploaded(ctx, store.Upload{
			PartID: store.PartID{Song: testSong, Part: p}, Raw: store.Raw{Key: "raw " + string(p), ETag: "1"},
			Task: func(store.Part) (store.NewTask, error) {
				return store.NewTask{Part: p, Assignment: plan.Assignment{Key: "ingest " + string(p), Kind: plan.KindIngest}}, nil
			},
		})
		must(err)
	}
	result, err := json.Marshal(plan.IngestResult{Snapshot: true, Facts: media.Facts{Warnings: []string{"cut short"}}})
	must(err)
	_, err = b.store.CompleteTask(ctx, store.Done{Song: testSong, Key: "ingest anna", Result: result})
	must(err)
	_, err = b.store.FailTask(ctx, store.Failure{Song: testSong, Key: "ingest <b>evil", Attempt: 1, Permanent: true, Reason: "<script>alert(1)"})
	must(err)
	song, err := b.store.ClaimSong(ctx, "me", 1e12)
	must(err)
	must(b.store.SongPlanned(ctx, song, ""))
	_, _, err = b.store.AddRender(ctx, store.NewRender{
		Run: "run1", Song: testSong, Name: "auto", Key: "k", ETag: "e",
		Definition: json.RawMessage(`{"version":1}`),
	})
	must(err)
	r, err := b.store.ClaimRender(ctx, "me", 1e12, store.Queued)
	must(err)
	must(b.store.PlanRender(ctx, r.Claim(), store.Planned{
		Plan:     json.RawMessage(`{}`),
		Warnings: []store.Warning{{Part: "<b>evil", Text: "dropped"}},
	}))
	for _, s := range []store.RenderState{store.Checking, store.Finishing} {
		r, err = b.store.ClaimRender(ctx, "me", 1e12, s)
		must(err)
		if s == store.Checking {
			must(b.store.StackRender(ctx, r.Claim(), nil))
		}
	}
	out, err := json.Marshal(status.Output{Final: "a+b-final.mp4", Frames: 3, LUFS: -16})
	must(err)
	must(b.store.FinishRender(ctx, r.Claim(), out, []store.Warning{{Part: "<b>evil", Text: "dropped"}}))
}

func TestSongAPI(t *testing.T) {
	b := newBench(t)
	b.want("GET", "/", "", 200, "No songs yet")
	b.want("GET", "/api/songs", "", 200, `"songs":[]`)
	b.want("GET", songAPI, "", 404, "not found")
	b.want("GET", songAPI+"/events", "", 404)
	b.fill()
	b.want("GET", "/api/songs", "", 200, `"song_id":"old 100th%"`, `"state":"done"`, `"left_out":1`, `"final":"a+b-final.mp4"`)
	var s status.Song
	if err := json.Unmarshal([]byte(b.want("GET", songAPI, "", 200)), &s); err != nil {
		t.Fatal(err)
	}
	if s.Percent != 100 || !s.Settled || s.Run != "run1" || s.Output.LUFS != -16 || s.Legacy != definition.StatusDone {
		t.Errorf("status %+v", s)
	}
	if len(s.Parts) != 2 || s.Parts[0].Error == "" || s.Parts[1].Warnings[0] != "cut short" || s.Parts[1].Snapshot != "raw anna.jpg" {
		t.Errorf("parts %+v", s.Parts)
	}
	b.want("GET", songAPI+"/history", "", 200, `"stage":"ingest","state":"failed"`, `"legacy_status":"done"`)
	b.want("GET", songAPI+"/history?after=999999", "", 200, `"events":[]`)
	b.want("GET", songAPI+"/history?after=x", "", 400, "want a number")
	b.want("GET", songAPI+"/renders", "", 200, `"run":"run1"`, `"state":"done"`, `"lufs":-16`)
	b.want("GET", songAPI+"/definition", "", 200, `{"version":1}`)
	b.want("GET", songAPI+"/definition?name=mine", "", 404)
	b.want("POST", songAPI+"/render", "", 202, `"run":"newrun"`)
	b.want("POST", songAPI+"/retry?name=mine", "", 202)
	b.want("POST", "/api/songs/nobody/nothing/retry", "", 404)
	b.want("POST", "/api/runs/run1/cancel", "", 200, `"cancelled":false`)
	b.want("POST", "/api/runs/none/cancel", "", 404)
	if got := strings.Join(b.calls, "; "); got != "render old 100th% auto; retry old 100th% mine; cancel run1; cancel none" {
		t.Errorf("asked: %s", got)
	}
}

func TestPartDocuments(t *testing.T) {
	b := newBench(t)
	b.want("GET", songAPI+"/parts/p", "", 404)
	b.want("PATCH", songAPI+"/parts/p", `{}`, 404)
	b.want("PUT", songAPI+"/parts/p", `{"partType":"rendition","volume":0,"userName":"Ann"}`, 200, `"partId":"p"`, `"volume":0`)
	b.want("PATCH", songAPI+"/parts/p", `{"offset":-12.5,"offset_locked":true}`, 200, `"volume":0`, `"offset":-12.5`, `"offset_locked":true`)
	text := b.want("PATCH", songAPI+"/parts/p", `{"offset":null,"offset_locked":null,"hidden":true}`, 200, `"hidden":true`)
	if strings.Contains(text, "offset") {
		t.Errorf("null did not take back: %s", text)
	}
	b.want("GET", songAPI+"/parts", "", 200, `"userName":"Ann"`)
	b.want("PUT", songAPI+"/parts/p", `{"volume":-1}`, 400, "volume")
	b.want("PUT", songAPI+"/parts/p", `{`, 400)
	b.want("PUT", songAPI+"/parts/p", `[]`, 400)
	b.want("PUT", songAPI+"/parts/a+b", `{}`, 400, "part id")
	b.want("PUT", songAPI+"/parts/p", `{"partName":"`+strings.Repeat("x", maxBody)+`"}`, 413)
	code, _ := b.do("PUT", songAPI+"/parts/p", `{"volume":2}`, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	if code != http.StatusForbidden {
		t.Errorf("a page of another site changed a part: %d", code)
	}
}

// Changes of one part that come at the same moment are all there afterwards.
func TestPatchesAtOnce(t *testing.T) {
	b := newBench(t)
	const path = songAPI + "/parts/p"
	b.want("PUT", path, `{}`, 200)
	for i := range 20 {
		var all sync.WaitGroup
		for _, change := range []string{`{"volume":0.%d1}`, `{"offset":1%d}`, `{"pan":0.%d1}`, `{"reverb":0.%d1}`} {
			all.Go(func() { b.do("PATCH", path, fmt.Sprintf(change, i)) })
		}
		all.Wait()
		b.want("GET", path, "", 200, fmt.Sprintf(`"offset":1%d`, i), fmt.Sprintf(`"volume":0.%d1`, i), fmt.Sprintf(`"pan":0.%d1`, i), fmt.Sprintf(`"reverb":0.%d1`, i))
	}
}

// What cannot be the name of anything is the caller's fault, whatever the database makes
// of it.
func TestNamesThatAreNone(t *testing.T) {
	st, err := store.OpenPostgres(t.Context(), testserver.Postgres(t)(t))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("s", 4500)
	for _, b := range []*bench{newBench(t), newBenchOn(t, st)} {
		for _, id := range []string{"%00", "%ff", "a+b", "a%2Fb", "%EF%BF%BF", long} {
			for _, of := range []string{"", "/events", "/history", "/renders", "/definition", "/parts", "/parts/p"} {
				b.want("GET", "/api/songs/c/"+id+of, "", 400, "song id")
			}
			b.want("GET", "/songs/"+id+"/s", "", 400, "choir id")
			b.want("GET", "/?choir="+strings.ReplaceAll(id, "+", "%2B"), "", 400, "choir id")
			b.want("GET", "/api/songs?choir="+strings.ReplaceAll(id, "+", "%2B"), "", 400, "choir id")
			b.want("GET", "/api/songs/c/s?name="+strings.ReplaceAll(id, "+", "%2B"), "", 400, "definition name")
			b.want("POST", "/api/songs/c/"+id+"/retry", "", 400, "song id")
			b.want("POST", "/api/runs/"+id+"/cancel", "", 400, "run id")
			b.want("PATCH", "/api/songs/c/s/parts/"+id, `{}`, 400, "part id")
		}
		ids := strings.Repeat("c", 80)
		b.want("PUT", "/api/songs/"+ids+"/"+ids+"/parts/"+ids, `{}`, 400, "ids of 242 bytes together, at most 195")
		// A form's content type, which curl sends of its own accord, does not eat the body.
		if code, text := b.do("PUT", "/api/songs/c/s/parts/p", `{"volume":0.5}`, "Content-Type", "application/x-www-form-urlencoded"); code != 200 || !strings.Contains(text, `"volume":0.5`) {
			b.Errorf("%d %s", code, text)
		}
	}
}

func TestMedia(t *testing.T) {
	b := newBench(t)
	put := func(role, key, content string) {
		if _, err := b.buckets[role].Put(t.Context(), key, strings.NewReader(content), bucket.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(definition.BucketFinal, "c+s+auto-final.mp4", "0123456789")
	put(definition.BucketRaw, "c+s+p.webm", "private")
	const path = "/media/final/c+s+auto-final.mp4"
	b.want("GET", path, "", 200, "0123456789")
	b.want("GET", "/media/final/c%2Bs%2Bauto-final.mp4", "", 200, "0123456789")
	if code, text := b.do("GET", path, "", "Range", "bytes=2-4"); code != 206 || text != "234" {
		t.Errorf("range: %d %q", code, text)
	}
	r, err := http.Get(b.server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if code, _ := b.do("GET", path, "", "If-None-Match", r.Header.Get("ETag")); code != 304 {
		t.Errorf("the same again: %d", code)
	}
	if r.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("type %q", r.Header.Get("Content-Type"))
	}
	b.want("GET", "/media/raw/c+s+p.webm", "", 404)
	b.want("GET", "/media/final/none.mp4", "", 404)
	for _, key := range []string{"%2e%2e", "a%2Fb", "%ff", "%00", strings.Repeat("x", 300), "..%2f..%2fetc%2fpasswd"} {
		b.want("GET", "/media/final/"+key, "", 404)
	}
}

func TestPages(t *testing.T) {
	b := newBench(t)
	b.fill()
	page := b.want("GET", "/", "", 200, `href="/songs/my%20choir/old%20100th%25"`, "1 left out", `href="/media/final/a&#43;b-final.mp4"`)
	page += b.want("GET", "/songs/my%20choir/old%20100th%25", "", 200, `data-song="old 100th%"`, `data-choir="my choir"`)
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<b>evil") {
		t.Error("text of a part is markup in the page")
	}
	b.want("GET", "/songs/nobody/nothing", "", 404)
	b.want("GET", "/assets/song.js", "", 200, "EventSource")
	b.want("GET", "/assets/page.css", "", 200)
	r, err := http.Get(b.server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Errorf("policy %q", r.Header.Get("Content-Security-Policy"))
	}
}

func TestNodes(t *testing.T) {
	b := newBench(t)
	b.want("GET", "/api/nodes", "", 200, `"nodes":[]`)
	for name, about := range map[string]plan.Node{
		"<b>evil": {
			Slots: 2, Compositor: "llvmpipe (LLVM 15)", Software: true, Encoder: "libx264", StripesJoin: true,
			Encoders: map[string]string{"x264": "available", "nvenc": "not available: no card"},
			Decoder:  "h264, libdav1d", Decoders: map[string]string{"vp9": "software", "vp8": "software: no card", "av1": "software: no card"},
		},
		"big": {Slots: 16, Compositor: "NVIDIA L4", Encoder: "h264_nvenc", Decoder: "vp8_cuvid", Encoders: map[string]string{"x264": "available", "nvenc": "available"}},
		"new": {Slots: 1},
	} {
		if err := b.store.PutNode(t.Context(), name, &about); err != nil {
			t.Fatal(err)
		}
	}
	b.want("GET", "/api/nodes", "", 200, `"composes":"CPU: llvmpipe (LLVM 15)"`, `"composes":"GPU: NVIDIA L4"`,
		`"decoder":"h264, libdav1d"`, `"decoding":"av1, vp8: software: no card; vp9: software"`, `"decoder":"vp8_cuvid"`,
		`"encoder":"h264_nvenc"`, `"lacks":"nvenc not available: no card"`, `"slots":16`)
	page := b.want("GET", "/", "", 200, "CPU: llvmpipe", "GPU: NVIDIA L4", "h264_nvenc", "libx264", "h264, libdav1d", `title="av1, vp8: software: no card; vp9: software"`, "vp8_cuvid", "nothing yet", "encoded twice", "joined")
	if strings.Contains(page, "<b>evil") {
		t.Error("the name of a node is markup in the page")
	}
}

func TestLive(t *testing.T) {
	b := newBench(t)
	b.fill()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", b.server.URL+songAPI+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	next := func() (s status.Song) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &s); err != nil {
					t.Fatal(err)
				}
				return s
			}
		}
		t.Fatal("the stream ended", lines.Err())
		return s
	}
	if s := next(); s.Run != "run1" {
		t.Errorf("first message %+v", s)
	}
	if _, _, err := b.store.AddRender(t.Context(), store.NewRender{
		Run: "run2", Song: testSong, Name: "auto", Key: "k", ETag: "f",
		Definition: json.RawMessage(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	if s := next(); s.Run != "run2" || s.Settled {
		t.Errorf("second message %+v", s)
	}
}

func TestLegacy(t *testing.T) {
	b := newBench(t)
	const where = "/render?choirId=my+choir&songId=old+100th%25"
	b.want("GET", where, "", 404)
	b.want("GET", "/render", "", 400)
	b.want("POST", "/render", `{"choirId":"my choir","songId":"old 100th%","partId":"p9","status":"new"}`, 200)
	b.want("POST", "/render", `{"choirId":"my choir","songId":"old 100th%","status":"failed"}`, 400, "composited")
	b.want("POST", "/render", `nonsense`, 400)
	b.want("POST", "/render", `{"choirId":"a+b/../c","songId":"s","status":"done"}`, 400, "choir id")
	b.want("POST", "/render", `{"choirId":"c","songId":"s","partId":"x\u0000y","status":"done"}`, 400, "part id")
	b.want("GET", "/render?choirId=%00&songId=s", "", 400, "choir id")
	b.want("GET", where, "", 200, `"choirId":"my choir","songId":"old 100th%","partId":"p9","status":"new"`)
	b.fill()
	b.want("GET", where, "", 200, `"partId":null,"status":"done"`)
	b.want("GET", "/render/done", "", 200, `"renders":[{"choirId":"my choir"`, `"status":"done"`)
}

func TestHealth(t *testing.T) {
	b := newBench(t)
	b.want("GET", "/healthz", "", 200, "ok")
	b.want("GET", "/readyz", "", 200, "ready")
	b.store.Close()
	b.want("GET", "/healthz", "", 200, "ok")
	b.want("GET", "/readyz", "", 503, "database: ", "closed")
}
