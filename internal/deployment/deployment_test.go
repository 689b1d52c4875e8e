package deployment

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestValidateReportsAllFaults(t *testing.T) {
	c := Config{AccessKey: "a", BucketNames: map[string]string{"rwa": "x", "raw": ""}}
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"--secret-key", `"rwa"`, `"raw" has no name`, "--assignments", "--reports"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

func TestBucketNames(t *testing.T) {
	var c Config
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	c.Flags(fs)
	if err := fs.Parse([]string{"--bucket", "final=films"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if got := c.BucketName("raw"); got != "choirless-raw" {
		t.Errorf("raw is %q", got)
	}
	if got := c.BucketName("final"); got != "films" {
		t.Errorf("final is %q", got)
	}
}
