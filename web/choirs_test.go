package web

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/choirless/render/definition"
)

func TestChoirs(t *testing.T) {
	b := newBench(t)
	b.want("GET", "/api/choirs", "", 200, `"choirs":[]`)
	b.fill()
	b.want("GET", "/", "", 200, `<nav id="choirs" aria-label="Choirs" hidden>`)
	for _, id := range []definition.Song{{Choir: "<b>evil", Song: "first"}, {Choir: "<b>evil", Song: "second"}} {
		if err := b.store.PutSong(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
	}
	var answer struct {
		OK     bool
		Choirs []choir
	}
	if err := json.Unmarshal([]byte(b.want("GET", "/api/choirs", "", 200, `"choir_id":"my choir"`)), &answer); err != nil {
		t.Fatal(err)
	}
	if c := answer.Choirs; !answer.OK || len(c) != 2 || c[0].ID != "<b>evil" || c[0].Songs != 2 || c[1].Songs != 1 {
		t.Errorf("choirs %+v", answer)
	}
	text := b.want("GET", "/api/songs?choir=%3Cb%3Eevil", "", 200, `"song_id":"first"`, `"song_id":"second"`)
	page := b.want("GET", "/?choir=my+choir", "", 200, `href="/?choir=%3cb%3eevil"`,
		`href="/?choir=my%20choir" aria-current="page">my choir (1)</a>`, "old 100th%")
	if strings.Contains(text, "old 100th%") || strings.Contains(page, "/first") {
		t.Error("songs of another choir are shown")
	}
	if strings.Contains(page, "<b>evil") {
		t.Error("the name of a choir is markup in the page")
	}
	b.want("GET", "/api/songs?choir=nobody", "", 200, `"songs":[]`)
	b.store.Close()
	b.want("GET", "/api/choirs", "", 500, `"ok":false`)
}
