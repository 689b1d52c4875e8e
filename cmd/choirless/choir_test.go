package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// truth is what choirgen knows of the recordings it made, as far as the tests
// need it.
type truth struct {
	Parts []struct {
		Part     string  `json:"part"`
		File     string  `json:"file"`
		Offset   float64 `json:"offset_ms"`
		Rotation int     `json:"rotation"`
		Width    int     `json:"width"`
	} `json:"parts"`
}

var buildChoirgen = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "choirgen-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "choirgen")
	out, err := exec.Command("go", "build", "-o", bin, "../../scripts/choirgen").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := buildChoirgen(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// choir makes a song in a new folder.
func choir(t *testing.T, args ...string) (string, truth) {
	t.Helper()
	bin, err := buildChoirgen()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command(bin, append([]string{"--out", dir}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("choirgen: %v\n%s", err, out)
	}
	var tr truth
	readJSON(t, filepath.Join(dir, "truth.json"), &tr)
	return dir, tr
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// command runs the command line in this process.
func command(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, nil, &o, &e)
	return code, o.String(), e.String()
}

// rendered runs render, which must succeed, and returns the video and the report.
func rendered(t *testing.T, dir string, args ...string) (string, report) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "final.mp4")
	rep := out + ".json"
	args = append([]string{"render", dir, "--out", out, "--report", rep}, args...)
	if code, o, e := command(t, args...); code != exitOK {
		t.Fatalf("render: exit %d\n%s%s", code, o, e)
	}
	var r report
	readJSON(t, rep, &r)
	return out, r
}
