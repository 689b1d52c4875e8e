package media

import (
	"encoding/json"
	"testing"
	"time"
)

func TestSpanJSON(t *testing.T) {
	in := []Span{{-1500 * time.Millisecond, 0}, {2*time.Second + 400*time.Microsecond, time.Hour}}
	b, err := json.Marshal(in)
	if err != nil || string(b) != "[[-1500,0],[2000,3600000]]" {
		t.Fatalf("%s, %v", b, err)
	}
	var out []Span
	if err := json.Unmarshal(b, &out); err != nil || out[0] != in[0] || out[1] != (Span{2 * time.Second, time.Hour}) {
		t.Errorf("%v, %v", out, err)
	}
	for _, bad := range []string{`[1]`, `[2,1]`, `[1,2,3]`, `{}`, `"1"`, `[0,9300000000000]`} {
		if err := json.Unmarshal([]byte(bad), new(Span)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
