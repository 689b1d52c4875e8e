package web

import (
	"strings"
	"testing"

	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/store"
)

// What a song's definition is made with can be said, changed and read back; what makes
// no sense is refused with all its faults, and nothing changes.
func TestSettings(t *testing.T) {
	st, err := store.OpenPostgres(t.Context(), testserver.Postgres(t)(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bench{newBench(t), newBenchOn(t, st)} {
		const path = songAPI + "/settings"
		b.want("GET", path, "", 404)
		b.want("PATCH", path, `{"name":"x"}`, 404)
		b.want("GET", songAPI, "", 404)
		b.want("PUT", path, `{"output":{"size":[1281,720],"reverb":3,"captoins":true},"layout":{"mode":"heap"},"nome":"x"}`, 400,
			"size", "reverb", "captions", "layout.mode", "nome")
		b.want("GET", path, "", 404)
		b.want("PUT", path, `{"name":"Old Hundredth","output":{"size":[1280,720],"reverb":0.1},"layout":{"mode":"boxjam","margin":8}}`, 200,
			`"auto":true`)
		b.want("PATCH", path, `{"output":{"captions":true,"reverb":null},"layout":{"margin":4}}`, 200, `"captions":true`)
		text := b.want("GET", path, "", 200, `"size":[1280,720]`, `"captions":true`, `"mode":"boxjam"`, `"margin":4`, `"name":"Old Hundredth"`, `"auto":true`)
		if strings.Contains(text, "reverb") {
			t.Errorf("null did not take back: %s", text)
		}
		b.want("GET", songAPI, "", 200, `"title":"Old Hundredth"`)
		b.want("GET", "/", "", 200, ">Old Hundredth</a>")
		b.want("PATCH", path, `{"auto":false}`, 200, `"auto":false`)
		b.want("PATCH", path, `{"output":{"fps":-1}}`, 400, "fps")
		b.want("PATCH", path, `null`, 400)
		b.want("PUT", path, `[]`, 400)
		b.want("GET", path, "", 200, `"auto":false`, `"captions":true`)
		b.want("PUT", path, `{"output":{"look":{"gamma":99}}}`, 400, "gamma 99, want")
		b.want("PATCH", path, `{"output":{"look":{"gamma":99}}}`, 400, "gamma 99, want")
		b.want("PATCH", path, `{"layout":{"center":true}}`, 200, `"center":true`)
		b.want("PATCH", path, `{"layout":{"centre":false}}`, 200, `"center":false`)
		b.want("PATCH", path, `{"layout":{"centre":true,"center":false}}`, 400, "centre: the same as center")
		if s, err := b.store.Song(t.Context(), testSong); err != nil || s.Auto || strings.Contains(string(s.Settings), "auto") {
			t.Errorf("stored are %s and auto %t, %v", s.Settings, s.Auto, err)
		}
		if err := b.store.PutSong(t.Context(), testSong, []byte(`{"output":{"fps":"x"}}`)); err != nil {
			t.Fatal(err)
		}
		b.want("GET", path, "", 500) // what cannot be read can be replaced
		b.want("PUT", path, `{}`, 200)
		if text := b.want("GET", path, "", 200); text != "{\"auto\":true}\n" {
			t.Errorf("replaced by nothing: %s", text)
		}
	}
}
