package flagenv

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func flags() (*pflag.FlagSet, *int, *time.Duration) {
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	return fs, fs.Int("slots", 2, "how many at once"), fs.Duration("lease-time", time.Minute, "how long")
}

func env(m map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func TestApply(t *testing.T) {
	fs, slots, lease := flags()
	if err := fs.Parse([]string{"--slots=7"}); err != nil {
		t.Fatal(err)
	}
	if err := Apply(fs, "C", env(map[string]string{"C_SLOTS": "3", "C_LEASE_TIME": "5s"})); err != nil {
		t.Fatal(err)
	}
	if *slots != 7 || *lease != 5*time.Second {
		t.Errorf("slots %d, lease %v, want the flag's 7 and the environment's 5s", *slots, *lease)
	}
}

func TestApplyReportsAllFaults(t *testing.T) {
	fs, _, _ := flags()
	err := Apply(fs, "C", env(map[string]string{"C_SLOTS": "many", "C_LEASE_TIME": "soon"}))
	if err == nil || !strings.Contains(err.Error(), "C_SLOTS") || !strings.Contains(err.Error(), "C_LEASE_TIME") {
		t.Errorf("error %v, want both variables named", err)
	}
}

func TestTable(t *testing.T) {
	fs, _, _ := flags()
	want := "| `--slots` | `C_SLOTS` | `2` | how many at once |"
	if got := Table(fs, "C"); !strings.Contains(got, want) {
		t.Errorf("table lacks %q:\n%s", want, got)
	}
}

func TestParse(t *testing.T) {
	fs, slots, lease := flags()
	if err := Parse(fs, "C", []string{"--slots", "7"}, env(map[string]string{"C_SLOTS": "3", "C_LEASE_TIME": "5s"})); err != nil {
		t.Fatal(err)
	}
	if *slots != 7 || *lease != 5*time.Second {
		t.Errorf("slots %d, lease %v, want the flag's 7 and the environment's 5s", *slots, *lease)
	}
}

func TestParseReportsAllFaults(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{[]string{"--slots=many", "and", "--lease-time=soon", "more"}, []string{`"--slots"`, `"--lease-time"`, `["and" "more"]`, "C_MORE"}},
		{[]string{"--slots=many", "--fast"}, []string{`"--slots"`, "--fast", "C_MORE"}},
	} {
		fs, slots, _ := flags()
		fs.Int("more", 0, "")
		err := Parse(fs, "C", c.args, env(map[string]string{"C_MORE": "much"}))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: error %v, want %s named", c.args, err, want)
			}
		}
		if *slots != 2 {
			t.Errorf("%q: slots %d, want the default", c.args, *slots)
		}
	}
	fs, _, _ := flags()
	fs.Usage = func() {}
	if err := Parse(fs, "C", []string{"--slots=many", "--help"}, env(nil)); err != pflag.ErrHelp {
		t.Errorf("help: %v", err)
	}
}
