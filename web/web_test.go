package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

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
	b.want("PATCH", songAPI+"/parts/p", `{"rotate":180}`, 200, `"rotate":180`)
	b.want("PATCH", songAPI+"/parts/p", `{"rotation":90,"user_name":"Anna"}`, 200, `"rotate":90`, `"userName":"Anna"`)
	b.want("PATCH", songAPI+"/parts/p", `{"rotation":90,"rotate":0}`, 400, "rotation: the same as rotate")
	if text := b.want("PATCH", songAPI+"/parts/p", `{"rotation":null,"user_name":"Ann"}`, 200); strings.Contains(text, "rotat") {
		t.Errorf("null did not take another spelling back: %s", text)
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
