package shaders

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestTunables(t *testing.T) {
	read := func(text string) ([]Tunable, error) {
		f, err := Load(fstest.MapFS{"a.glsl": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return f.Tunables()
	}
	got, err := read("// tune 1..2 = 1\nuniform float plain;  // an angle\n  uniform float x;//tune -1..2.5=0.5, of something\r\nuniform float y ; // tune 0 .. 1 = 0\n")
	want := []Tunable{{"x", -1, 2.5, 0.5, "a", 3}, {"y", 0, 1, 0, "a", 4}}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{
		"uniform float x; // tune", "uniform float x; // tune 1..2", "uniform float x; // tune 2..1 = 1",
		"uniform float x; // tune 0..1 = 2", "uniform float x; // tune 0..1.2.3 = 1",
		"uniform float x; // tune 0..1 = 1\nuniform float x; // tune 0..1 = 1",
	} {
		if got, err := read("\n" + bad); err == nil || !strings.Contains(err.Error(), "a.glsl:") {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
	if got, err := (Files{}).Tunables(); err != nil || len(got) == 0 {
		t.Errorf("built-in: %v, %v", got, err)
	}
}
