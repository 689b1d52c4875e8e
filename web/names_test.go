package web

import (
	"strings"
	"testing"

	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/store"
)

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
