package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/local"
)

func TestExitCodes(t *testing.T) {
	empty := t.TempDir()
	noise := t.TempDir()
	if err := os.WriteFile(filepath.Join(noise, "c+s+p.webm"), []byte("no film"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.mp4")
	graded := t.TempDir()
	for name, text := range map[string]string{
		"c+s+p.webm":   "no film",
		local.SongFile: `{"output":{"look":{"gamma":900}}}`,
		"look.json":    `{"version":1,"choir_id":"c","song_id":"s","output":{"look":{"gamma":900}},"inputs":[{"part_id":"p"}]}`,
		"other.json":   `{"version":1,"choir_id":"c","song_id":"t","inputs":[{"part_id":"p"}]}`,
		"faulty.json":  `{"version":1,"choir_id":"c","song_id":"s","inputs":[],"typo":1}`,
	} {
		if err := os.WriteFile(filepath.Join(graded, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plain := func(name string) []string {
		return []string{"render", noise, "--out", out, "--no-cache", "--definition", filepath.Join(graded, name)}
	}
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
		{[]string{"serve", "--data", empty, "--reach", "-5s"}, exitUsage, "--reach"},
		{[]string{"render", noise, "--out", out, "--crf", "99"}, exitUsage, "--crf: 99, want 1 to 51"},
		{[]string{"render", noise, "--out", out, "--crf", "-3"}, exitUsage, "--crf"},
		{[]string{"render", noise, "--out", out, "--preset", "warp"}, exitUsage, "want one of ultrafast, "},
		{[]string{"render", noise, "--out", out, "--reach", "-5s", "--slots", "-3"}, exitUsage, "--slots"},
		{[]string{"plan", noise, "--reach", "-5s"}, exitUsage, "--reach"},
		{[]string{"align", noise, noise, "--reach", "-5s"}, exitUsage, "--reach"},
		{[]string{"render", noise, "--out", filepath.Join(empty, "gone", "x.mp4")}, exitUsage, "is no folder"},
		{[]string{"render", noise, "--out", empty}, exitUsage, "is a folder"},
		{[]string{"render", noise, "--out", out, "--report", filepath.Join(empty, "gone", "r.json")}, exitUsage, "--report"},
		{[]string{"render", noise, "--out", out, "--fps", "fast"}, exitUsage, "--fps"},
		{[]string{"render", noise, "--out", out, "--fps", "-5"}, exitUsage, "--fps"},
		{[]string{"render", noise, "--out", out, "--fps", "1/2"}, exitUsage, "--fps: 1/2, want 1 to 120"},
		{append(plain("look.json"), "--size", "640x360"), exitUsage, "--size: not beside --definition"},
		{append(plain("look.json"), "--fps", "25", "--span", "union"), exitUsage, "--span: not beside --definition"},
		{plain("look.json"), exitInput, "output.look: gamma 900"},
		{plain("other.json"), exitInput, `of choir "c", song "t"`},
		{plain("faulty.json"), exitInput, "typo: unknown field"},
		{plain("gone.json"), exitInput, "gone.json"},
		{[]string{"render", graded, "--out", out, "--no-cache"}, exitInput, "output.look: gamma 900"},
		{[]string{"plan", graded}, exitInput, "output.look: gamma 900"},
		{[]string{"stitch", noise, "--out", out, "--fps", "-5"}, exitUsage, "--fps"},
		{[]string{"stitch", noise, "--out", filepath.Join(empty, "gone", "x.mp4")}, exitUsage, "--out"},
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

// A decimal is the fraction it stands for, and a fraction is taken as it is.
func TestFrameRateFlag(t *testing.T) {
	for s, want := range map[string]definition.FPS{
		"25": {Num: 25, Den: 1}, "29.97": {Num: 30000, Den: 1001}, "24.98": {Num: 1249, Den: 50}, "25000/1001": {Num: 25000, Den: 1001},
	} {
		out, err := renderFlags{fps: s}.output()
		if got := out.FPS.Or(definition.FPS{}); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", s, got, err, want)
		}
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

// A full disk ends a command with the reason and a hint; an interrupt, and what goes
// wrong in a running command, stay what they are.
func TestBecause(t *testing.T) {
	wrong := errors.New("wrong")
	for name, c := range map[string]struct {
		end  func(stop context.CancelCauseFunc)
		want error
	}{
		"running":     {func(context.CancelCauseFunc) {}, wrong},
		"interrupted": {func(stop context.CancelCauseFunc) { stop(nil) }, wrong},
		"full":        {func(stop context.CancelCauseFunc) { stop(syscall.ENOSPC) }, syscall.ENOSPC},
	} {
		ctx, stop := context.WithCancelCause(t.Context())
		c.end(stop)
		err := because(ctx, wrong)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if f := (*failure)(nil); errors.As(err, &f) && !strings.Contains(f.hint, "--cache") {
			t.Errorf("%s: hint %q", name, f.hint)
		}
		stop(nil)
	}
}
