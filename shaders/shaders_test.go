package shaders

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAssemblePutsFilesInOrder(t *testing.T) {
	s, err := Files{}.Assemble("plain_color", []Define{{"HLG", ""}, {"CHANNEL", "1"}}, "color")
	if err != nil {
		t.Fatal(err)
	}
	want := "#version 430 core\n#define HLG\n#define CHANNEL 1\n#line 1 1\n"
	if !strings.HasPrefix(s.Text, want) {
		t.Errorf("begins %q, want %q", s.Text[:len(want)], want)
	}
	if a, b := strings.Index(s.Text, "vec3 canvas_code"), strings.Index(s.Text, "#line 1 2\n// Plain variant, last"); a < 0 || b < a {
		t.Errorf("color.glsl at %d, plain_color.glsl at %d", a, b)
	}
	for _, bad := range []string{"nothing", "../shaders"} {
		if _, err := (Files{}).Assemble(bad, nil); err == nil {
			t.Errorf("Assemble(%q) worked", bad)
		}
		if _, err := (Files{}).Assemble("quad", nil, bad); err == nil {
			t.Errorf("building on %q worked", bad)
		}
	}
}

// TestLoad: a folder's files are used, and what they were when they were loaded.
func TestLoad(t *testing.T) {
	dir := fstest.MapFS{
		"version.glsl": {Data: []byte("#version 430 core\n")},
		"one.glsl":     {Data: []byte("void main() {}\n")},
		"readme.txt":   {Data: []byte("not a shader")},
	}
	f, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	dir["one.glsl"] = &fstest.MapFile{Data: []byte("changed\n")}
	if got := f.Names(); !slices.Equal(got, []string{"one", "version"}) {
		t.Errorf("names %q", got)
	}
	s, err := f.Assemble("one", nil)
	if want := "#version 430 core\n#line 1 1\nvoid main() {}\n"; err != nil || s.Text != want {
		t.Errorf("%q, %v, want %q", s.Text, err, want)
	}
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("an empty folder was loaded")
	}
	delete(dir, "version.glsl")
	if f, err = Load(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Assemble("one", nil); err == nil || !strings.Contains(err.Error(), "version.glsl") {
		t.Errorf("without version.glsl: %v", err)
	}
}

func TestExplainNamesFileAndLine(t *testing.T) {
	s, err := Files{}.Generated("made", "void main() {\n    oops;\n}\n", nil, "color")
	if err != nil {
		t.Fatal(err)
	}
	for driver, log := range map[string]string{
		"Mesa":    "2:2(5): error: `oops' undeclared",
		"Mesa 0":  "0:2(5): error: `oops' undeclared",
		"NVIDIA":  "2(2) : error C1503: undefined variable \"oops\"",
		"glslang": "ERROR: 2:2: 'oops' : undeclared identifier",
	} {
		got := s.Explain(log)
		if !strings.Contains(got, "made.glsl:2") {
			t.Errorf("%s: %q does not name made.glsl:2", driver, got)
		}
		if !strings.Contains(got, "> made.glsl:2") || !strings.Contains(got, "    oops;") {
			t.Errorf("%s: the line is not marked in the source:\n%s", driver, got)
		}
	}
}

// TestFilesCompile runs the reference compiler over every shader as the engine
// uses it. The engine's own tests do the same for generated ones.
func TestFilesCompile(t *testing.T) {
	cases := []struct {
		name    string
		defines []Define
		with    []string
	}{
		{"quad", nil, nil},
		{"plain_v", nil, nil},
		{"plain_h", nil, nil},
		{"plain_color", []Define{{"LINEAR", ""}}, nil},
		{"plain_color", []Define{{"LINEAR", ""}, {"GRAY", ""}}, nil},
		{"plain_color", []Define{{"HLG", ""}, {"CHANNEL", "0"}}, []string{"color"}},
		{"plain_color", []Define{{"HLG", ""}, {"CHANNEL", "0"}, {"LOOK", ""}}, []string{"color", "look"}},
		{"plain_color", []Define{{"LINEAR", ""}, {"LOOK", ""}}, []string{"look"}},
		{"plain_color", []Define{{"PQ", ""}, {"CHANNEL", "1"}}, []string{"color"}},
		{"plain_color", []Define{{"GAMMA", ""}, {"CHANNEL", "2"}}, []string{"color"}},
	}
	used := map[string]bool{"version": true}
	// The bodies of these two are written by the engine, whose tests compile
	// them as they are used.
	for _, n := range []string{"fast_v", "fast_h"} {
		s, err := Files{}.Generated(n+"_body", "void main() {}\n", nil, "fast", n)
		if err != nil {
			t.Fatal(err)
		}
		used["fast"], used[n] = true, true
		Validate(t, s, "frag")
	}
	for _, c := range cases {
		s, err := Files{}.Assemble(c.name, c.defines, c.with...)
		if err != nil {
			t.Fatal(err)
		}
		used[c.name] = true
		for _, w := range c.with {
			used[w] = true
		}
		stage := "frag"
		if c.name == "quad" {
			stage = "vert"
		}
		Validate(t, s, stage)
	}
	for _, n := range (Files{}).Names() {
		if !used[n] {
			t.Errorf("%s.glsl is in no case", n)
		}
	}
}

// Validate compiles s with glslangValidator.
func Validate(t *testing.T, s Source, stage string) {
	t.Helper()
	tool, err := exec.LookPath("glslangValidator")
	if err != nil {
		if os.Getenv("CHOIR_REQUIRE_GL") == "1" {
			t.Fatal("CHOIR_REQUIRE_GL=1: glslangValidator is not installed")
		}
		t.Skip("glslangValidator is not installed")
	}
	path := filepath.Join(t.TempDir(), s.Name+"."+stage)
	if err := os.WriteFile(path, []byte(s.Text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, path).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", s.Name, err, s.Explain(string(out)))
	}
}
