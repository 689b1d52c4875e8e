package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/choirless/render/decode"
)

func TestExitCodes(t *testing.T) {
	empty := t.TempDir()
	noise := t.TempDir()
	if err := os.WriteFile(filepath.Join(noise, "c+s+p.webm"), []byte("no film"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.mp4")
	nvdecCode, nvdecWant := exitInput, "nothing to render" // where there is a card
	if _, err := decode.ChooseDecoder("nvdec"); err != nil {
		nvdecCode, nvdecWant = exitFailed, "--decoder: "+err.Error()
	}
	for _, c := range []struct {
		args []string
		code int
		want string // on standard output or error
	}{
		{[]string{"--help"}, exitOK, "render"},
		{[]string{"render", "--help"}, exitOK, "--report"},
		{[]string{"nonsense"}, exitUsage, "unknown command"},
		{[]string{"render", empty, "--bogus"}, exitUsage, "hint: see choirless render --help"},
		{[]string{"render", empty}, exitUsage, "--out is missing"},
		{[]string{"render"}, exitUsage, "want one folder"},
		{[]string{"render", empty, "--out", out}, exitInput, "holds no recordings"},
		{[]string{"render", noise, "--out", out, "--no-cache"}, exitInput, "nothing to render"},
		{[]string{"render", noise, "--out", out, "--size", "big"}, exitUsage, "--size"},
		{[]string{"render", noise, "--out", out, "--span", "all"}, exitUsage, "--span"},
		{[]string{"render", noise, "--out", out, "--cache-size", "much"}, exitUsage, "want a size such as 20GB"},
		{[]string{"render", noise, "--out", out, "--cache-size", "-1GB"}, exitUsage, "want a size such as 20GB"},
		{[]string{"render", noise, "--out", out, "--decoder", "vdpau"}, exitUsage, "want auto, software or nvdec"},
		{[]string{"render", noise, "--out", out, "--no-cache", "--decoder", "nvdec"}, nvdecCode, nvdecWant},
		{[]string{"serve", "--data", empty, "--decoder", "vdpau"}, exitUsage, "want auto, software or nvdec"},
		{[]string{"probe", filepath.Join(noise, "c+s+p.webm")}, exitInput, "not a media file"},
		{[]string{"probe", filepath.Join(empty, "gone")}, exitInput, "no such file"},
		{[]string{"serve"}, exitUsage, "--data is missing"},
	} {
		t.Run(strings.Join(c.args[:min(2, len(c.args))], " "), func(t *testing.T) {
			code, o, e := command(t, c.args...)
			if code != c.code || !strings.Contains(o+e, c.want) {
				t.Errorf("%v: exit %d, want %d; output lacks %q:\n%s%s", c.args, code, c.code, c.want, o, e)
			}
			if code != exitOK && !strings.HasPrefix(e, "choirless: error: ") {
				t.Errorf("error does not speak our voice: %q", e)
			}
		})
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a video was left behind")
	}
}

func TestREADMEHasTheExitCodes(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitInput, exitReview, exitInterrupted} {
		if !strings.Contains(string(b), fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("README's table lacks exit code %d", code)
		}
	}
}
