package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/choirless/render/internal/flagenv"
)

func TestREADMETable(t *testing.T) {
	var c config
	fs := pflag.NewFlagSet("render-node", pflag.ContinueOnError)
	c.Flags(fs)
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := flagenv.Table(fs, envPrefix); !strings.Contains(string(b), want) {
		t.Errorf("README.md lacks render-node's table, which is:\n%s", want)
	}
}

func TestFaultsAreReportedTogether(t *testing.T) {
	var e strings.Builder
	env := func(k string) (string, bool) { return "loud", k == "CHOIRLESS_LOG_LEVEL" }
	code := run(t.Context(), []string{"--slots=-1", "--lease=1s", "--assignments=", "--drain=long", "--sqs-endpoint=sqs:4566", "--listen=9102", "--decoder=vdpau"}, env, &e)
	if code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	for _, want := range []string{"--slots: -1, want 0 to 256", "--lease: 1s, want 2s to 12h", "--assignments", "--drain", `--sqs-endpoint: "sqs:4566", want http://`, `--listen: "9102"`, `--decoder: "vdpau", want auto, software or nvdec`, `--log-level: "loud"`} {
		if !strings.Contains(e.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, e.String())
		}
	}
}

func TestHelp(t *testing.T) {
	if code := run(t.Context(), []string{"--help"}, func(string) (string, bool) { return "", false }, io.Discard); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}
