package main

import (
	"strings"
	"testing"
)

func run(t *testing.T, strict bool, lines ...string) (string, bool) {
	t.Helper()
	r := report{out: map[string][]string{}}
	var b strings.Builder
	if err := r.read(strings.NewReader(strings.Join(lines, "\n")), &b); err != nil {
		t.Fatal(err)
	}
	ok := r.finish(&b, strict)
	return b.String(), ok
}

func TestReport(t *testing.T) {
	pass := `{"Action":"pass","Package":"p","Test":"TestA"}`
	skip := []string{
		`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: no server\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestB"}`,
	}
	extra := []string{
		`{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:7: extra media are not here\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestC"}`,
	}
	fail := []string{
		`{"Action":"output","Package":"p","Test":"TestD","Output":"    d_test.go:7: got 1, want 2\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestD"}`,
	}
	for _, c := range []struct {
		name   string
		strict bool
		lines  []string
		ok     bool
		want   string
	}{
		{"pass", true, []string{pass}, true, "1 passed, 0 failed, 0 skipped"},
		{"nothing ran", false, nil, false, "no test ran"},
		{"failure shows its output", false, append(fail, pass), false, "got 1, want 2"},
		{"skip", false, append(skip, pass), true, "skip  p TestB: no server"},
		{"skip when strict", true, append(skip, pass), false, "must run"},
		{"allowed skip when strict", true, append(extra, pass), true, "1 passed, 0 failed, 1 skipped"},
		{"build failure", false, []string{pass, `{"Action":"build-fail","ImportPath":"q"}`}, false, "did not build"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, ok := run(t, c.strict, c.lines...)
			if ok != c.ok || !strings.Contains(out, c.want) {
				t.Errorf("ok = %v, want %v; output, which should hold %q:\n%s", ok, c.ok, c.want, out)
			}
		})
	}
}
