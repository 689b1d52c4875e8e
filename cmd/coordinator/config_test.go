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
	fs := pflag.NewFlagSet("coordinator", pflag.ContinueOnError)
	c.Flags(fs)
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := flagenv.Table(fs, envPrefix); !strings.Contains(string(b), want) {
		t.Errorf("README.md lacks coordinator's table, which is:\n%s", want)
	}
}

func TestFaultsAreReportedTogether(t *testing.T) {
	var e strings.Builder
	env := func(k string) (string, bool) { return "loud", k == "CHOIRLESS_LOG_LEVEL" }
	code := run(t.Context(), []string{"--attempts=0", "--debounce=2h", "--events=", "--claim=1ms", "--keep=long", "--s3-endpoint=minio:9000", "--listen=8080", "song"}, env, &e)
	if code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	for _, want := range []string{"--attempts: 0, want 1 to 100", "--debounce: 2h0m0s, want 0s to 1h", "--claim: 1ms, want 1s to 1h0m0s", "--events", "--database", "--keep", `--s3-endpoint: "minio:9000", want http://`, `--listen: "8080"`, `["song"]`, `--log-level: "loud"`} {
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
